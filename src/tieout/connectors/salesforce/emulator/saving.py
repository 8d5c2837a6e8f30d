"""Insert, update and upsert of one record, with every check that the org makes."""

from __future__ import annotations

from typing import Any

from tieout.connectors.salesforce.emulator.drafts import Draft, new_row
from tieout.connectors.salesforce.emulator.failures import (
    Ambiguous,
    entity_is_deleted,
    no_such_field,
    not_found,
    refusal,
)
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.intake import incoming, matching
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules import AFTER_CHANGE, BEFORE_SAVE
from tieout.connectors.salesforce.emulator.schema import SObject, SObjectField
from tieout.connectors.salesforce.emulator.wire import JsonObject


def insert(records: Records, entity: SObject, body: JsonObject, actor: str) -> str:
    """The new record's id. Raises Refusal, and then nothing has changed."""
    if not entity.createable:
        raise refusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {entity.name} does not support create")
    values = incoming(records, entity, body, creating=True)
    row = new_row(records, entity, values, actor)
    _save(Draft(records, entity, row, None, frozenset(values), actor))
    return row["Id"]


def update(records: Records, entity: SObject, record_id: str, body: JsonObject, actor: str) -> None:
    """Raises Refusal: NOT_FOUND or ENTITY_IS_DELETED (404), or why the new values cannot stand (400)."""
    before = current(records, entity, record_id)
    if not entity.updateable:
        raise refusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {entity.name} does not support update")
    values = incoming(records, entity, body, creating=False)
    stamp = records.stamp()
    row = {**before, **values, "LastModifiedDate": stamp, "LastModifiedById": actor, "SystemModstamp": stamp}
    _save(Draft(records, entity, row, before, frozenset(values), actor))


def upsert(
    records: Records, entity: SObject, key: str, value: Any, body: JsonObject, actor: str, *, update_only: bool = False
) -> tuple[str, bool]:
    """(id, created). Raises Ambiguous where several records carry the value, Refusal as insert and update do."""
    field = identifying(entity, key)
    if any(name.lower() == key.lower() for name in body):
        raise refusal("INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.")
    found = matching(records, entity, field, value)
    if len(found) > 1:
        raise Ambiguous(entity.name, found)
    if found:
        update(records, entity, found[0], body, actor)
        return found[0], False
    if update_only or field.type == "id":
        raise not_found()
    return insert(records, entity, {**body, field.name: value}, actor), True


def identifying(entity: SObject, key: str) -> SObjectField:
    """The external id field of this name. Raises Refusal (404) where it identifies nothing."""
    field = entity.field(key)
    if field is None or not field.identifies:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {key}")
    return field


def current(records: Records, entity: SObject, record_id: str) -> Row:
    """The live row. Raises Refusal: MALFORMED_ID, NOT_FOUND or ENTITY_IS_DELETED."""
    known = full_id(record_id)
    if known is None and len(record_id) not in (15, 18):
        # Anything of another length is taken for the name of an external id field.
        raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
    if known is None:
        raise refusal("MALFORMED_ID", f"malformed id {record_id}")
    row = records.get(entity, known)
    if row is None:
        raise not_found()
    if row["IsDeleted"]:
        raise entity_is_deleted()
    return row


def field_of(entity: SObject, name: str) -> SObjectField:
    field = entity.field(name)
    if field is None:
        raise no_such_field(name, entity.name)
    return field


def _save(draft: Draft) -> None:
    with draft.records.transaction():
        if complete := BEFORE_SAVE.get(draft.entity.name):
            complete(draft)
        _require(draft)
        _check_references(draft)
        _check_unique(draft)
        draft.records.put(draft.entity, draft.row)
        if carry_on := AFTER_CHANGE.get(draft.entity.name):
            carry_on(draft.records, draft.row, draft.actor)


def _require(draft: Draft) -> None:
    missing = [each.name for each in draft.entity.fields.values() if each.required and draft.row.get(each.name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise refusal("REQUIRED_FIELD_MISSING", message, *missing)


def _check_references(draft: Draft) -> None:
    for field in draft.entity.references:
        target = draft.row.get(field.name)
        if target is None or not draft.changed(field.name):
            continue
        entity = draft.records.schema.by_id(target)
        if entity is None or entity.name not in field.to:
            raise refusal("MALFORMED_ID", f"{field.label}: id value of incorrect type: {target}", field.name)
        row = draft.records.get(entity, target)
        if row is None:
            raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.name)
        if row["IsDeleted"]:
            raise entity_is_deleted(status=400)
        if target == draft.row["Id"]:
            raise refusal("CIRCULAR_DEPENDENCY", "A record cannot be its own parent", field.name)


def _check_unique(draft: Draft) -> None:
    for field in draft.entity.fields.values():
        value = draft.row.get(field.name)
        if not field.unique or value is None or not draft.changed(field.name):
            continue
        rivals = [each for each in draft.records.live(draft.entity, field.name, value) if each["Id"] != draft.row["Id"]]
        if rivals:
            message = f"duplicate value found: {field.name} duplicates value on record with id: {rivals[0]['Id'][:15]}"
            raise refusal("DUPLICATE_VALUE", message)
