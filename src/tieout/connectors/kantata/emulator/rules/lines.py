"""Time entries, time adjustments and expenses: who may book for whom, at which rate, and when a line is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.catalogue.work import approved
from tieout.connectors.kantata.emulator.failures import forbidden, invalid
from tieout.connectors.kantata.emulator.rules.money import converted, currency, rate_of, role_of
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject

_DAY = 24 * 60


class Line(Rule):
    """What time and expenses share. `dated` is the field of the day, `singular` the word in the vendor's refusals."""

    dated = "date"
    word = "expense"

    def visible(self, call: Call, row: Row) -> bool:
        if row["user_id"] == call.user["id"] or call.financial(row["workspace_id"]):
            return True
        workspace = cast("Row", call.records.get("workspaces", row["workspace_id"]))
        return call.approves(workspace)

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        return {**currency(row["currency"]), "approved": approved(call, row), "is_billable": row["billable"]}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = call.records.get("workspaces", values["workspace_id"])
        if workspace is None or not call.sees(workspace["id"]):
            raise invalid("workspace_id", "Workspace could not be found")
        # For everybody else the parameter is ignored without a word: the line becomes the caller's own.
        asked = values.get("user_id")
        user_id = asked if asked and call.financial(workspace["id"]) else call.user["id"]
        if call.records.first("participations", workspace_id=workspace["id"], user_id=user_id) is None:
            raise invalid("user_id", "User must be a participant in the project")
        if not workspace["time_trackable"]:
            raise invalid("workspace_id", f"No {self.word} can be added to this project")
        if workspace["archived"]:
            raise invalid("workspace_id", f"The project is archived, so no {self.word} can be added to it")
        story = self._story(call, values, workspace)
        self._open(workspace, values[self.dated])
        fallback = story["billable"] if story else True
        billable = values["billable"] if values.get("billable") is not None else fallback
        return {
            "notes": None, "story_id": None, "taxable": False, **values, "user_id": user_id, "billable": billable,
            "currency": workspace["currency"], "creator_id": call.user["id"], "is_invoiced": False, "invoice_id": None,
            "active_submission_id": None, "recent_submission_id": None, "adjusted": False,
        }  # fmt: skip

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = cast("Row", call.records.get("workspaces", row["workspace_id"]))
        privileged = call.financial(row["workspace_id"])
        self._mutable(call, row, workspace, "changed")
        if row["active_submission_id"] and not privileged:
            raise invalid("base", f"This {self.word} has been submitted and cannot be changed")
        if not privileged:
            values.pop("user_id", None)
        self._story(call, values, workspace)
        if values.get(self.dated):
            self._open(workspace, values[self.dated])
        return {name: value for name, value in values.items() if value is not None or name in ("notes", "story_id")}

    def remove(self, call: Call, row: Row) -> None:
        workspace = cast("Row", call.records.get("workspaces", row["workspace_id"]))
        self._mutable(call, row, workspace, "deleted")
        if row["active_submission_id"] and not call.financial(row["workspace_id"]):
            raise invalid("base", f"This {self.word} has been submitted and cannot be deleted")
        super().remove(call, row)

    def _mutable(self, call: Call, row: Row, workspace: Row, verb: str) -> None:
        if row["user_id"] != call.user["id"] and not call.financial(row["workspace_id"]):
            raise forbidden()
        self._open(workspace, row[self.dated])
        if row["is_invoiced"]:
            raise invalid("base", f"This {self.word} has been invoiced and cannot be {verb}")
        if row["adjusted"]:
            raise invalid("base", f"This {self.word} has an adjustment and cannot be {verb}")

    def _open(self, workspace: Row, day: str) -> None:
        if workspace["lock_date"] and day <= workspace["lock_date"]:
            raise invalid(self.dated, f"Time and expenses are locked through {workspace['lock_date']}")

    def _story(self, call: Call, values: JsonObject, workspace: Row) -> Row | None:
        if not values.get("story_id"):
            return None
        story = call.records.get("stories", values["story_id"])
        if story is None or story["workspace_id"] != workspace["id"] or story["deleted_at"]:
            raise invalid("story_id", "Story could not be found in this project")
        if not story["time_trackable"]:
            raise invalid("story_id", "Time cannot be tracked against this task")
        return story


