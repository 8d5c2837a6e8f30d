"""What many runs ask and say at the same moment, in one statement for all of them, answered in the order in which they ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Json

from tieout.domain.documents.document import Document
from tieout.domain.documents.project import Project
from tieout.domain.overriding import Override
from tieout.store import names, projects
from tieout.store.database import Tx, rows
from tieout.store.names import Shown


@dataclass(frozen=True, slots=True)
class Saving:
    """A document to be stored as a new version when its content is new."""

    document: Document
    entity: str | None
    engagement: str | None
    trail: Any
    now: datetime


async def save(tx: Tx, savings: Sequence[Saving]) -> list[int]:
    """The versions that hold the contents; each document once. A project's typed rows become true with it."""
    prints = [each.document.fingerprint() for each in savings]
    found = await rows(
        tx,
        """
        select w.position, d.version, d.fingerprint from unnest(%s::text[], %s::text[]) with ordinality w(kind, key, position)
        cross join lateral (
          select version, fingerprint from document d where d.kind = w.kind and d.key = w.key order by version desc limit 1) d
        """,
        ([each.document.kind for each in savings], [each.document.key for each in savings]),
    )
    latest = {each["position"] - 1: each for each in found}
    versions: list[int] = []
    new: list[Mapping[str, Any]] = []
    for position, (each, fingerprint) in enumerate(zip(savings, prints, strict=True)):
        known = latest.get(position)
        same = known is not None and known["fingerprint"] == fingerprint
        versions.append(known["version"] + (not same) if known else 1)
        if not same:
            new.append({"version": versions[-1], "fingerprint": fingerprint, **_row(each)})
    if new:
        await _insert(tx, new)
    await projects.save_all(tx, [each.document for each in savings if isinstance(each.document, Project)])
    return versions


def _row(saving: Saving) -> dict[str, Any]:
    document = saving.document
    return {
        "kind": document.kind, "key": document.key, "schema_version": document.schema_version, "entity": saving.entity,
        "engagement": saving.engagement, "body": document.body(), "trail": saving.trail or {}, "now": saving.now.isoformat(),
    }  # fmt: skip


async def _insert(tx: Tx, new: Sequence[Mapping[str, Any]]) -> None:
    await tx.execute(
        """
        insert into document (kind, key, version, schema_version, entity, engagement, fingerprint, body, trail, created_at)
        select kind, key, version, schema_version, entity, engagement, fingerprint, body, trail, now
        from json_to_recordset(%s) as d(kind text, key text, version integer, schema_version integer, entity text,
             engagement text, fingerprint text, body jsonb, trail jsonb, now timestamptz) order by kind, key
        """,
        (Json(new),),
    )


async def latest(tx: Tx, wanted: Sequence[tuple[str, str]]) -> list[dict[str, Any] | None]:
    """The newest stored versions of documents, by (kind, key)."""
    found = await rows(
        tx,
        """
        select w.position, d.* from unnest(%s::text[], %s::text[]) with ordinality w(kind, key, position) cross join lateral (
          select * from document d where d.kind = w.kind and d.key = w.key order by version desc limit 1) d
        """,
        _columns(wanted, 2),
    )
    return _in_order(wanted, found)


async def projects_of(tx: Tx, engagements: Sequence[str]) -> list[list[dict[str, Any]]]:
    """The newest stored versions of the projects of engagements; of each that of the deal first, where it has one."""
    found = await rows(
        tx,
        """
        select w.position, d.* from unnest(%s::text[]) with ordinality w(engagement, position)
        join project p on p.engagement = w.engagement cross join lateral (
          select * from document d where d.kind = 'project' and d.key = p.key order by version desc limit 1) d
        order by w.position, p.sold
        """,
        (list(engagements),),
    )
    return _each(engagements, found)


