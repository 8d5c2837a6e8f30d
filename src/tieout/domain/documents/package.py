"""What may be sold and at which rates: service packages and rate cards, kept in the firm folder."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from tieout.domain.documents.document import Document, Part

Billing = Literal["time_and_material"]


class PackageTask(Part):
    """One task of the template: the role that does it and its budget in hours."""

    name: str
    role: str
    hours: Decimal
    billable: bool = True


class ServicePackage(Document):
    """A productised service: the template for tasks, roles, billing and dimensions; `key` is its code."""

    kind: ClassVar[str] = "service_package"

    name: str
    version: int = 1
    practice: str
    billing: Billing = "time_and_material"
    tasks: tuple[PackageTask, ...]


class RateCardVersion(Part):
    """Rates per role and hour from a date on, in the card's currency."""

    version: int
    valid_from: date
    rates: dict[str, Decimal]


class RateCard(Document):
    """The effective-dated price list of a legal entity."""

    kind: ClassVar[str] = "rate_card"

    name: str
    entity: str
    currency: str
    versions: tuple[RateCardVersion, ...]
