"""What joins the account to other systems: external references, custom fields and their values, subscribed events."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import TIMES, after, among, before, equal
from tieout.connectors.kantata.emulator.schema import READ_ONLY, Association, Collection, Row, kept, one
from tieout.connectors.kantata.emulator.wire import as_given, flag, identifier, text


def _most_recent(call: Call, row: Row, value: str) -> bool:
    return _is_newest(call, row, same_type=False)


def _most_recent_by_type(call: Call, row: Row, value: str) -> bool:
    return _is_newest(call, row, same_type=True)


def _is_newest(call: Call, row: Row, *, same_type: bool) -> bool:
    others = call.records.where("subscribed_events", "subject_id", row["subject_id"])
    later = [
        each
        for each in others
        if each["subject_type"] == row["subject_type"]
        and (not same_type or each["event_type"] == row["event_type"])
        and (each["subject_changed_at"], int(each["id"])) > (row["subject_changed_at"], int(row["id"]))
    ]
    return not later


LINKING = (
    Collection(
        "external_references",
        "external_reference",
        "ExternalReference",
        shown=(
            "service_name", "service_model", "service_model_ref", "subject_id", "subject_type", "status",
            "external_link", "external_message", "external_status", "locked", "created_at", "updated_at",
            "last_synced_at",
        ),
        writes={
            "service_name": text, "service_model": text, "service_model_ref": text, "subject_id": identifier,
            "subject_type": text, "status": text, "external_link": text, "external_message": text,
            "external_status": text, "locked": flag,
        },
        required={
            "service_name": "Service name can't be blank", "service_model": "Service model can't be blank",
            "service_model_ref": "Service model ref can't be blank", "subject_id": "Subject can't be blank",
            "subject_type": "Subject type can't be blank",
        },
        filters={
            **TIMES, "service_name": equal("service_name"), "service_model": equal("service_model"),
            "service_model_ref": equal("service_model_ref"), "subject_type": equal("subject_type"),
            "subject_id": among("subject_id"), "status": equal("status"),
        },
        verbs=frozenset({"list", "show", "delete"}),
    ),
    Collection(
        "custom_fields",
        "custom_field",
        "CustomField",
        shown=(
            "name", "value_type", "default_text", "unique_constraint", "subject_type", "custom_field_set_id",
            "write_access", "read_access", "created_at", "updated_at",
        ),
        writes={"name": text, "value_type": text, "default_text": text, "unique_constraint": flag,
                "subject_type": text, "choices": as_given},
        fixed=frozenset({"subject_type", "value_type", "choices"}),
        required={"name": "Please give the field a name"},
        associations=(kept("choices", "custom_field_choices", "choice_ids"), one("creator", "users")),
        filters={**TIMES, "for_subject_type": equal("subject_type")},
        search=("name",),
        verbs=frozenset({"list", "show", "create", "update"}),
        event="custom_field",
    ),
    Collection(
        "custom_field_choices",
        "custom_field_choice",
        "CustomFieldChoice",
        shown=("label", "created_at", "updated_at"),
        associations=(one("custom_field", "custom_fields"),),
        filters={**TIMES, "for_custom_fields": among("custom_field_id")},
        verbs=READ_ONLY,
    ),
    Collection(
        "custom_field_values",
        "custom_field_value",
        "CustomFieldValue",
        shown=(
            "subject_type", "subject_id", "value", "display_value",
            "selected_choice_ids", "type", "can_edit", "setter_id", "account_id",
            "custom_field_name", "created_at", "updated_at",
        ),
        writes={"subject_type": text, "subject_id": identifier, "custom_field_id": identifier, "value": as_given},
        fixed=frozenset({"subject_type", "subject_id", "custom_field_id"}),
        required={"subject_type": "Please say which type of subject", "subject_id": "Please say which subject",
                  "custom_field_id": "Please say which field"},
        associations=(one("custom_field", "custom_fields"), one("setter", "users")),
        filters={
            **TIMES, "subject_type": equal("subject_type"), "with_subject_id": among("subject_id"),
            "subject_id": among("subject_id"), "with_custom_field_id": among("custom_field_id"),
        },
    ),
    Collection(
        "subscribed_events",
        "subscribed_event",
        "SubscribedEvent",
        shown=(
            "event_type", "account_id", "user_id", "subject_id", "subject_type", "subject_changed_at", "created_at",
            "context_workspace_id", "previous_payload", "current_payload", "payload_changes",
        ),
        optional=("previous_payload", "current_payload", "payload_changes"),
        associations=(Association("subject", "", "subject_ref", hidden=True),),
        filters={
            "created_after": after("created_at"), "created_before": before("created_at"),
            "event_types": among("event_type"), "subject_type": equal("subject_type"), "subject_id": among("subject_id"),
            "user_ids": among("user_id"), "most_recent": _most_recent, "most_recent_by_event_type": _most_recent_by_type,
        },
        orders=("created_at",),
        order="created_at:desc",
        verbs=READ_ONLY,
    ),
)  # fmt: skip
