"""Time, expenses, their submissions, and the invoices that bill them."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import USUAL, after, among, before, equal, flagged, unless_asked
from tieout.connectors.kantata.emulator.schema import NO_DELETE, REFERENCES, Collection, Filter, Row, kept, many, one
from tieout.connectors.kantata.emulator.wire import (
    as_given,
    day,
    decimal,
    flag,
    identifier,
    identifiers,
    read_day,
    text,
    truth,
    whole,
)

# A status that answers call `pending` is asked for as `new`.
ASKED_STATUS = {"new": "pending"}


def approved(call: Call, row: Row) -> bool:
    """On an approved submission."""
    submission = next(
        (
            found
            for each in ("timesheet_submissions", "expense_report_submissions")
            if (found := call.records.get(each, row.get("active_submission_id")))
        ),
        None,
    )
    return submission is not None and submission["status"] == "approved"


def _counts_as_approved(required: str) -> Filter:
    """The value is ignored; lines of projects that need no approval count as approved."""

    def passes(call: Call, row: Row, value: str) -> bool:
        workspace = call.records.get("workspaces", row["workspace_id"])
        return approved(call, row) or (workspace is not None and not workspace[required])

    return passes


def _between(field: str) -> Filter:
    def passes(call: Call, row: Row, value: str) -> bool:
        first, _, last = value.partition(":")
        begin, end = read_day(first), read_day(last)
        return bool(begin and end and begin.isoformat() <= str(row[field]) <= end.isoformat())

    return passes


def _project_is_open(call: Call, row: Row) -> bool:
    workspace = call.records.get("workspaces", row["workspace_id"])
    return workspace is not None and not workspace["archived"]


def _in_active_submission(call: Call, row: Row, value: str) -> bool:
    return (row["active_submission_id"] is not None) == truth(value)


def _statuses(call: Call, row: Row, value: str) -> bool:
    return row["status"] in {ASKED_STATUS.get(each.strip(), each.strip()) for each in value.split(",")}


_LINE_FILTERS: dict[str, Filter] = {
    **USUAL,
    "from_archived_workspaces": unless_asked(_project_is_open),
    "invoiced": lambda call, row, value: bool(row["is_invoiced"]),
    "uninvoiced": lambda call, row, value: not row["is_invoiced"],
    "billable": flagged("billable"),
    "in_active_submission": _in_active_submission,
    "in_active_invoice_id": equal("invoice_id"),
    "on_my_account": lambda call, row, value: True,
    "with_user_ids": among("user_id"),
    "workspace_id": equal("workspace_id"),
    "workspace_ids": among("workspace_id"),
}
_SUBMISSION_SHOWN = (
    "title", "comment", "status", "type", "created_at", "updated_at", "currency", "currency_symbol",
    "currency_base_unit", "line_item_total_in_cents", "line_item_total_formatted", "resolution_description",
    "current_resolution_description", "current_resolution_creator_id", "current_resolution_created_at_date",
    "permissions",
)  # fmt: skip
_SUBMISSION_WRITES = {
    "line_item_ids": identifiers, "title": text, "workspace_id": identifier, "user_id": identifier, "comment": text,
}  # fmt: skip
_SUBMISSION_REQUIRED = {
    "line_item_ids": "Please choose at least one line item", "title": "Please give your submission a title",
    "workspace_id": "Please say which project",
}  # fmt: skip
_SUBMISSION_FILTERS: dict[str, Filter] = {
    **USUAL,
    "statuses": _statuses,
    "not_cancelled": lambda call, row, value: not truth(value) or row["status"] != "cancelled",
    "user_ids": among("user_id"),
    "workspace_ids": among("workspace_id"),
    "workspace_id": equal("workspace_id"),
}

WORK = (
    Collection(
        "time_entries",
        "time_entry",
        "TimeEntry",
        shown=(
            "created_at", "updated_at", "date_performed", "time_in_minutes", "billable", "notes", "rate_in_cents",
            "cost_rate_in_cents", "currency", "currency_symbol", "currency_base_unit", "approved", "is_invoiced",
            "taxable", "location", "location_id", "user_can_edit",
        ),
        optional=("location_id", "user_can_edit"),
        writes={
            "workspace_id": identifier, "date_performed": day, "time_in_minutes": whole, "billable": flag,
            "rate_in_cents": whole, "cost_rate_in_cents": whole, "notes": text, "role_id": identifier,
            "story_id": identifier, "user_id": identifier, "location": text, "taxable": flag,
        },
        fixed=frozenset({"workspace_id"}),
        required={
            "workspace_id": "Please say which project", "date_performed": "Please choose a date",
            "time_in_minutes": "Please say how long it took",
        },
        associations=(
            one("workspace", "workspaces"), one("user", "users"), one("story", "stories"), one("role", "roles"),
            one("active_submission", "timesheet_submissions", hidden=True),
            one("recent_submission", "timesheet_submissions", hidden=True),
            one("invoice", "invoices", hidden=True),
            REFERENCES,
        ),
        filters={
            **_LINE_FILTERS,
            "approved": _counts_as_approved("require_time_approvals"),
            "created_by": equal("creator_id"),
            "date_performed_between": _between("date_performed"),
            "with_timesheet_id": equal("active_submission_id"),
            "with_recent_timesheet_ids": among("recent_submission_id"),
        },
        defaults={"from_archived_workspaces": "false", "on_my_account": "true"},
        orders=("created_at", "date_performed", "updated_at"),
        order="date_performed:desc",
        bulk=100,
        event="time_entry",
    ),
    Collection(
        "time_adjustments",
        "time_adjustment",
        "TimeAdjustment",
        shown=(
            "original_date", "posted_on_date", "time", "bill_rate_in_cents", "cost_rate_in_cents", "billable",
            "currency", "notes", "is_invoiced", "taxable", "created_at", "updated_at",
        ),
        writes={
            "workspace_id": identifier, "user_id": identifier, "story_id": identifier, "time_entry_id": identifier,
            "original_date": day, "posted_on_date": day, "time": whole, "bill_rate_in_cents": whole,
            "cost_rate_in_cents": whole, "billable": flag, "currency": text, "notes": text,
        },
        fixed=frozenset({"workspace_id", "time_entry_id"}),
        required={"workspace_id": "Please say which project", "original_date": "Please choose a date",
                  "time": "Please say how long it took"},
        associations=(one("workspace", "workspaces"), one("user", "users"), one("story", "stories"), REFERENCES),
        filters={**USUAL, "workspace_id": equal("workspace_id")},
    ),
    Collection(
        "expenses",
        "expense",
        "Expense",
        shown=(
            "created_at", "updated_at", "date", "notes", "category", "amount_in_cents", "currency", "currency_symbol",
            "currency_base_unit", "approved", "is_invoiced", "is_billable", "billable", "reimbursable", "taxable",
            "foreign_exchange_amount",
        ),
        writes={
            "workspace_id": identifier, "date": day, "category": text, "amount_in_cents": whole, "notes": text,
            "user_id": identifier, "billable": flag, "reimbursable": flag, "story_id": identifier,
            "vendor_id": identifier, "receipt_id": identifier, "role_id": identifier, "taxable": flag,
            "expense_category_id": identifier, "foreign_exchange_amount": as_given,
        },
        fixed=frozenset({"workspace_id"}),
        required={"workspace_id": "Please say which project", "date": "Please choose a date",
                  "category": "Please choose a category"},
        associations=(
            one("workspace", "workspaces"), one("user", "users"), one("story", "stories"), one("role", "roles"),
            one("receipt", "attachments"), one("vendor", "vendors"),
            one("expense_category", "expense_categories"),
            one("active_submission", "expense_report_submissions", hidden=True),
            one("recent_submission", "expense_report_submissions", hidden=True),
            one("invoice", "invoices", hidden=True),
            REFERENCES,
        ),
        filters={**_LINE_FILTERS, "approved": _counts_as_approved("require_expense_approvals"),
                 "date_between": _between("date"), "reimbursable": flagged("reimbursable"),
                 "mine": lambda call, row, value: not truth(value) or row["user_id"] == call.user["id"],
                 "with_expense_report_id": equal("active_submission_id"),
                 "with_recent_expense_report_ids": among("recent_submission_id")},
        defaults={"from_archived_workspaces": "false", "on_my_account": "true"},
        orders=("created_at", "date", "updated_at", "category"),
        order="date:desc",
        bulk=100,
        event="expense",
    ),
    Collection(
        "timesheet_submissions",
        "timesheet_submission",
        "TimesheetSubmission",
        shown=(*_SUBMISSION_SHOWN, "start_date", "end_date"),
        writes=_SUBMISSION_WRITES,
        required=_SUBMISSION_REQUIRED,
        associations=(
            one("user", "users"), one("workspace", "workspaces"),
            kept("time_entries", "time_entries", "time_entry_ids"),
            many("resolutions", "resolutions", "resolution_ids", via="target_id"),
            REFERENCES,
        ),
        filters={**_SUBMISSION_FILTERS, "start_date": equal("start_date"), "start_date_after": after("start_date"),
                 "start_date_before": before("start_date")},
        orders=("date",),
        order="created_at:desc",
        verbs=frozenset({"list", "show", "create"}),
        event="timesheet",
    ),
    Collection(
        "expense_report_submissions",
        "expense_report_submission",
        "ExpenseReportSubmission",
        shown=_SUBMISSION_SHOWN,
        writes=_SUBMISSION_WRITES,
        required=_SUBMISSION_REQUIRED,
        associations=(
            one("user", "users"), one("workspace", "workspaces"),
            kept("expenses", "expenses", "expense_ids"),
            many("resolutions", "resolutions", "resolution_ids", via="target_id"),
            REFERENCES,
        ),
        filters=_SUBMISSION_FILTERS,
        orders=("date",),
        order="created_at:desc",
        verbs=frozenset({"list", "show", "create"}),
        event="expense_report",
    ),
    Collection(
        "invoices",
        "invoice",
        "Invoice",
        shown=(
            "created_at", "updated_at", "invoice_date", "due_date", "message", "title", "draft", "status",
            "balance_in_cents", "currency", "currency_symbol", "currency_base_unit", "payment_schedule",
            "user_invoice_title", "user_invoice_number", "tax_rate", "purchase_order", "project_code", "workspace_ids",
        ),
        writes={
            "workspace_id": identifier, "workspace_ids": identifiers, "time_entry_ids": identifiers,
            "expense_ids": identifiers, "billing_milestone_ids": identifiers,
            "payment_schedule": whole, "invoice_date": day, "draft": flag, "message": text,
            "user_invoice_number": text, "user_invoice_title": text, "purchase_order": text, "project_code": text,
            "tax_rate": decimal, "additional_items": as_given, "suppress_emails": flag,
        },
        fixed=frozenset({"workspace_id", "workspace_ids", "additional_items", "time_entry_ids", "expense_ids",
                         "billing_milestone_ids"}),
        associations=(
            one("user", "users"), kept("workspaces", "workspaces", "workspace_ids"),
            many("time_entries", "time_entries", "time_entry_ids", via="invoice_id"),
            many("expenses", "expenses", "expense_ids", via="invoice_id"),
            REFERENCES,
        ),
        filters={**USUAL, "workspace_id": lambda call, row, value: value.strip() in row["workspace_ids"],
                 "draft": flagged("draft")},
        orders=("created_at", "updated_at", "invoice_date", "due_date"),
        order="updated_at:desc",
        verbs=NO_DELETE,
        event="invoice",
    ),
)  # fmt: skip


def line_of(submission: Row) -> tuple[str, str]:
    """The collection of a submission's lines and the field that keeps their ids."""
    timesheet = submission["type"] == "TimesheetSubmission"
    return ("time_entries", "time_entry_ids") if timesheet else ("expenses", "expense_ids")
