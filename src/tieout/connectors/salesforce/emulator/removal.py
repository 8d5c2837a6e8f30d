"""Deletion into the recycle bin and back out of it, and the merge of two records that are one customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tieout.connectors.salesforce.emulator.drafts import revise
from tieout.connectors.salesforce.emulator.failures import not_found, refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules import AFTER_CHANGE, BEFORE_DELETE
from tieout.connectors.salesforce.emulator.saving import current
from tieout.connectors.salesforce.emulator.schema import SObject

RECYCLE_BIN = timedelta(days=15)
# A hidden fact of a deleted row: the record whose deletion took it along. It is no field, so no client sees it.
_TAKEN_BY = "~taken_by"


def delete(records: Records, entity: SObject, record_id: str, actor: str) -> None:
    """Into the recycle bin, with the children that cannot live without it. Raises Refusal."""
    row = current(records, entity, record_id)
    if not entity.deletable:
        raise refusal(
            "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {entity.name} does not support delete", status=403
        )
    with records.transaction():
        _remove(records, entity, row, actor, row["Id"])


def _remove(records: Records, entity: SObject, row: Row, actor: str, taken_by: str) -> None:
    if check := BEFORE_DELETE.get(entity.name):
        check(records, row)
    removed = revise(records, entity, row, {"IsDeleted": True, _TAKEN_BY: taken_by}, actor)
    for child in records.schema.children(entity):
        for each in records.live(child.entity, child.field.name, row["Id"]):
            match child.field.on_delete:
                case "cascade":
                    _remove(records, child.entity, each, actor, taken_by)
                case "clear":
                    if child.field.updateable:
                        revise(records, child.entity, each, {child.field.name: None}, actor)
                case "restrict":
                    raise refusal("DELETE_FAILED", _in_use(entity, row, child.entity, each))
    if carry_on := AFTER_CHANGE.get(entity.name):
        carry_on(records, removed, actor)


def _in_use(entity: SObject, row: Row, child: SObject, each: Row) -> str:
    name = row.get("Name", row["Id"])
    return (
        f"Your attempt to delete {name} could not be completed because it is associated with the following "
        f"{child.label_plural.lower()}.: {each.get('Name', each['Id'])}\n"
    )


def undelete(records: Records, entity: SObject, record_id: str, actor: str) -> None:
    """Out of the recycle bin, with everything that the deletion took along. Raises Refusal where it is not there."""
    row = records.get(entity, full_id(record_id) or "")
    if row is None or not in_recycle_bin(records, row) or row.get("MasterRecordId"):
        raise not_found()
    with records.transaction():
        for each_entity in records.schema:
            for each in list(records.all(each_entity)):
                if each.get(_TAKEN_BY) == row["Id"]:
                    back = revise(records, each_entity, each, {"IsDeleted": False, _TAKEN_BY: None}, actor)
                    if carry_on := AFTER_CHANGE.get(each_entity.name):
                        carry_on(records, back, actor)


def in_recycle_bin(records: Records, row: Row) -> bool:
    """Deleted, and not so long ago that the bin has been emptied."""
    return bool(row["IsDeleted"]) and row["SystemModstamp"] >= records.now() - RECYCLE_BIN


def merge(records: Records, entity: SObject, master_id: str, loser_ids: Sequence[str], actor: str) -> list[str]:
    """Make one record of up to three; the ids of the children that moved.

    The master keeps its own values. Losers go to the recycle bin with MasterRecordId, their children go to the master
    and their SystemModstamp moves, because nobody edited them. Raises Refusal.
    """
    if not entity.mergeable:
        raise refusal("INVALID_TYPE", f"{entity.name} cannot be merged")
    if not 1 <= len(loser_ids) <= 2:
        raise refusal("INVALID_NUM_ARGS", "one or two records can be merged into another")
    master = current(records, entity, master_id)
    losers = [current(records, entity, each) for each in loser_ids]
    if any(each["Id"] == master["Id"] for each in losers):
        raise refusal("MERGE_FAILED", "a record cannot be merged with itself")
    moved: list[str] = []
    with records.transaction():
        for loser in losers:
            moved += _reparent(records, entity, loser["Id"], master["Id"])
            changes = {"IsDeleted": True, "MasterRecordId": master["Id"], _TAKEN_BY: loser["Id"]}
            revise(records, entity, records.get(entity, loser["Id"]) or loser, changes, actor)
        revise(records, entity, records.get(entity, master["Id"]) or master, {}, actor)
    return moved


def _reparent(records: Records, entity: SObject, loser_id: str, master_id: str) -> list[str]:
    moved: list[str] = []
    for child in records.schema.children(entity):
        if child.field.name == "MasterRecordId":
            continue
        for each in records.live(child.entity, child.field.name, loser_id):
            # A master that was the loser's child would become its own parent.
            target = None if each["Id"] == master_id else master_id
            revise(records, child.entity, each, {child.field.name: target}, None)
            moved.append(each["Id"])
    return moved
