"""Projects: what a new one needs and starts with, who is in it, and that it is archived rather than deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import Flaw, Refusal, forbidden, invalid
from tieout.connectors.kantata.emulator.rules.money import currency, formatted
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.rules.templates import apply_template
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, identifiers

# The vendor's list has more, and keeps its numbers in an article for customers: these numbers are this sandbox's own.
NOT_STARTED, IN_SETUP, IN_PROGRESS, ON_HOLD = 100, 200, 300, 405
STATUSES: Mapping[int, tuple[str, str]] = {
    NOT_STARTED: ("gray", "Not Started"),
    IN_SETUP: ("light-green", "In Setup"),
    IN_PROGRESS: ("green", "In Progress"),
    ON_HOLD: ("yellow", "On Hold"),
    500: ("red", "Blocked"),
    600: ("blue", "Completed"),
}
_ROLES = {"maven": "maven", "consultant": "maven", "buyer": "buyer", "client": "buyer"}
_ACCESS = (
    "edit_tasks", "view_tasks", "edit_time_and_expenses", "view_time_and_expenses", "edit_financials",
    "view_financials", "admin", "collaboration", "time_logging", "financial",
)  # fmt: skip


class Workspaces(Rule):
    collection = "workspaces"

    def __init__(self, account_currency: str) -> None:
        self._currency = account_currency

    def visible(self, call: Call, row: Row) -> bool:
        return call.sees(row["id"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        entries = call.records.where("time_entries", "workspace_id", row["id"])
        used = sum(_worth(each) for each in entries)
        financial = call.financial(row["id"])
        price = row["price"] * 100 if row["budgeted"] and row["price"] is not None else None
        color, message = STATUSES[row["status_key"]]
        if row.get("expenses_in_burn_rate"):
            expenses = call.records.where("expenses", "workspace_id", row["id"])
            used += sum(each["amount_in_cents"] for each in expenses if each["billable"])
        return {
            **currency(row["currency"]),
            "account_id": call.records.fact("account_id"),
            "status": {"color": color, "message": message, "key": row["status_key"]},
            "effective_due_date": row["due_date"],
            "price_in_cents": price if financial else None,
            "price": (formatted(price, row["currency"]) if price is not None else "TBD") if financial else None,
            "budget_used_in_cents": used if financial else None,
            "budget_used": formatted(used, row["currency"]) if financial else None,
            "percent_of_budget_used": round(100 * used / price) if price else 0,
            "over_budget": bool(price is not None and used > price),
            "has_budget_access": financial,
            "can_create_line_items": call.participation(row["id"]) is not None,
            "can_invite": financial,
            "has_active_timesheet_submissions": _waits(call, row, "timesheet_submissions"),
            "has_active_expense_report_submissions": _waits(call, row, "expense_report_submissions"),
            "billable_minutes": sum(each["time_in_minutes"] for each in entries if each["billable"]),
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.may_create_projects:
            raise forbidden("You do not have permission to create projects")
        flaws: list[Flaw] = []
        budgeted = values.get("budgeted", True)
        if budgeted and values.get("price") is None:
            flaws.append(Flaw("validation", "Please enter a budget for your project", "price"))
        role = _ROLES.get(values.get("creator_role") or "maven")
        if role is None:
            flaws.append(Flaw("validation", "Please select a role for this project", "creator_role"))
        flaws += _wrong_links(call, values)
        card = call.records.get("rate_cards", values.get("rate_card_id"))
        template = body.get("project_tracker_template_id")
        if template not in (None, "") and call.records.get("project_templates", str(template)) is None:
            flaws.append(Flaw("validation", "Project template could not be found", "project_tracker_template_id"))
        if flaws:
            raise Refusal(422, *flaws)
        values.pop("creator_role", None)
        groups = identifiers("workspace_group_ids", values.get("workspace_group_ids"))
        primary = values.get("primary_workspace_group_id")
        return {
            **_BLANK,
            **values,
            "currency": card["currency"] if card else values.get("currency") or self._currency,
            "budgeted": budgeted,
            "status_key": values.get("status_key") or NOT_STARTED,
            "change_orders_enabled": values.get("change_orders_enabled", budgeted),
            "workspace_group_ids": groups + ([primary] if primary and primary not in groups else []),
            "primary_workspace_group_id": primary or (groups[0] if groups else None),
            "creator_id": call.user["id"],
            "primary_maven_id": values.get("primary_maven_id") or call.user["id"],
            "participant_ids": [],
        }

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        side = _ROLES[str(body.get("creator_role") or "maven")]
        join(call, row["id"], call.user["id"], side, "admin", lead=row["primary_maven_id"] == call.user["id"])
        for each in body.get("participations") or ():
            user_id = str(each.get("user_id"))
            if call.records.get("users", user_id) is None:
                raise invalid("participations", f"User {user_id} could not be found")
            join(call, row["id"], user_id, "maven", each.get("access"), lead=row["primary_maven_id"] == user_id)
        if row["primary_maven_id"] != call.user["id"]:
            join(call, row["id"], row["primary_maven_id"], "maven", "admin", lead=True)
        self._grouped(call, row)
        if body.get("project_tracker_template_id"):
            apply_template(call, row, body)

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.financial(row["id"]):
            raise forbidden()
        flaws = _wrong_links(call, {"currency": row["currency"], **values})
        if flaws:
            raise Refusal(422, *flaws)
        return values

    def changed(self, call: Call, row: Row, body: JsonObject) -> None:
        self._grouped(call, row)
        if body.get("project_tracker_template_id"):
            apply_template(call, row, body)

    def remove(self, call: Call, row: Row) -> None:
        raise forbidden("Projects cannot be deleted. Please archive the project instead.")

    def _grouped(self, call: Call, row: Row) -> None:
        for group_id in row["workspace_group_ids"]:
            group = call.records.get("workspace_groups", group_id)
            if group and row["id"] not in group["workspace_ids"]:
                call.records.change(
                    "workspace_groups", group_id, quietly=True, workspace_ids=[*group["workspace_ids"], row["id"]]
                )


_BLANK: dict[str, Any] = {
    "description": None, "archived": False, "price": None, "start_date": None, "due_date": None,
    "access_level": "invitation", "consultant_role_name": "Consultants", "client_role_name": "Clients",
    "rate_card_id": None, "stories_are_fixed_fee_by_default": False, "tasks_default_non_billable": False,
    "require_time_approvals": True, "require_expense_approvals": True, "require_notes_on_time_entries": False,
    "time_trackable": True, "approver_ids": [], "target_margin": None, "stage": "project", "invoice_preference": None,
    "external_link": None, "percentage_complete": 0, "default_rate": None, "lock_date": None, "total_invoiced": 0,
}  # fmt: skip


def _waits(call: Call, workspace: Row, collection: str) -> bool:
    return any(each["status"] == "pending" for each in call.records.where(collection, "workspace_id", workspace["id"]))


def _worth(entry: Row) -> int:
    return round(entry["time_in_minutes"] * entry["rate_in_cents"] / 60) if entry["billable"] else 0


def _wrong_links(call: Call, values: JsonObject) -> list[Flaw]:
    flaws: list[Flaw] = []
    if values.get("rate_card_id"):
        card = call.records.get("rate_cards", values["rate_card_id"])
        if card is None:
            flaws.append(Flaw("validation", "Rate card could not be found", "rate_card_id"))
        elif values.get("currency") and card["currency"] != values["currency"]:
            flaws.append(Flaw("validation", "Rate card currency must match the project currency", "rate_card_id"))
    for name in ("workspace_group_ids", "approver_ids"):
        collection = "users" if name == "approver_ids" else "workspace_groups"
        for each in values.get(name) or ():
            if call.records.get(collection, each) is None:
                flaws.append(Flaw("validation", f"{each} could not be found", name))
    if values.get("primary_maven_id") and call.records.get("users", values["primary_maven_id"]) is None:
        flaws.append(Flaw("validation", "User could not be found", "primary_maven_id"))
    if "status_key" in values and values["status_key"] is not None and values["status_key"] not in STATUSES:
        flaws.append(Flaw("validation", "Status is not included in the list", "status_key"))
    return flaws


def join(call: Call, workspace_id: str, user_id: str, side: str, access: Any, *, lead: bool = False) -> Row:
    """The user's participation, made unless there is one."""
    known = call.records.first("participations", workspace_id=workspace_id, user_id=user_id)
    values = joining(call, workspace_id, user_id, side, access, lead=lead) if known is None else {}
    return known or call.records.insert("participations", **values)


