"""A row on its way into its table: what it was, what the client gave, who is writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.schema import SObject, SObjectField


@dataclass(slots=True)
class Draft:
    """`row` may still change; `given` are the fields that the client itself set in this call."""

    records: Records
    entity: SObject
    row: dict[str, Any]
    before: Row | None
    given: frozenset[str]
    actor: str

    @property
    def creating(self) -> bool:
        return self.before is None

    def changed(self, field: str) -> bool:
        """The field is about to get another value than it had; on creation, any value at all."""
        return self.row.get(field) != (self.before.get(field) if self.before else None)

    def parent(self, field: str) -> Row | None:
        """The live row that a reference of the draft points to."""
        reference = self.entity.fields[field]
        target = self.row.get(field)
        row = self.records.get(self.records.schema[reference.to[0]], target) if target else None
        return row if row is not None and not row["IsDeleted"] else None


def new_row(records: Records, entity: SObject, values: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """A row that is in no table yet: defaults, owner, id, stamps and numbers, with the given values."""
    stamp = records.stamp()
    row: dict[str, Any] = {each.name: each.default for each in entity.fields.values() if each.stored}
    row |= _owned_by(records, entity, actor)
    row |= {
        "Id": records.next_id(entity),
        "CreatedDate": stamp,
        "CreatedById": actor,
        "LastModifiedDate": stamp,
        "LastModifiedById": actor,
        "SystemModstamp": stamp,
    }
    row |= {name: value for name, value in values.items() if value is not None or row.get(name) is None}
    row |= {each.name: _numbered(records, entity, each) for each in entity.fields.values() if each.autonumber}
    return row


def revise(records: Records, entity: SObject, row: Row, changes: Mapping[str, Any], actor: str | None) -> Row:
    """Change a row on the org's own account, past every check. SystemModstamp always moves; without an actor
    LastModifiedDate stays, because no user touched the record.
    """
    moved: dict[str, Any] = {**row, **changes, "SystemModstamp": records.stamp()}
    if actor is not None:
        moved |= {"LastModifiedDate": moved["SystemModstamp"], "LastModifiedById": actor}
    records.put(entity, moved)
    return moved


def _owned_by(records: Records, entity: SObject, actor: str) -> dict[str, Any]:
    owned: dict[str, Any] = {}
    if "OwnerId" in entity.fields:
        owned["OwnerId"] = actor
    if "CurrencyIsoCode" in entity.fields:
        user = records.get(records.schema["User"], actor) or {}
        owned["CurrencyIsoCode"] = user.get("DefaultCurrencyIsoCode") or records.schema.corporate_currency
    return owned


def _numbered(records: Records, entity: SObject, field: SObjectField) -> str:
    before, zeros = field.autonumber.rstrip("}").split("{")
    return before + str(records.next_number(f"{entity.name}.{field.name}")).rjust(len(zeros), "0")