async def records(tx: Tx, wanted: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """The record ids of objects, by (kind, key, connection)."""
    found = await rows(
        tx,
        """
        select w.position, x.record_id as value
        from unnest(%s::text[], %s::text[], %s::text[]) with ordinality w(kind, key, connection, position)
        join crosswalk x on x.kind = w.kind and x.key = w.key and x.connection = w.connection and not x.alias
        """,
        _columns(wanted, 3),
    )
    return _values(wanted, found)


async def keys(tx: Tx, wanted: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """The business keys of records, followed through aliases, by (kind, connection, record)."""
    found = await rows(
        tx,
        """
        select w.position, x.key as value
        from unnest(%s::text[], %s::text[], %s::text[]) with ordinality w(kind, connection, record, position)
        join crosswalk x on x.kind = w.kind and x.connection = w.connection and x.record_id = w.record
        """,
        _columns(wanted, 3),
    )
    return _values(wanted, found)


async def decisions(tx: Tx, wanted: Sequence[tuple[str, str]]) -> list[str | None]:
    """What persons answered to questions, by (subject, code)."""
    found = await rows(
        tx,
        """
        select w.position, d.choice as value from unnest(%s::text[], %s::text[]) with ordinality w(subject, code, position)
        join decision d on d.subject = w.subject and d.code = w.code
        """,
        _columns(wanted, 2),
    )
    return _values(wanted, found)


async def overrides(tx: Tx, wanted: Sequence[tuple[str, str]]) -> list[list[Override]]:
    """The overrides that count for documents now, the oldest first, by (kind, key)."""
    found = await rows(
        tx,
        """
        select w.position, o.id, o.kind, o.key, o.field, o.value, o.author, o.reason
        from unnest(%s::text[], %s::text[]) with ordinality w(kind, key, position)
        join override o on o.kind = w.kind and o.key = w.key and not o.waiting and o.withdrawn_at is null order by o.id
        """,
        _columns(wanted, 2),
    )
    return [[Override(**each) for each in some] for some in _each(wanted, found)]


async def shown_otherwise(tx: Tx, wanted: Sequence[tuple[str, ...]]) -> list[list[Shown]]:
    """Those of some records that a target shows under another name than ours, or that have a rival there, by their keys."""
    found = await names.shown(tx, sorted({key for keys in wanted for key in keys}))
    return [[each for each in found if each.key in keys] for keys in wanted]


async def held(tx: Tx, wanted: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The runs that wait for a person, by (flow, engagement)."""
    found = await rows(
        tx,
        """
        select w.position, r.id as value from unnest(%s::text[], %s::text[]) with ordinality w(flow, engagement, position)
        join run r on r.engagement = w.engagement and r.flow = w.flow and r.state = 'held'
        """,
        _columns(wanted, 2),
    )
    return [[each["value"] for each in some] for some in _each(wanted, found)]


async def tell(tx: Tx, told: Sequence[tuple[str, str | None, str | None]]) -> list[None]:
    """What runs found out about themselves while they worked: (run, entity, engagement)."""
    await tx.execute(
        """
        update run set entity = coalesce(w.entity, run.entity), engagement = coalesce(w.engagement, run.engagement)
        from unnest(%s::text[], %s::text[], %s::text[]) w(id, entity, engagement) where run.id = w.id
        """,
        _columns(told, 3),
    )
    return [None] * len(told)


async def shown(tx: Tx, told: Sequence[tuple[str, str, str, int, datetime]]) -> list[None]:
    """Systems have confirmed that they show a version: (engagement, project, connection, version, when).

    Where a system shows it for the engagement as a whole, the project is empty.
    """
    await tx.execute(
        """
        insert into contract_shown (engagement, project, connection, version, shown_at)
        select * from unnest(%s::text[], %s::text[], %s::text[], %s::integer[], %s::timestamptz[]) s(a, b, c, d, e) order by 1, 3, 2
        on conflict (engagement, connection, project) do update set version = excluded.version, shown_at = excluded.shown_at
        where contract_shown.version <> excluded.version
        """,
        _columns(told, 5),
    )
    return [None] * len(told)


def _columns(items: Sequence[Sequence[Any]], parts: int) -> tuple[list[Any], ...]:
    return tuple([each[part] for each in items] for part in range(parts))


def _each(wanted: Sequence[Any], found: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    by_position: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in found:
        by_position[each.pop("position")].append(each)
    return [by_position[position] for position in range(1, len(wanted) + 1)]


def _values(wanted: Sequence[Any], found: Sequence[dict[str, Any]]) -> list[str | None]:
    return [None if each is None else each["value"] for each in _in_order(wanted, found)]


def _in_order(wanted: Sequence[Any], found: Sequence[dict[str, Any]]) -> list[dict[str, Any] | None]:
    by_position = {each["position"]: each for each in found}
    return [by_position.get(position) for position in range(1, len(wanted) + 1)]
