"""External references and custom field values: facts of other systems that hang on a record of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import Refusal, forbidden, invalid
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, decimal, identifiers, read_day, stamp

_STATUSES = ("successful", "pending", "failed")
_TYPES = ("string", "date", "number", "currency", "single", "multi")
MOST_TEXT = 255


def refer(call: Call, subject_type: str, subject_id: str, given: JsonObject) -> Row:
    """Creates the subject's reference to a service, or changes the one it has: a service name is unique per subject."""
    values: JsonObject = {
        name: str(given[name]) if given[name] is not None else None
        for name in (
            "service_name", "service_model", "service_model_ref", "status", "external_link", "external_message",
            "external_status",
        )
        if name in given
    }  # fmt: skip
    for name in ("service_name", "service_model", "service_model_ref"):
        if not values.get(name):
            raise invalid("external_reference", f"{name.replace('_', ' ').capitalize()} can't be blank")
    if values.get("status", "successful") not in _STATUSES:
        raise invalid("external_reference", "Status is not included in the list")
    if "locked" in given:
        values["locked"] = str(given["locked"]).lower() in ("true", "1")
    values["last_synced_at"] = stamp(call.records.now())
    known = [
        each
        for each in call.records.where("external_references", "subject_id", subject_id)
        if each["subject_type"] == subject_type and each["service_name"] == values["service_name"]
    ]
    if known:
        return call.records.change("external_references", known[0]["id"], **values)
    blank = dict.fromkeys(("external_link", "external_message", "external_status"))
    defaults = {**blank, "status": "successful", "locked": False}
    return call.records.insert(
        "external_references", **{**defaults, **values, "subject_type": subject_type, "subject_id": subject_id}
    )


def fill_in(call: Call, subject_type: str, subject_id: str, given: Any) -> None:
    """The `custom_fields` of a body: [{custom_field_id, value}]."""
    entries: list[Any] = cast("list[Any]", given) if isinstance(given, list) else []
    for entry in entries:
        field = call.records.get("custom_fields", str(entry.get("custom_field_id")))
        if field is None or field["subject_type"] != subject_type:
            raise invalid("custom_fields", f"Custom field {entry.get('custom_field_id')} could not be found")
        set_value(call, field, subject_id, entry.get("value"))


def set_value(call: Call, field: Row, subject_id: str, given: Any) -> Row | None:
    """The field's value on a subject, replaced when it has one; None and an empty text take it away."""
    records = call.records
    known = [
        each
        for each in records.where("custom_field_values", "custom_field_id", field["id"])
        if each["subject_id"] == subject_id
    ]
    if given in (None, ""):
        for each in known:
            records.remove("custom_field_values", each["id"])
        return None
    value = accepted(call, field, given)
    if field["unique_constraint"]:
        others = records.where("custom_field_values", "custom_field_id", field["id"])
        if any(each["value"] == value and each["subject_id"] != subject_id for each in others):
            raise invalid("value", f"{field['name']} '{value}' has already been entered")
    if known:
        return records.change("custom_field_values", known[0]["id"], value=value, setter_id=call.user["id"])
    return records.insert(
        "custom_field_values",
        subject_type=field["subject_type"],
        subject_id=subject_id,
        custom_field_id=field["id"],
        value=value,
        setter_id=call.user["id"],
    )


def accepted(call: Call, field: Row, given: Any) -> Any:
    """The value in the form that the field's type keeps. Raises Refusal."""
    match field["value_type"]:
        case "date":
            found = read_day(str(given))
            if found is None:
                raise invalid("value", f"{field['name']} is not a valid date")
            return found.isoformat()
        case "number":
            return float(cast("str", decimal("value", given)))
        case "currency":
            parts: list[Any] = cast("list[Any]", given) if isinstance(given, list) else []
            if len(parts) != 2 or not str(parts[0]).lstrip("-").isdigit() or len(str(parts[1])) != 3:
                raise invalid("value", f"{field['name']} must be an amount in cents and a currency code")
            return [int(parts[0]), str(parts[1])]
        case "single" | "multi":
            chosen = identifiers("value", given)
            if not set(chosen) <= set(field["choice_ids"]) or (field["value_type"] == "single" and len(chosen) != 1):
                raise invalid("value", f"{field['name']} is not one of the choices")
            return chosen
        case _:
            if len(str(given)) > MOST_TEXT:
                raise invalid("value", f"{field['name']} is too long (maximum is {MOST_TEXT} characters)")
            return str(given)


class References(Rule):
    collection = "external_references"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        raise Refusal(404)  # only create_or_update exists


class CustomFields(Rule):
    collection = "custom_fields"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.administrator:
            raise forbidden()
        kind = values.get("value_type") or "string"
        if kind not in _TYPES:
            raise invalid("value_type", "value_type is not included in the list")
        defaults = {
            "default_text": None, "unique_constraint": False, "subject_type": "Workspace", "custom_field_set_id": None,
            "write_access": "admin", "read_access": "admin",
        }  # fmt: skip
        values.pop("choices", None)
        return {**defaults, **values, "value_type": kind, "choice_ids": [], "creator_id": call.user["id"]}

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        made = [
            call.records.insert("custom_field_choices", label=str(each["label"]), custom_field_id=row["id"])["id"]
            for each in body.get("choices") or ()
        ]
        if made:
            call.records.change("custom_fields", row["id"], choice_ids=made)


class CustomFieldValues(Rule):
    collection = "custom_field_values"

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        field = cast("Row", call.records.get("custom_fields", row["custom_field_id"]))
        choices = {each["id"]: each["label"] for each in call.records.all("custom_field_choices")}
        value = row["value"]
        chosen = field["value_type"] in ("single", "multi")
        match field["value_type"]:
            case "currency":
                display = f"{value[0] / 100:.2f} {value[1]}"
            case "single" | "multi":
                display = ", ".join(choices[each] for each in value)
            case "number":
                display = f"{value:g}"
            case _:
                display = str(value)
        return {
            "type": field["value_type"],
            "custom_field_name": field["name"],
            "display_value": display,
            "can_edit": True,
            "value": display if chosen else value,
            "selected_choice_ids": value if chosen else [],
            "account_id": call.records.fact("account_id"),
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        field = call.records.get("custom_fields", values["custom_field_id"])
        if field is None or field["subject_type"] != values["subject_type"]:
            raise invalid("custom_field_id", "Custom field could not be found")
        kept = call.records.where("custom_field_values", "custom_field_id", field["id"])
        if any(each["subject_id"] == values["subject_id"] for each in kept):
            raise invalid("custom_field_id", "A value for this custom field already exists")
        return {**values, "value": accepted(call, field, values.get("value")), "setter_id": call.user["id"]}

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        field = cast("Row", call.records.get("custom_fields", row["custom_field_id"]))
        return {"value": accepted(call, field, values.get("value")), "setter_id": call.user["id"]}
