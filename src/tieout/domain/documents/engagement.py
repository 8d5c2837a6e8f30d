"""The engagement: what was sold to a customer, as a contract whose versions never change once they are made."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.document import Document, Part
from tieout.domain.documents.terms import Cap, ExpenseTerms, Sold

Stage = Literal["open", "won", "lost"]


class ContractLine(Part):
    """A line of the contract: a role's hours at a rate, in the engagement's currency.

    `id` is the row's in the CRM, and another one after every quote; what lasts is `instance`, where the quote has it.
    """

    id: str
    description: str
    task: str = ""
    role: str = ""
    hours: Decimal = Decimal(0)
    rate: Decimal = Decimal(0)
    amount: Decimal
    quantity: Decimal | None = Field(default=None, description="How many are sold of what is sold by the piece: seats")
    package: str = Field(default="", description="The service package that it belongs to, by its code")
    instance: str = Field(default="", description="Which sale of that package, as the quote names it for good")
    bundle: str = Field(default="", description="The row of the bundle that it is a part of, its own where it is one")
    start: date | None = None
    end: date | None = None
    region: str = ""


class ContractVersion(Part):
    """The approved commercial baseline from a date on."""

    version: int
    effective_from: date
    amount: Decimal
    currency: str
    lines: tuple[ContractLine, ...]
    payment_terms: str = ""
    rate_card: str = ""
    sold: tuple[Sold, ...] = Field(default=(), description="The packages, each with what is charged for it and how")
    caps: tuple[Cap, ...] = Field(default=(), description="What may not be exceeded in billing")
    expenses: dict[str, ExpenseTerms] = Field(
        default_factory=dict[str, ExpenseTerms],
        description="Category, in small letters → what becomes of its expenses here; of any other, what the firm says",
    )
    order: str = Field(default="", description="The change order that made it; empty for what was signed first")


class Engagement(Document):
    """A deal as the CRM tells it, before the contract's first version is taken from it.

    Empty strings and None mean that the CRM does not say; what is mandatory is decided by `readiness`.
    """

    kind: ClassVar[str] = "engagement"

    name: str
    stage: Stage
    stage_name: str = Field(default="", description="The stage as the CRM calls it")
    customer: Customer
    bill_to: Customer | None = None
    ancestors: tuple[Customer, ...] = Field(default=(), description="The customer's parents, the highest first")
    legal_entity: str = ""
    currency: str = ""
    amount: Decimal | None = None
    practice: str = ""
    package: str = ""
    start: date | None = None
    end: date | None = None
    booked_at: datetime | None = Field(
        default=None, description="When the stage was approved, not the typed close date"
    )
    close_date: date | None = None
    payment_terms: str = ""
    signed_payment_terms: str = ""
    po_number: str = ""
    po_required: bool = False
    project_manager: str = Field(default="", description="E-mail address of the project manager")
    owner: str = Field(default="", description="E-mail address of the salesperson")
    lines: tuple[ContractLine, ...] = ()
    extensions: dict[str, str] = Field(default_factory=dict, description="Fields of the firm beyond the canonical ones")
    source_id: str


class Contract(Document):
    """The commercial baseline of an engagement in all its versions; `key` is the engagement's. A version never changes."""

    kind: ClassVar[str] = "contract"

    engagement: str
    customer: str
    legal_entity: str
    versions: tuple[ContractVersion, ...] = Field(min_length=1)

    @property
    def current(self) -> ContractVersion:
        return self.versions[-1]

    def made_by(self, order: str) -> ContractVersion | None:
        return next((each for each in self.versions if each.order == order), None)

    def before(self, version: ContractVersion) -> ContractVersion | None:
        return next((each for each in self.versions if each.version == version.version - 1), None)
