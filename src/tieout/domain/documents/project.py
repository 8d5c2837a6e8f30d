"""The project: what the PSA and the ERP set up so that people can work and be billed for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.document import Document, Part

ProjectState = Literal["active", "on_hold", "archived"]


class ProjectTask(Part):
    """Work that time is booked on; `key` is unique within the project and stable over re-planning."""

    key: str
    name: str
    role: str
    hours: Decimal
    rate: Decimal
    billable: bool = True


class Project(Document):
    """The project of an engagement, in the legal entity's currency; `key` is the project number everywhere."""

    kind: ClassVar[str] = "project"

    engagement: str
    name: str
    customer: str
    legal_entity: str
    currency: str
    department: str
    tax_class: str = Field(default="", description="What the ERP is expected to charge; it decides, Tieout compares")
    contract_version: int
    budget: Decimal
    rate_card: str
    start: date | None = None
    end: date | None = None
    po_number: str = ""
    project_manager: str = ""
    package: str = ""
    state: ProjectState = "active"
    tasks: tuple[ProjectTask, ...]
