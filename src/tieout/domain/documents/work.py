"""Time: what was worked, what of it is billable, and who approved it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from tieout.domain.documents.document import Document

ApprovalState = Literal["draft", "submitted", "approved", "rejected", "deleted"]


class TimeEntry(Document):
    """One person's work on one task on one calendar day of that person (T27).

    Worked and billable minutes are two quantities (T25). `rate` is what the PSA carries per hour; the rate card only
    verifies it (T20).
    """

    kind: ClassVar[str] = "time_entry"

    project: str
    task: str
    person: str
    work_date: date
    minutes: int
    billable_minutes: int
    rate: Decimal | None
    currency: str
    state: ApprovalState
    approved_by: str = ""
    approved_at: datetime | None = None
    notes: str = ""
    source_id: str
    source_version: str
