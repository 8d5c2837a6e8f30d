"""What is billed besides time: categories and receipts of expenses, the billing schedule, and the history of a task's state."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import TIMES, USUAL, among
from tieout.connectors.kantata.emulator.schema import NO_DELETE, READ_ONLY, REFERENCES, Collection, Row, kept, one
from tieout.connectors.kantata.emulator.wire import day, flag, identifier, read_day, text, whole


def _date_to_invoice(call: Call, row: Row, value: str) -> bool:
    first, _, last = value.partition(":")
    begin, end = read_day(first), read_day(last)
    return bool(begin and end and begin.isoformat() <= (row["date_to_invoice"] or "") <= end.isoformat())


BILLING = (
    Collection(
        "expense_categories",
        "expense_category",
        "ExpenseCategory",
        shown=("name", "taxable", "created_at", "updated_at"),
        writes={"name": text, "taxable": flag},
        required={"name": "Please give the category a name"},
        filters=TIMES,
        orders=("name", "created_at", "updated_at"),
        verbs=NO_DELETE,
    ),
    Collection(
        "attachments",
        "attachment",
        "Attachment",
        shown=("created_at", "updated_at", "deleted_at", "filename", "filesize", "previewable", "url", "view_in_new_tab"),
        writes={"type": text, "direct": flag, "data": text, "filename": text},
        fixed=frozenset({"type", "direct", "data"}),
        verbs=frozenset({"create", "update", "delete"}),
    ),
    Collection(
        "billing_milestones",
        "billing_milestone",
        "BillingMilestone",
        shown=("title", "amount_in_cents", "billing_type", "date_to_invoice", "currency", "created_at", "updated_at"),
        writes={
            "title": text, "amount_in_cents": whole, "date_to_invoice": day, "workspace_id": identifier,
            "story_id": identifier, "billing_type": text,
        },
        fixed=frozenset({"workspace_id"}),
        required={"title": "Please give the billing milestone a title", "workspace_id": "Please say which project",
                  "amount_in_cents": "Please say how much it is"},
        associations=(
            one("workspace", "workspaces"), one("story", "stories"), kept("invoices", "invoices", "invoice_ids"),
            REFERENCES,
        ),
        filters={**USUAL, "workspace_ids": among("workspace_id"), "story_ids": among("story_id"),
                 "date_between": _date_to_invoice},
        order="created_at:desc",
        bulk=100,
        event="billing_milestone",
    ),
    Collection(
        "story_state_changes",
        "story_state_change",
        "StoryStateChange",
        shown=("state", "created_at", "updated_at"),
        associations=(one("story", "stories"), one("user", "users")),
        filters={**TIMES, "story_id": among("story_id")},
        verbs=READ_ONLY,
    ),
)  # fmt: skip
