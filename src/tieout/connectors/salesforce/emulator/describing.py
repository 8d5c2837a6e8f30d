"""What the org says about its own objects: the global list, and every object with its fields."""

from __future__ import annotations

import hashlib
from email.utils import parsedate_to_datetime
from typing import Any

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.failures import not_found
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.schema import NUMERIC, Schema, SObject, SObjectField
from tieout.connectors.salesforce.emulator.wire import write_json

MAX_BATCH = 200
# The schema files are read once; what they say counts as last modified at a fixed moment of their own.
_LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"
_SOAP_TYPES = {"boolean": "xsd:boolean", "date": "xsd:date", "datetime": "xsd:dateTime", "int": "xsd:int",
               "currency": "xsd:double", "double": "xsd:double", "percent": "xsd:double", "id": "tns:ID",
               "reference": "tns:ID", "address": "urn:address"}  # fmt: skip


class Describing:
    """The describe resources."""

    def __init__(self, records: Records) -> None:
        self._schema = records.schema

    def resources(self) -> list[Resource]:
        return [
            Resource("/sobjects", {"GET": self.everything}),
            Resource("/sobjects/{entity}/describe", {"GET": self.one}),
        ]

    def everything(self, call: Call) -> Reply:
        listed = [summary(each, call.base) for each in self._schema]
        return conditional(call, {"encoding": "UTF-8", "maxBatchSize": MAX_BATCH, "sobjects": listed})

    def one(self, call: Call, entity: str) -> Reply:
        return conditional(call, description(self._schema, object_named(self._schema, entity), call.base))


def object_named(schema: Schema, name: str) -> SObject:
    """Raises Refusal (404)."""
    entity = schema.find(name)
    if entity is None:
        raise not_found()
    return entity


def conditional(call: Call, body: Any) -> Reply:
    """The body, or 304 where the client already has it (If-None-Match, If-Modified-Since)."""
    etag = f'"{hashlib.sha256(write_json(body)).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Last-Modified": _LAST_MODIFIED}
    if etag in call.headers.get("if-none-match", "") or _not_newer(call.headers.get("if-modified-since")):
        return Reply(304, None, headers)
    return Reply(200, body, headers)


def _not_newer(since: str | None) -> bool:
    if since is None:
        return False
    try:
        return parsedate_to_datetime(_LAST_MODIFIED) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def summary(entity: SObject, base: str) -> dict[str, Any]:
    """An object as the global describe lists it."""
    address = f"{base}/sobjects/{entity.name}"
    return {
        "activateable": False,
        "createable": entity.createable,
        "custom": entity.custom,
        "customSetting": False,
        "deletable": entity.deletable,
        "deprecatedAndHidden": False,
        "keyPrefix": entity.key_prefix,
        "label": entity.label,
        "labelPlural": entity.label_plural,
        "layoutable": True,
        "mergeable": entity.mergeable,
        "mruEnabled": True,
        "name": entity.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": entity.deletable,
        "updateable": entity.updateable,
        "urls": {"sobject": address, "describe": f"{address}/describe", "rowTemplate": f"{address}/{{ID}}"},
    }


def description(schema: Schema, entity: SObject, base: str) -> dict[str, Any]:
    """An object with its fields and the lists of its children."""
    return {
        **summary(entity, base),
        "fields": [field_description(each) for each in entity.fields.values()],
        "childRelationships": [
            {
                "childSObject": each.entity.name,
                "field": each.field.name,
                "relationshipName": each.relationship or None,
                "cascadeDelete": each.field.on_delete == "cascade",
                "restrictedDelete": each.field.on_delete == "restrict",
                "deprecatedAndHidden": False,
            }
            for each in schema.children(entity)
        ],
        "recordTypeInfos": [],
    }


def field_description(field: SObjectField) -> dict[str, Any]:
    numeric = field.type in NUMERIC
    filterable = field.type != "address" and not (field.type == "textarea" and field.length > 255)
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "length": field.length,
        "byteLength": field.length * 3,
        "precision": field.precision if numeric and field.type != "int" else 0,
        "scale": field.scale if numeric else 0,
        "digits": field.precision if field.type == "int" else 0,
        "nillable": field.nillable,
        "createable": field.createable,
        "updateable": field.updateable,
        "defaultedOnCreate": field.type == "boolean" or field.default is not None or field.name == "OwnerId",
        "defaultValue": field.default,
        "externalId": field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "idLookup": field.identifies,
        "nameField": field.name_field,
        "autoNumber": bool(field.autonumber),
        "calculated": field.calculated and field.custom,
        "custom": field.custom,
        "filterable": filterable,
        "sortable": filterable,
        "groupable": filterable and not numeric,
        "aggregatable": filterable,
        "compoundFieldName": field.compound or None,
        "restrictedPicklist": field.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == field.default, "label": value, "value": value, "validFor": None}
            for value in field.values
        ],
        "referenceTo": list(field.to),
        "relationshipName": field.relationship or None,
        "deprecatedAndHidden": False,
    }