class TimeEntries(Line):
    collection = "time_entries"
    dated = "date_performed"
    word = "time entry"

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        derived = {**super().derive(call, row), "user_can_edit": not row["is_invoiced"], "location_id": None}
        if call.financial(row["workspace_id"]):
            return derived
        return {**derived, "rate_in_cents": None, "cost_rate_in_cents": None}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        self._worked(values["time_in_minutes"])
        row = super().draft(call, values, body)
        records = call.records
        workspace = cast("Row", records.get("workspaces", row["workspace_id"]))
        if workspace["require_notes_on_time_entries"] and not row["notes"]:
            raise invalid("notes", "Please enter notes for your time entry")
        user = cast("Row", records.get("users", row["user_id"]))
        story = records.get("stories", row["story_id"])
        role_id = row.get("role_id") or role_of(records, workspace["id"], story, user)
        if role_id and records.get("roles", role_id) is None:
            raise invalid("role_id", "Role could not be found")
        given = row.get("rate_in_cents") if call.financial(workspace["id"]) else None
        membership = records.first("account_memberships", user_id=user["id"]) or {}
        return {
            "location": None, **row, "role_id": role_id,
            "rate_in_cents": given if given is not None else rate_of(records, workspace, role_id, user, row["date_performed"]),
            "cost_rate_in_cents": membership.get("cost_rate_in_cents") or 0,
        }  # fmt: skip

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if values.get("time_in_minutes") is not None:
            self._worked(values["time_in_minutes"])
        if not call.financial(row["workspace_id"]):
            values.pop("rate_in_cents", None)
            values.pop("cost_rate_in_cents", None)
        # A new date does not bring a new rate: the rate was settled when the entry was made.
        return super().revise(call, row, values, body)

    def _worked(self, minutes: int) -> None:
        if not 0 < minutes <= _DAY:
            raise invalid("time_in_minutes", "Time must be more than 0 and at most 24 hours")


class Expenses(Line):
    collection = "expenses"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        blank = dict.fromkeys(("vendor_id", "receipt_id", "expense_category_id", "role_id", "foreign_exchange_amount"))
        row = {**blank, "reimbursable": True, **super().draft(call, values, body)}
        self._linked(call, values)
        row |= self._claimed(call, row, values)
        if row.get("amount_in_cents") is None:
            raise invalid("amount_in_cents", "Please say how much it was")
        return row

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        self._linked(call, values)
        changes = super().revise(call, row, values, body)
        return {**changes, **self._claimed(call, {**row, **changes}, values)}

    def _claimed(self, call: Call, row: Row, values: JsonObject) -> JsonObject:
        """What was paid in a foreign currency decides the amount, whatever amount is given beside it."""
        foreign = values.get("foreign_exchange_amount")
        if not foreign:
            return {"foreign_exchange_amount": None} if values.get("amount_in_cents") is not None else {}
        try:
            value, source = Decimal(str(foreign["source_value"])), str(foreign["source_currency"])
        except (KeyError, TypeError, ArithmeticError) as wrong:
            raise invalid("foreign_exchange_amount", "source_value and source_currency are required") from wrong
        cents = converted(call.records, value, source, row["currency"], row["date"])
        if cents is None:
            message = f"There is no exchange rate from {source} to {row['currency']} on {row['date']}"
            raise invalid("foreign_exchange_amount", message)
        kept = {"source_value": format(value, "f"), "source_currency": source}
        return {"amount_in_cents": cents, "foreign_exchange_amount": kept}

    def _linked(self, call: Call, values: JsonObject) -> None:
        for field, collection in (
            ("receipt_id", "attachments"),
            ("vendor_id", "vendors"),
            ("expense_category_id", "expense_categories"),
        ):
            if values.get(field) and call.records.get(collection, values[field]) is None:
                raise invalid(field, f"{field} could not be found")


class TimeAdjustments(Rule):
    """Corrects time that can no longer be edited; the entry it belongs to is frozen from then on."""

    collection = "time_adjustments"

    def visible(self, call: Call, row: Row) -> bool:
        return call.financial(row["workspace_id"])

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = call.records.get("workspaces", values["workspace_id"])
        if workspace is None:
            raise invalid("workspace_id", "Workspace could not be found")
        if not call.financial(workspace["id"]):
            raise forbidden()
        if values.get("time_entry_id"):
            if call.records.get("time_entries", values["time_entry_id"]) is None:
                raise invalid("time_entry_id", "Time entry could not be found")
            call.records.change("time_entries", values["time_entry_id"], quietly=True, adjusted=True)
        blank = dict.fromkeys(("story_id", "time_entry_id", "notes", "bill_rate_in_cents", "cost_rate_in_cents"))
        today = call.records.now().date().isoformat()
        return {
            **blank, "billable": True, "posted_on_date": today, "user_id": call.user["id"], "taxable": False,
            "is_invoiced": False, "currency": workspace["currency"], **values,
        }  # fmt: skip

    def remove(self, call: Call, row: Row) -> None:
        if row["time_entry_id"]:
            call.records.change("time_entries", row["time_entry_id"], quietly=True, adjusted=False)
        super().remove(call, row)