def joining(call: Call, workspace_id: str, user_id: str, side: str, access: Any, *, lead: bool) -> JsonObject:
    """A participation to insert; the user gets a named resource in the role that the account knows them by."""
    records = call.records
    given = str(access or "edit_time_and_expenses")
    if given not in _ACCESS:
        raise invalid("access", "access is not included in the list")
    user, workspace = records.get("users", user_id), records.get("workspaces", workspace_id)
    if user is None:
        raise invalid("user_id", "User could not be found")
    if workspace is None:
        raise invalid("workspace_id", "Workspace could not be found")
    if user_id not in workspace["participant_ids"]:
        participants = [*workspace["participant_ids"], user_id]
        records.change("workspaces", workspace_id, quietly=True, participant_ids=participants)
    if side == "maven" and records.first("workspace_resources", workspace_id=workspace_id, user_id=user_id) is None:
        records.insert("workspace_resources", **resource(workspace_id, user_id, user["role_id"]))
    return {
        "workspace_id": workspace_id,
        "user_id": user_id,
        "role": side,
        "access": given,
        "team_lead": lead,
        "workspace_role_id": user["role_id"],
    }


def resource(workspace_id: str, user_id: str | None, role_id: str | None, **given: Any) -> JsonObject:
    blank = {"label": None, "bill_rate": None, "cost_rate": None}
    return {
        **blank,
        **given,
        "workspace_id": workspace_id,
        "user_id": user_id,
        "role_id": role_id,
        "named_in": workspace_id if user_id else None,
    }


