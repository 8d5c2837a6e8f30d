"""Users and their memberships, roles, and the rate cards that price those roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import forbidden, invalid
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject

_PERMISSIONS = (
    "administrator", "reports_viewer_with_cost", "reports_viewer", "project_lead", "project_creator", "collaborator",
    "punch_clock",
)  # fmt: skip


class Users(Rule):
    collection = "users"

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        return {"account_id": str(call.records.fact("account_id"))}

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if row["id"] != call.user["id"] and not call.administrator:
            raise forbidden()
        return values


class Memberships(Rule):
    collection = "account_memberships"

    def visible(self, call: Call, row: Row) -> bool:
        return call.administrator or row["user_id"] == call.user["id"]

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        permission = row["permission"]
        return {
            "is_administrator": permission == "administrator",
            "is_project_lead": permission in ("administrator", "project_lead"),
            "is_punch_clock_user": permission == "punch_clock",
            "can_create_workspace": permission in ("administrator", "project_lead", "project_creator"),
            "can_view_reports": permission not in ("project_creator", "collaborator", "punch_clock"),
            "cost_rate_in_cents": row["cost_rate_in_cents"] if call.administrator else None,
        }

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.administrator:
            raise forbidden()
        if values.get("permission", "administrator") not in _PERMISSIONS:
            raise invalid("permission", "permission is not included in the list")
        return values

    def changed(self, call: Call, row: Row, body: JsonObject) -> None:
        call.records.change("users", row["user_id"], role_id=row["default_role_id"])


class Administered(Rule):
    """Master data: everybody reads it, administrators change it."""

    def __init__(self, collection: str, **defaults: Any) -> None:
        self.collection = collection
        self._defaults = defaults

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.administrator:
            raise forbidden()
        return {**self._defaults, **values}

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.administrator:
            raise forbidden()
        return values


class RateCards(Administered):
    """A new card has a version, without rates yet, for each version of its set."""

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        return {"uses": len(call.records.where("workspaces", "rate_card_id", row["id"]))}

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        for version in call.records.where("rate_card_set_versions", "rate_card_set_id", row["rate_card_set_id"]):
            call.records.insert(
                "rate_card_versions", rate_card_id=row["id"], rate_card_set_version_id=version["id"], default_rate=None
            )


class SetVersions(Administered):
    """A new version of a set is a new version of each of its cards."""

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        for card in call.records.where("rate_cards", "rate_card_set_id", row["rate_card_set_id"]):
            call.records.insert(
                "rate_card_versions", rate_card_id=card["id"], rate_card_set_version_id=row["id"], default_rate=None
            )
