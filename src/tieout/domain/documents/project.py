"""The project: what the PSA and the ERP set up so that people can work and be billed for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.document import Document, Part
from tieout.domain.documents.terms import Increment

ProjectState = Literal["tentative", "active", "on_hold", "archived"]


class ProjectTask(Part):
    """Work that time is booked on; `key` is unique within the project and stable over re-planning."""

    key: str
    name: str
    role: str
    hours: Decimal
    rate: Decimal
    billable: bool = True
    open: bool = Field(default=True, description="Whether time can be booked on it; a change order may end it")
    sold: str = Field(default="", description="The sold package that it belongs to, by its id in the contract")
    increment: Increment = Field(default=1, description="Minutes to which each of its entries is rounded to be charged")
    direction: Literal["up", "nearest"] = "up"


class Project(Document):
    """A project of an engagement, in the legal entity's currency; `key` is the project number everywhere."""

    kind: ClassVar[str] = "project"

    engagement: str
    sold: str = Field(default="", description="The sale whose own project it is; empty for the project of the deal")
    name: str
    customer: str
    legal_entity: str
    currency: str
    department: str
    tax_class: str = Field(default="", description="What the ERP is expected to charge; it decides, Tieout compares")
    contract_version: int = Field(description="0 as long as no contract is signed: all of its work is at risk")
    budget: Decimal
    rate_card: str
    start: date | None = None
    end: date | None = None
    po_number: str = ""
    project_manager: str = ""
    package: str = ""
    state: ProjectState = "active"
    tentative_until: date | None = Field(
        default=None, description="Where work began before the contract was signed: the last day it may go on without"
    )
    tasks: tuple[ProjectTask, ...]

    @property
    def at_risk(self) -> bool:
        """Nobody has signed for its work: it is counted and shown, and not billed (T06)."""
        return self.contract_version == 0

    @property
    def of_template(self) -> tuple[ProjectTask, ...]:
        """The tasks of its first package, whose template a project is made from."""
        return tuple(each for each in self.tasks if each.sold == self.tasks[0].sold)

    @property
    def was_replanned(self) -> bool:
        """Its budget, dates and hours may be others than those it was set up with."""
        return self.tentative_until is not None or self.contract_version > 1
