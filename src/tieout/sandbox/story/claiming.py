"""What becomes due besides time: expenses with receipts, milestones that are completed, and approvals that are taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from tieout.sandbox.firm import Colleague
from tieout.sandbox.story.desks import WorkDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Kantata"
Report = Literal["timesheet_submissions", "expense_report_submissions"]


@dataclass(frozen=True, slots=True)
class Paid:
    """A receipt: what was paid, where, in the currency in which it was paid."""

    day: date
    category: str
    amount: Decimal
    currency: str
    file: str
    words: str
    billable: bool = True


class Claiming:
    """One person at a desk of their own. Every act raises Refused in the account's words."""

    def __init__(self, person: Colleague, desk: WorkDesk, journal: Journal) -> None:
        self._person = person
        self._desk = desk
        self._journal = journal

    async def file_expense(self, project: str, paid: Paid) -> tuple[str, str]:
        """A claim in the project's currency with its receipt, submitted at once; (expense, report)."""
        receipt = await self._desk.create(
            "attachments", "attachment", {"type": "receipt", "direct": True, "filename": paid.file}
        )
        foreign = {"source_value": str(paid.amount), "source_currency": paid.currency}
        claim = {
            "workspace_id": project, "date": paid.day.isoformat(), "category": paid.category, "notes": paid.words,
            "billable": paid.billable, "receipt_id": receipt, "foreign_exchange_amount": foreign,
        }  # fmt: skip
        expense = await self._desk.create("expenses", "expense", claim)
        trip = {"workspace_id": project, "title": paid.words, "line_item_ids": [expense]}
        report = await self._desk.create("expense_report_submissions", "expense_report_submission", trip)
        self._write("claimed", f"{paid.amount} {paid.currency} for {paid.words}", expense)
        return expense, report

    async def approve(self, report: str, kind: Report) -> None:
        await self._desk.resolve(report, "approve", "Approved.", kind)
        self._write(
            "signed off" if kind == "expense_report_submissions" else "approved", f"the report {report}", report
        )

    async def revoke(self, report: str, kind: Report, words: str) -> None:
        """Takes an approval back. Kantata refuses where it billed itself; of a bill elsewhere it knows nothing."""
        await self._desk.resolve(report, "cancel", words, kind)
        self._write("took back the approval of", f"{report}: {words}", report)

    async def complete(self, milestone: str) -> None:
        await self._desk.change("stories", "story", milestone, {"state": "completed"})
        self._write("completed", f"the milestone {milestone}", milestone)

    async def reopen(self, milestone: str, words: str) -> None:
        """The milestone was not done after all."""
        await self._desk.change("stories", "story", milestone, {"state": "started"})
        self._write("reopened", f"the milestone {milestone}: {words}", milestone)

    def _write(self, did: str, what: str, record: str) -> None:
        self._journal.write(f"{did}/{record}/{len(self._journal)}", self._person.name, did, what, _WHERE, record)
