"""What may be sold and at which rates: service packages and rate cards, kept in the firm folder."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.document import Document, Part
from tieout.domain.documents.plans import Plan, TimePlan
from tieout.domain.documents.terms import ExpenseTerms


class PackageTask(Part):
    """One task of the template: the role that does it and its budget in hours."""

    name: str = Field(description="The task's name, as people see it when they book time")
    role: str = Field(description="The role that does it, as the rate cards name it")
    hours: Decimal = Field(description="Its budget in hours")
    billable: bool = Field(default=True, description="Whether its hours go on the invoice")


class ServicePackage(Document):
    """A productised service: the template for tasks, roles, billing and dimensions; `key` is its code."""

    kind: ClassVar[str] = "service_package"

    key: str = Field(description="Its code, as deals name it, such as DATA-FOUNDATION")
    name: str = Field(description="Its name, as people see it")
    version: int = Field(default=1, ge=1, description="Counts its published versions")
    practice: str = Field(description="The practice that delivers it")
    project: Literal["deal", "sale"] = Field(
        default="deal",
        description="Where it is worked: in the project of the deal, or in one of its own for each sale of it",
    )
    billing: Literal["time_and_material"] | Plan = Field(
        default="time_and_material", description="How it is charged: time_and_material, or a plan with its kind"
    )
    expenses: dict[str, ExpenseTerms] = Field(
        default_factory=dict[str, ExpenseTerms],
        description="Category of expenses → what becomes of them where this package is sold; of any other, what the firm says",
    )
    product: str = Field(
        default="", description="What the ledger sells its fees and usage as, by name; hours are sold as their roles"
    )
    prepaid_product: str = Field(
        default="", description="What prepaid blocks are sold as, such as a deposit; left out, the product"
    )
    tasks: tuple[PackageTask, ...] = Field(description="The tasks of its projects, in their order")

    @property
    def plan(self) -> Plan:
        return TimePlan() if self.billing == "time_and_material" else self.billing


class RateCardVersion(Part):
    """Rates per role and hour from a date on, in the card's currency."""

    version: int = Field(ge=1, description="Its number, one more than the version before")
    valid_from: date = Field(description="The first day of work it prices, such as 2026-01-01")
    rates: dict[str, Decimal] = Field(description="Role → money per hour, exactly as written: 420.10")


class RateCard(Document):
    """The effective-dated price list of a legal entity."""

    kind: ClassVar[str] = "rate_card"

    key: str = Field(description="Its code, such as US-2026")
    name: str = Field(description="Its name, as people see it and as projects keep it")
    entity: str = Field(description="The legal entity that sells at these rates")
    currency: str = Field(description="The currency of the rates, the one of the entity's books (ISO 4217)")
    versions: tuple[RateCardVersion, ...] = Field(description="Its versions, the earliest first")
