"""The fields of a record as a client sent them: found, allowed, typed, and parents looked up by their external ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.salesforce.emulator.failures import Flaw, Refusal, no_such_field, refusal
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.schema import SObject, SObjectField
from tieout.connectors.salesforce.emulator.values import accepted
from tieout.connectors.salesforce.emulator.wire import JsonObject, json_object


def incoming(records: Records, entity: SObject, body: JsonObject, *, creating: bool) -> dict[str, Any]:
    """Typed values by field name. Raises Refusal: an unknown field at once, broken values all together."""
    found = {name: _field(records, entity, name, raw) for name, raw in body.items() if name != "attributes"}
    _allow([each for each, _ in found.values()], creating=creating)
    values: dict[str, Any] = {}
    flaws: list[Flaw] = []
    for field, raw in found.values():
        try:
            value = accepted(field, raw)
        except Refusal as broken:
            flaws += broken.flaws
        else:
            # A boolean has no null: the API takes one as the default.
            values[field.name] = field.default if value is None and field.type == "boolean" else value
    if flaws:
        raise Refusal(400, flaws)
    return values


def _field(records: Records, entity: SObject, name: str, raw: Any) -> tuple[SObjectField, Any]:
    if field := entity.field(name):
        return field, raw
    reference = entity.parent(name)
    identity = json_object(raw)
    if reference is not None and identity is not None:
        return reference, _parent_by_external_id(records, reference, identity)
    raise no_such_field(name, entity.name)


def _parent_by_external_id(records: Records, reference: SObjectField, identity: Mapping[str, Any]) -> str:
    keys = {name: value for name, value in identity.items() if name != "attributes"}
    parent = records.schema[reference.to[0]]
    name, value = next(iter(keys.items()), ("", None))
    field = parent.field(name)
    if len(keys) != 1 or field is None or not field.identifies:
        raise refusal("INVALID_FIELD", f"More than 1 field or no external id given for {reference.relationship}")
    found = matching(records, parent, field, value)
    if len(found) != 1:
        message = f"Foreign key external ID: {value} not found for field {field.name} in entity {parent.name}"
        raise refusal("INVALID_FIELD", message)
    return found[0]


def matching(records: Records, entity: SObject, field: SObjectField, raw: Any) -> list[str]:
    """Ids of the live records that carry this value in a field that identifies records."""
    value = accepted(field, raw)
    if value is None:
        return []
    if field.type == "id":
        row = records.get(entity, value)
        return [value] if row is not None and not row["IsDeleted"] else []
    return [each["Id"] for each in records.live(entity, field.name, value)]


def _allow(fields: list[SObjectField], *, creating: bool) -> None:
    if any(each.type == "id" for each in fields):
        action = "insert" if creating else "update"
        raise refusal("INVALID_FIELD_FOR_INSERT_UPDATE", f"cannot specify Id in an {action} call", "Id")
    refused = [each.name for each in fields if not (each.createable if creating else each.updateable)]
    if refused:
        message = (
            f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this field "
            "and verify that it is read/write for your profile or permission set."
        )
        raise refusal("INVALID_FIELD_FOR_INSERT_UPDATE", message, *refused)
