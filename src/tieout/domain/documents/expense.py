"""An expense: what somebody paid for a project, what they claim for it, and who approved that."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from tieout.domain.documents.document import Document
from tieout.domain.documents.work import ApprovalState


class Expense(Document):
    """One receipt of one person, as its source tells it. Amounts are gross; what becomes of it the contract decides (T31).

    Receipt and claim are two amounts, each in its currency; `rate` is what the source made of the one for the other, in
    units of the claim for one of the receipt, as of `rate_date` (T33). Nothing is converted here.
    """

    kind: ClassVar[str] = "expense"

    project: str
    task: str = ""
    person: str
    day: date
    category: str
    receipt_amount: Decimal
    receipt_currency: str
    claim_amount: Decimal
    claim_currency: str
    rate: Decimal | None = None
    rate_date: date | None = None
    has_receipt: bool
    billable: bool
    taxable: bool
    input_tax: Decimal | None = Field(default=None, description="In the claim; left out where the source does not tell")
    state: ApprovalState
    approved_by: str = ""
    approved_at: datetime | None = None
    notes: str = ""
    source_id: str
    source_version: str
