"""The change order: what sales and the customer agreed to change in a contract, line by line, as the CRM tells it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.document import Document, Part

ChangeState = Literal["draft", "submitted", "approved", "rejected", "withdrawn"]


class ChangeLine(Part):
    """One change. Amounts are by how much the contract changes, in its currency; everything else is what it shall be."""

    id: str
    action: Literal["add", "change", "remove"]
    instance: str = Field(default="", description="The sale it is about, as the quote names it; empty is the only one")
    package: str = Field(default="", description="The service package of a sale that is new, by its code")
    task: str = Field(default="", description="The task it is about; empty is the whole sale")
    role: str = ""
    hours: Decimal | None = Field(default=None, description="The hours of the task from then on")
    rate: Decimal | None = Field(default=None, description="Money per hour, as agreed")
    amount: Decimal = Decimal(0)
    cap: Decimal | None = Field(default=None, description="What may not be exceeded from then on")
    start: date | None = None
    end: date | None = None


class ChangeOrder(Document):
    """It makes the next version of its engagement's contract once it is approved in the CRM; until then nothing changes (T35)."""

    kind: ClassVar[str] = "change_order"

    name: str = Field(description="Its number, as people call it: CO-00017")
    engagement: str
    state: ChangeState
    effective_from: date | None = None
    description: str = ""
    amount: Decimal | None = Field(default=None, description="By how much it changes the contract, as its head says")
    requested_by: str = Field(default="", description="E-mail address of who submitted it")
    approved_by: str = Field(default="", description="E-mail address of who decided")
    approved_at: datetime | None = None
    lines: tuple[ChangeLine, ...] = ()
    source_id: str

    @property
    def delta(self) -> Decimal:
        """What its lines come to."""
        return sum((each.amount for each in self.lines), Decimal(0))
