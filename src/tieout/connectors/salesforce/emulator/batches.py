"""sObject Collections: up to 200 records in one request, each with a result of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.describing import MAX_BATCH, object_named
from tieout.connectors.salesforce.emulator.failures import Ambiguous, Flaw, Refusal, json_parser_error, refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.removal import delete
from tieout.connectors.salesforce.emulator.saving import identifying, insert, update, upsert
from tieout.connectors.salesforce.emulator.schema import SObject
from tieout.connectors.salesforce.emulator.sobjects import record_body
from tieout.connectors.salesforce.emulator.wire import JsonObject, json_list, json_object

_ROLLED_BACK = Flaw(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
_LOCKED = Flaw("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")

# Saves one record: its result without the fact that it succeeded.
Save = Callable[[JsonObject], JsonObject]


class Collections:
    """/composite/sobjects."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def resources(self) -> list[Resource]:
        return [
            Resource("/composite/sobjects", {"POST": self.create, "PATCH": self.change, "DELETE": self.remove}),
            Resource("/composite/sobjects/{entity}", {"GET": self.retrieve, "POST": self.retrieve}),
            Resource("/composite/sobjects/{entity}/{key}", {"PATCH": self.upsert}),
        ]

    def create(self, call: Call) -> Reply:
        def save(record: JsonObject) -> JsonObject:
            return {"id": insert(self._records, self._object_of(record), record, call.actor)}

        return self._each(call, save)

    def change(self, call: Call) -> Reply:
        def save(record: JsonObject) -> JsonObject:
            body = {name: value for name, value in record.items() if name.lower() != "id"}
            record_id = full_id(str(record.get("id") or record.get("Id") or ""))
            if record_id is None:
                raise refusal("MISSING_ARGUMENT", "Id not specified in an update call")
            entity = self._object_of(record)
            if self._records.get(entity, record_id) is None:
                raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            update(self._records, entity, record_id, body, call.actor)
            return {"id": record_id}

        return self._each(call, save)

    def upsert(self, call: Call, entity: str, key: str) -> Reply:
        found = object_named(self._records.schema, entity)
        field = identifying(found, key)

        def save(record: JsonObject) -> JsonObject:
            body = {name: value for name, value in record.items() if name.lower() != field.name.lower()}
            value = next((record[name] for name in record if name.lower() == field.name.lower()), None)
            if field.type == "id" and not value:
                return {"id": insert(self._records, found, body, call.actor), "created": True}
            if value is None:
                raise refusal("MISSING_ARGUMENT", f"{field.name} not specified")
            record_id, created = upsert(self._records, found, field.name, value, body, call.actor)
            return {"id": record_id, "created": created}

        return self._each(call, save)

    def remove(self, call: Call) -> Reply:
        ids = [each for each in call.query.get("ids", "").split(",") if each]
        all_or_none = call.query.get("allOrNone", "").lower() == "true"

        def save(record: JsonObject) -> JsonObject:
            record_id = full_id(record["id"])
            entity = self._records.schema.by_id(record_id) if record_id else None
            if record_id is None or entity is None:
                raise refusal("MALFORMED_ID", f"malformed id {record['id']}")
            if self._records.get(entity, record_id) is None:
                raise refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            delete(self._records, entity, record_id, call.actor)
            return {"id": record_id}

        return Reply(200, self._results(call, [{"id": each} for each in ids], save, all_or_none=all_or_none))

    def retrieve(self, call: Call, entity: str) -> Reply:
        found = object_named(self._records.schema, entity)
        wanted = call.object_body() if call.method == "POST" else None
        ids = json_list(wanted.get("ids")) if wanted else call.query.get("ids", "").split(",")
        fields = json_list(wanted.get("fields")) if wanted else call.query.get("fields", "").split(",")
        if not ids or not fields:
            raise refusal("MISSING_ARGUMENT", "ids and fields are required")
        rows = [self._records.get(found, full_id(str(each)) or "") for each in ids]
        bodies = [
            None if row is None or row["IsDeleted"] else record_body(found, row, call.base, ["Id", *fields])
            for row in rows
        ]
        return Reply(200, bodies)

    # -- one after the other

    def _each(self, call: Call, save: Save) -> Reply:
        body = call.object_body()
        records = [json_object(each) for each in json_list(body.get("records")) or ()]
        whole = [each for each in records if each is not None]
        if not whole or len(whole) != len(records):
            raise json_parser_error("records must be a list of objects")
        return Reply(200, self._results(call, whole, save, all_or_none=body.get("allOrNone") is True))

    def _results(self, call: Call, records: Sequence[JsonObject], save: Save, *, all_or_none: bool) -> list[JsonObject]:
        if len(records) > MAX_BATCH:
            message = f"record limit reached. cannot submit more than {MAX_BATCH} records into this call"
            raise refusal("LIMIT_EXCEEDED", message)
        results: list[JsonObject] = []
        try:
            with self._records.transaction():
                for number, record in enumerate(records):
                    withheld = call.records_kept is not None and number >= call.records_kept
                    results.append(failed([_LOCKED]) if withheld else self._attempt(save, record))
                if all_or_none and not all(each["success"] for each in results):
                    raise _Undo
        except _Undo:
            return [failed([_ROLLED_BACK]) if each["success"] else each for each in results]
        return results

    def _attempt(self, save: Save, record: JsonObject) -> JsonObject:
        try:
            with self._records.transaction():
                return {**save(record), "success": True, "errors": []}
        except Refusal as refused:
            return failed(refused.flaws)
        except Ambiguous as several:
            return failed([Flaw("DUPLICATE_EXTERNAL_ID", f"{len(several.ids)} records carry this external id")])

    def _object_of(self, record: JsonObject) -> SObject:
        kind: Any = (json_object(record.get("attributes")) or {}).get("type")
        entity = self._records.schema.find(kind) if isinstance(kind, str) else None
        if entity is None:
            raise refusal("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
        return entity


class _Undo(Exception):
    """Takes back a batch that had to succeed as a whole."""


def failed(flaws: Sequence[Flaw]) -> JsonObject:
    """The result of a record that was not saved; it has no id."""
    return {"success": False, "errors": [each.as_result() for each in flaws]}
