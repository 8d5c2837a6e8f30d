"""Receipts and the billing schedule: what may be attached, and when a milestone may be invoiced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import forbidden, invalid
from tieout.connectors.kantata.emulator.rules.money import currency
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject

_BILLED = "This billing milestone has been invoiced and cannot be"
FIXED_DATE, UPON_COMPLETION = "fixed_date", "upon_completion"
COMPLETED = "completed"


class Attachments(Rule):
    """Files of receipts: the account keeps their names and sizes, and whoever sees the expense may see them."""

    collection = "attachments"

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        pdf = row["filename"].lower().endswith(".pdf")
        url = f"https://files.mavenlink.test/{row['id']}/{row['filename']}"
        return {"url": url, "previewable": not pdf, "view_in_new_tab": pdf}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if values.get("type") not in ("receipt", "post_attachment"):
            raise invalid("type", "type is not included in the list")
        direct, data = values.pop("direct", None), values.pop("data", None)
        if not (values.get("filename") if direct else data):
            raise invalid("filename" if direct else "data", "Please choose a file")
        filename = values.get("filename") or "receipt"
        return {**values, "filename": filename, "filesize": len(data) if data else None, "user_id": call.user["id"],
                "deleted_at": None}  # fmt: skip

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if row["user_id"] != call.user["id"] and not call.administrator:
            raise forbidden()
        return values

    def remove(self, call: Call, row: Row) -> None:
        """The expense loses its receipt without being touched."""
        self.revise(call, row, {}, {})
        for expense in call.records.where("expenses", "receipt_id", row["id"]):
            call.records.change("expenses", expense["id"], quietly=True, receipt_id=None)
        super().remove(call, row)


class BillingMilestones(Rule):
    """An amount that is invoiced on a day, or when a task is completed. A completion that is taken back afterwards
    changes nothing about an invoice.
    """

    collection = "billing_milestones"

    def visible(self, call: Call, row: Row) -> bool:
        return call.financial(row["workspace_id"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        workspace = call.records.get("workspaces", row["workspace_id"])
        return currency(workspace["currency"]) if workspace else {}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = call.records.get("workspaces", values["workspace_id"])
        if workspace is None:
            raise invalid("workspace_id", "Workspace could not be found")
        if not call.financial(workspace["id"]):
            raise forbidden()
        blank: JsonObject = {"story_id": None, "date_to_invoice": None, "billing_type": FIXED_DATE, "invoice_ids": []}
        row: JsonObject = {**blank, **{name: value for name, value in values.items() if value is not None}}
        self._check(call, row)
        return row

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if row["invoice_ids"]:
            raise invalid("base", f"{_BILLED} changed")
        self._check(call, {**row, **values})
        return values

    def remove(self, call: Call, row: Row) -> None:
        if row["invoice_ids"]:
            raise invalid("base", f"{_BILLED} deleted")
        super().remove(call, row)

    def _check(self, call: Call, row: Row) -> None:
        if row["billing_type"] not in (FIXED_DATE, UPON_COMPLETION):
            raise invalid("billing_type", "billing_type is not included in the list")
        story = call.records.get("stories", row["story_id"])
        if row["story_id"] and (story is None or story["workspace_id"] != row["workspace_id"]):
            raise invalid("story_id", "Story could not be found in this project")
        if row["billing_type"] == UPON_COMPLETION and story is None:
            raise invalid("story_id", "Please choose the task whose completion is billed")


def why_not_invoiceable(call: Call, milestone: Row, today: str) -> str | None:
    """What an invoice with this milestone is refused with; None when it may be invoiced."""
    story = call.records.get("stories", milestone["story_id"])
    if milestone["invoice_ids"]:
        return "has already been invoiced"
    if milestone["billing_type"] == UPON_COMPLETION:
        return None if story and story["state"] == COMPLETED else "has not been completed"
    due = milestone["date_to_invoice"]
    return "cannot be invoiced yet" if due and due > today else None


class StoryStateChanges(Rule):
    collection = "story_state_changes"

    def visible(self, call: Call, row: Row) -> bool:
        story = call.records.get("stories", row["story_id"])
        return story is not None and call.sees(story["workspace_id"])
