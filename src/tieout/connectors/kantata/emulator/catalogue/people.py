"""People of the account: users, what they may do, and the roles they play."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import TIMES, USUAL, among, equal, flagged
from tieout.connectors.kantata.emulator.schema import (
    CUSTOM_VALUES,
    NO_DELETE,
    READ_ONLY,
    REFERENCES,
    Collection,
    Row,
    one,
)
from tieout.connectors.kantata.emulator.wire import flag, identifier, text, truth, whole


def _participant_in(call: Call, row: Row, value: str) -> bool:
    return call.records.first("participations", workspace_id=value.strip(), user_id=row["id"]) is not None


def _by_email(call: Call, row: Row, value: str) -> bool:
    return str(row["email_address"]).casefold() == value.strip().casefold()


def _active(call: Call, row: Row, value: str) -> bool:
    return not truth(value) or row["disabled_at"] is None


PEOPLE = (
    Collection(
        "users",
        "user",
        "User",
        shown=("full_name", "photo_path", "email_address", "headline", "generic", "disabled", "account_id", "bio", "city", "country"),
        optional=("bio", "city", "country"),
        writes={"full_name": text, "headline": text, "email_address": text},
        associations=(
            one("role", "roles"),
            one("account_membership", "account_memberships", hidden=True),
            REFERENCES,
            CUSTOM_VALUES,
        ),
        filters={
            **USUAL,
            "participant_in": _participant_in,
            "by_email_address": _by_email,
            "on_my_account": lambda call, row, value: True,
        },
        orders=("full_name", "created_at", "updated_at"),
        order="full_name:asc",
        search=("full_name", "email_address"),
        verbs=frozenset({"list", "show", "update"}),
        event="user",
    ),
    Collection(
        "account_memberships",
        "account_membership",
        "AccountMembership",
        shown=(
            "disabled_at", "permission", "is_administrator", "is_project_lead", "is_punch_clock_user",
            "can_create_workspace", "can_view_reports", "bill_rate_in_cents", "cost_rate_in_cents", "manager_id",
            "billability_target", "created_at", "updated_at",
        ),
        writes={
            "permission": text, "bill_rate_in_cents": whole, "cost_rate_in_cents": whole, "manager_id": identifier,
            "billability_target": whole, "default_role_id": identifier,
        },
        associations=(one("user", "users"), one("default_role", "roles")),
        filters={**TIMES, "user_id": equal("user_id"), "only_active": _active},
        defaults={"only_active": "true"},
        verbs=frozenset({"list", "show", "update"}),
        event="account_membership",
    ),
    Collection(
        "roles",
        "role",
        "Role",
        shown=("name", "deleted_at", "created_at", "updated_at"),
        writes={"name": text},
        required={"name": "Please give the role a name"},
        associations=(REFERENCES,),
        filters={**USUAL, "by_name": lambda call, row, value: row["name"].casefold() == value.strip().casefold()},
        orders=("name", "created_at", "updated_at"),
        order="name:asc",
        search=("name",),
        verbs=NO_DELETE,
        event="role",
    ),
    Collection(
        "resolutions",
        "resolution",
        "Resolution",
        shown=("type", "created_at", "updated_at", "description", "target_type", "target_id", "user_id", "account_id"),
        filters={**TIMES, "target_id": among("target_id"), "target_type": equal("target_type")},
        verbs=READ_ONLY,
    ),
    Collection(
        "vendors",
        "vendor",
        "Vendor",
        shown=("name", "archived", "in_use", "externally_managed"),
        writes={"name": text, "archived": flag},
        required={"name": "Please give the vendor a name"},
        associations=(REFERENCES,),
        filters={**USUAL, "archived": flagged("archived")},
        search=("name",),
        verbs=NO_DELETE,
        event="vendor",
    ),
)  # fmt: skip
