"""Invoices of the PSA itself: they freeze the lines they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.catalogue.work import approved
from tieout.connectors.kantata.emulator.failures import Flaw, Refusal, forbidden, invalid
from tieout.connectors.kantata.emulator.rules.billing import why_not_invoiceable
from tieout.connectors.kantata.emulator.rules.money import currency
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject


class Invoices(Rule):
    collection = "invoices"

    def visible(self, call: Call, row: Row) -> bool:
        return any(call.financial(each) for each in row["workspace_ids"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        label = row["user_invoice_title"] or f"Invoice #{row['user_invoice_number'] or row['id']}"
        return {
            **currency(row["currency"]),
            "title": f"Draft {label}" if row["draft"] else label,
            "status": "not sent" if row["draft"] else "new",
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        ids = values.pop("workspace_ids", None) or [each for each in [values.pop("workspace_id", None)] if each]
        values.pop("workspace_id", None)
        workspaces = [each for one in ids if (each := call.records.get("workspaces", one))]
        if not workspaces or len(workspaces) != len(ids):
            raise invalid("workspace_id", "Workspace could not be found")
        if not all(call.financial(each["id"]) for each in workspaces):
            raise forbidden()
        currencies = {each["currency"] for each in workspaces}
        if len(currencies) > 1:
            raise invalid("workspace_ids", "All projects of an invoice must have the same currency")
        time: list[str] = values.pop("time_entry_ids", None) or []
        expenses: list[str] = values.pop("expense_ids", None) or []
        milestones: list[str] = values.pop("billing_milestone_ids", None) or []
        flaws, cents = self._lines(call, time, expenses, ids)
        more, planned = self._milestones(call, milestones, ids, call.records.now().date().isoformat())
        flaws, cents = flaws + more, cents + planned
        if flaws:
            raise Refusal(422, *flaws)
        items = values.pop("additional_items", None) or ()
        cents += sum(int(each["amount_in_cents"]) for each in items)
        values.pop("suppress_emails", None)
        terms = values.get("payment_schedule") or 0
        today = values.get("invoice_date") or call.records.now().date().isoformat()
        blank = dict.fromkeys(
            ("message", "user_invoice_number", "user_invoice_title", "purchase_order", "project_code", "tax_rate")
        )
        return {
            **blank, "draft": False, **values, "workspace_ids": ids, "currency": currencies.pop(),
            "payment_schedule": terms, "invoice_date": today, "balance_in_cents": cents, "user_id": call.user["id"],
            "due_date": (date.fromisoformat(today) + timedelta(days=terms)).isoformat(),
        }  # fmt: skip

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        for collection, name in (("time_entries", "time_entry_ids"), ("expenses", "expense_ids")):
            for each in body.get(name) or ():
                call.records.change(collection, str(each), is_invoiced=True, invoice_id=row["id"])

        for each in body.get("billing_milestone_ids") or ():
            call.records.change("billing_milestones", str(each), invoice_ids=[row["id"]])

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not self.visible(call, row):
            raise forbidden()
        return values

    def _lines(self, call: Call, time: list[str], expenses: list[str], workspaces: list[str]) -> tuple[list[Flaw], int]:
        flaws: list[Flaw] = []
        cents = 0
        lines = [("time_entries", "time_entry_ids", each) for each in time]
        lines += [("expenses", "expense_ids", each) for each in expenses]
        for collection, field, line_id in lines:
            line = call.records.get(collection, line_id)
            if line is None or line["workspace_id"] not in workspaces:
                flaws.append(Flaw("validation", f"{line_id} could not be found in the project", field))
            elif line["is_invoiced"]:
                flaws.append(Flaw("validation", f"{line_id} has already been invoiced", field))
            elif not line["billable"]:
                flaws.append(Flaw("validation", f"{line_id} is not billable", field))
            elif self._unapproved(call, line, collection):
                flaws.append(Flaw("validation", f"{line_id} has not been approved", field))
            else:
                hours = collection == "time_entries"
                cents += (
                    round(line["time_in_minutes"] * line["rate_in_cents"] / 60) if hours else line["amount_in_cents"]
                )
        return flaws, cents

    def _milestones(self, call: Call, ids: list[str], workspaces: list[str], today: str) -> tuple[list[Flaw], int]:
        flaws: list[Flaw] = []
        cents = 0
        for each in ids:
            milestone = call.records.get("billing_milestones", each)
            if milestone is None or milestone["workspace_id"] not in workspaces:
                flaws.append(Flaw("validation", f"{each} could not be found in the project", "billing_milestone_ids"))
            elif reason := why_not_invoiceable(call, milestone, today):
                flaws.append(Flaw("validation", f"{each} {reason}", "billing_milestone_ids"))
            else:
                cents += milestone["amount_in_cents"]
        return flaws, cents

    def _unapproved(self, call: Call, line: Row, collection: str) -> bool:
        required = "require_time_approvals" if collection == "time_entries" else "require_expense_approvals"
        workspace = call.records.get("workspaces", line["workspace_id"])
        return bool(workspace and workspace[required]) and not approved(call, line)
