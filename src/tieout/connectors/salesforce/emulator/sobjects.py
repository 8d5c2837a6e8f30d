"""The resources of single records: create, read, update, delete, and the same by external id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.describing import object_named, summary
from tieout.connectors.salesforce.emulator.failures import Ambiguous, not_found, refusal
from tieout.connectors.salesforce.emulator.intake import matching
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.removal import delete
from tieout.connectors.salesforce.emulator.saving import current, field_of, identifying, insert, update, upsert
from tieout.connectors.salesforce.emulator.schema import SObject
from tieout.connectors.salesforce.emulator.soql.binding import address
from tieout.connectors.salesforce.emulator.soql.shaping import attributes
from tieout.connectors.salesforce.emulator.wire import JsonObject, write_json

_UPSERT_ANSWERS_SINCE = 46


class SObjects:
    """/sobjects/{type} and what lies below it."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def resources(self) -> list[Resource]:
        return [
            Resource("/sobjects/{entity}", {"GET": self.overview, "POST": self.create}),
            Resource("/sobjects/{entity}/{record_id}", {"GET": self.read, "PATCH": self.change, "DELETE": self.remove}),
            Resource(
                "/sobjects/{entity}/{key}/{value}",
                {"GET": self.read_by_key, "PATCH": self.upsert, "DELETE": self.remove_by_key},
            ),
        ]

    def overview(self, call: Call, entity: str) -> Reply:
        return Reply(200, {"objectDescribe": summary(self._object(entity), call.base), "recentItems": []})

    def create(self, call: Call, entity: str) -> Reply:
        found = self._object(entity)
        record_id = insert(self._records, found, call.object_body(), call.actor)
        return _created(call, found, record_id, {})

    def read(self, call: Call, entity: str, record_id: str) -> Reply:
        found = self._object(entity)
        row = current(self._records, found, record_id)
        fields = [each.strip() for each in call.query.get("fields", "").split(",") if each.strip()]
        body = record_body(found, row, call.base, fields)
        etag = f'"{hashlib.sha256(write_json(body)).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": format_datetime(row["LastModifiedDate"], usegmt=True)}
        since = call.headers.get("if-modified-since")
        if since is not None and row["LastModifiedDate"] <= parsedate_to_datetime(since):
            return Reply(304, None, headers)
        return Reply(200, body, headers)

    def change(self, call: Call, entity: str, record_id: str) -> Reply:
        found = self._object(entity)
        self._unmodified(call, found, record_id)
        update(self._records, found, record_id, call.object_body(), call.actor)
        return Reply(204)

    def remove(self, call: Call, entity: str, record_id: str) -> Reply:
        delete(self._records, self._object(entity), record_id, call.actor)
        return Reply(204)

    def read_by_key(self, call: Call, entity: str, key: str, value: str) -> Reply:
        return self.read(call, entity, self._one(entity, key, value))

    def remove_by_key(self, call: Call, entity: str, key: str, value: str) -> Reply:
        return self.remove(call, entity, self._one(entity, key, value))

    def upsert(self, call: Call, entity: str, key: str, value: str) -> Reply:
        found = self._object(entity)
        update_only = call.query.get("updateOnly", "").lower() == "true"
        record_id, created = upsert(
            self._records, found, key, value, call.object_body(), call.actor, update_only=update_only
        )
        if call.version >= _UPSERT_ANSWERS_SINCE:
            return _created(call, found, record_id, {"created": created}, status=201 if created else 200)
        return _created(call, found, record_id, {"created": True}) if created else Reply(204)

    def _one(self, entity: str, key: str, value: str) -> str:
        found = self._object(entity)
        ids = matching(self._records, found, identifying(found, key), value)
        if len(ids) > 1:
            raise Ambiguous(found.name, ids)
        if not ids:
            raise not_found()
        return ids[0]

    def _object(self, name: str) -> SObject:
        return object_named(self._records.schema, name)

    def _unmodified(self, call: Call, entity: SObject, record_id: str) -> None:
        since = call.headers.get("if-unmodified-since")
        if since is not None:
            row = current(self._records, entity, record_id)
            if row["LastModifiedDate"] > parsedate_to_datetime(since):
                raise refusal("PRECONDITION_FAILED", "the record has been modified since", status=412)


def record_body(entity: SObject, row: Row, base: str, fields: Sequence[str] = ()) -> JsonObject:
    """A record as the API shows it: the fields asked for, or all. Raises Refusal (INVALID_FIELD)."""
    wanted = [field_of(entity, each) for each in fields] or list(entity.fields.values())
    body: dict[str, Any] = {"attributes": attributes(base, entity, row["Id"])}
    for field in wanted:
        body[field.name] = address(row, field.name) if field.type == "address" else row.get(field.name)
    return body


def _created(call: Call, entity: SObject, record_id: str, more: JsonObject, status: int = 201) -> Reply:
    location = f"{call.base}/sobjects/{entity.name}/{record_id}"
    return Reply(status, {"id": record_id, "success": True, "errors": [], **more}, {"Location": location})
