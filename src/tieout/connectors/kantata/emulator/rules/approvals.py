"""Submissions of time and expenses and what becomes of them: approved, rejected, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.catalogue.work import line_of
from tieout.connectors.kantata.emulator.failures import Flaw, Refusal, forbidden, invalid, not_found
from tieout.connectors.kantata.emulator.rules.money import currency, formatted
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, identifiers, stamp

# What a person does, what the record of it is called, and what the submission is afterwards.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "approve": ("approval", "approved"),
    "reject": ("rejection", "rejected"),
    "cancel": ("cancellation", "cancelled"),
}


class Submissions(Rule):
    def __init__(self, collection: str, kind: str) -> None:
        self.collection = collection
        self._kind = kind

    def visible(self, call: Call, row: Row) -> bool:
        workspace = cast("Row", call.records.get("workspaces", row["workspace_id"]))
        return row["user_id"] == call.user["id"] or call.approves(workspace)

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        workspace = cast("Row", call.records.get("workspaces", row["workspace_id"]))
        resolutions = call.records.where("resolutions", "target_id", row["id"])
        last = resolutions[-1] if resolutions else None
        lines = _lines(call, row)
        total = sum(_cents(each) for each in lines)
        approver, pending = call.approves(workspace), row["status"] == "pending"
        return {
            **currency(workspace["currency"]),
            "line_item_total_in_cents": total,
            "line_item_total_formatted": formatted(total, workspace["currency"]),
            "resolution_description": last["description"] if last else None,
            "current_resolution_description": last["description"] if last else None,
            "current_resolution_creator_id": last["user_id"] if last else None,
            "current_resolution_created_at_date": last["created_at"] if last else None,
            "permissions": {
                "can_approve_submission": approver and pending,
                "can_reject_submission": approver and pending,
                "can_cancel_submission": row["status"] in ("pending", "approved"),
                "can_resubmit_submission": row["status"] in ("rejected", "cancelled"),
            },
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = call.records.get("workspaces", values["workspace_id"])
        if workspace is None or not call.sees(workspace["id"]):
            raise invalid("workspace_id", "Workspace could not be found")
        ids = list(dict.fromkeys(values.pop("line_item_ids")))
        collection, kept = line_of({"type": self._kind})
        lines = [call.records.get(collection, each) for each in ids]
        asked = values.get("user_id")
        user_id = asked if asked and call.financial(workspace["id"]) else call.user["id"]
        found = [each for each in lines if each is not None]
        flaws = _unfit(ids, lines, workspace["id"], user_id)
        if flaws:
            raise Refusal(422, *flaws)
        begins = date.fromisoformat(min(str(each.get("date_performed") or each["date"]) for each in found))
        monday = begins - timedelta(days=begins.weekday())
        return {
            "comment": None, **values, "user_id": user_id, "type": self._kind, "status": "pending", kept: ids,
            "start_date": monday.isoformat(), "end_date": (monday + timedelta(days=6)).isoformat(),
        }  # fmt: skip

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        """The lines move to the new submission, away from a rejected or cancelled one. The lines themselves stay as
        they are: their `updated_at` does not move, neither now nor at the approval."""
        collection, kept = line_of(row)
        for each in row[kept]:
            call.records.change(
                collection, each, quietly=True, active_submission_id=row["id"], recent_submission_id=row["id"]
            )


def _unfit(ids: Sequence[str], lines: Sequence[Row | None], workspace_id: str, user_id: str) -> list[Flaw]:
    flaws: list[Flaw] = []
    for line_id, line in zip(ids, lines, strict=True):
        if line is None or line["user_id"] != user_id:
            flaws.append(Flaw("validation", f"Line item {line_id} could not be found", "line_item_ids"))
        elif line["workspace_id"] != workspace_id:
            flaws.append(Flaw("validation", f"Line item {line_id} belongs to another project", "line_item_ids"))
        elif line["active_submission_id"]:
            flaws.append(Flaw("validation", f"Line item {line_id} has already been submitted", "line_item_ids"))
    return flaws


def _lines(call: Call, row: Row) -> list[Row]:
    collection, kept = line_of(row)
    return [each for one in row[kept] if (each := call.records.get(collection, one))]


def _cents(line: Row) -> int:
    if "amount_in_cents" in line:
        return line["amount_in_cents"]
    return round(line["time_in_minutes"] * line["rate_in_cents"] / 60) if line["billable"] else 0


def resolve(call: Call, submission: Row, action: str, description: str | None) -> Row:
    """The resolution. Raises Refusal when the caller may not, or the submission is past it."""
    kind, status = ACTIONS[action]
    workspace = cast("Row", call.records.get("workspaces", submission["workspace_id"]))
    own = submission["user_id"] == call.user["id"] and submission["status"] == "pending" and action == "cancel"
    if not own and not call.approves(workspace):
        raise forbidden(f"You do not have permission to {action} this submission")
    lines = _lines(call, submission)
    possible = ("pending", "approved") if action == "cancel" else ("pending",)
    if submission["status"] not in possible:
        raise invalid("base", f"Submission {submission['id']} is {submission['status']} and cannot be {status}")
    if action == "cancel" and any(each["is_invoiced"] for each in lines):
        raise invalid("base", "This submission has billing activity and cannot be cancelled")
    call.records.change(submission_collection(submission), submission["id"], status=status)
    collection, _ = line_of(submission)
    for each in lines:
        active = submission["id"] if status == "approved" else None
        # Changed without a new `updated_at`, but not without an event: the account tells of both.
        call.records.change(collection, each["id"], quietly=True, active_submission_id=active, resolved=status)
    return call.records.insert(
        "resolutions",
        type=kind,
        description=description,
        target_type=submission["type"],
        target_id=submission["id"],
        user_id=call.user["id"],
        account_id=call.records.fact("account_id"),
    )


def resolve_many(call: Call, collection: str, action: str, given: JsonObject) -> list[Row]:
    """All of them or none. Raises Refusal."""
    ids = identifiers("submission_ids", given.get("submission_ids"))
    if not ids:
        raise invalid("submission_ids", "Please choose at least one submission")
    made: list[Row] = []
    for each in ids:
        submission = call.records.get(collection, each)
        if submission is None:
            raise not_found(f"Submission {each}")
        made.append(resolve(call, submission, action, given.get("description")))
    return made


def submission_collection(submission: Row) -> str:
    return "timesheet_submissions" if submission["type"] == "TimesheetSubmission" else "expense_report_submissions"


class Resolutions(Rule):
    collection = "resolutions"

    def visible(self, call: Call, row: Row) -> bool:
        return stamp(call.records.now()) >= row["created_at"]