class Participations(Rule):
    collection = "participations"

    def visible(self, call: Call, row: Row) -> bool:
        return call.sees(row["workspace_id"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        role = call.records.get("roles", row["workspace_role_id"])
        return {"is_team_lead": row["team_lead"], "active_role": role["name"] if role else None}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = call.records.get("workspaces", values["workspace_id"])
        if workspace is None:
            raise invalid("workspace_id", "Workspace could not be found")
        itself = values["user_id"] == call.user["id"] and workspace["access_level"] == "open"
        if not itself and not call.financial(workspace["id"]):
            raise forbidden("You do not have permission to add participants to this project")
        if values["user_id"] in workspace["participant_ids"]:
            raise invalid("user_id", "User is already participating in this project")
        side = _ROLES.get(values.get("role") or "maven")
        if side is None:
            raise invalid("role", "role is not included in the list")
        lead = bool(values.get("team_lead"))
        return joining(call, workspace["id"], values["user_id"], side, values.get("access"), lead=lead)

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.financial(row["workspace_id"]):
            raise forbidden()
        return values

    def remove(self, call: Call, row: Row) -> None:
        if row["user_id"] != call.user["id"] and not call.financial(row["workspace_id"]):
            raise forbidden()
        workspace = call.records.get("workspaces", row["workspace_id"])
        if workspace:
            left = [each for each in workspace["participant_ids"] if each != row["user_id"]]
            call.records.change("workspaces", workspace["id"], quietly=True, participant_ids=left)
        super().remove(call, row)
