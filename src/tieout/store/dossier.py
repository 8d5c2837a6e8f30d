"""A document with everything that hangs on it: its versions, its records in every system, its story and its money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString, cast

from tieout.store import documents
from tieout.store.database import Tx, rows
from tieout.store.figures import Totals, money_of
from tieout.store.lookup import Hit, titles


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version of a document and the fields that it changed, as dotted paths; the first version changed none."""

    version: int
    created_at: datetime
    fingerprint: str
    body: Mapping[str, Any]
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Everything about one document. `records` are its crosswalk rows in every system, each with the system's role.

    `engagements` are the engagements that it belongs to or that belong to it; holds, runs (with `steps`), effects (with
    `receipt`), approvals, invoices and money are theirs, the newest first. `related` leads to the neighbours.
    """

    kind: str
    key: str
    title: str
    body: Mapping[str, Any]
    trail: Mapping[str, Any]
    versions: Sequence[Version]
    records: Sequence[Mapping[str, Any]]
    related: Sequence[Hit]
    engagements: Sequence[str]
    holds: Sequence[Mapping[str, Any]]
    approvals: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    effects: Sequence[Mapping[str, Any]]
    invoices: Sequence[Mapping[str, Any]]
    money: Sequence[Totals]


async def document_page(tx: Tx, kind: str, key: str) -> DocumentPage | None:
    """A document with everything that hangs on it; None when the hub has neither the document nor a record of it.

    A record that is no document yet (kind `record`, key `connection/kind/id`) has its runs, holds and effects only.
    """
    history = await documents.history(tx, kind, key)
    records = await rows(
        tx,
        """
        select x.*, c.role, c.kind as system, c.entity from crosswalk x join connection c on c.name = x.connection
        where x.kind = %s and x.key = %s order by c.role, x.connection, x.alias, x.since
        """,
        (kind, key),
    )
    subjects = [key] if kind == "record" else [key, *await _subjects(tx, records)]
    engagements = await _engagements(tx, kind, key)
    runs = await _runs(tx, engagements, subjects)
    if not history and not records and not runs:
        return None
    versions = _versions(history)
    newest: dict[str, Any] = history[-1] if history else {"body": {}, "trail": {}}
    related = await _related(tx, kind, key, engagements)
    scope = {"engagements": engagements, "subjects": subjects, "runs": [each["id"] for each in runs]}
    return DocumentPage(
        kind=kind,
        key=key,
        title=newest["body"].get("name") or key,
        body=newest["body"],
        trail=newest["trail"],
        versions=versions,
        records=records,
        related=related,
        engagements=engagements,
        holds=await rows(tx, _HOLDS, scope),
        approvals=await rows(tx, _APPROVALS, scope),
        runs=runs,
        effects=await rows(tx, _EFFECTS, scope),
        invoices=await rows(tx, _INVOICES, scope),
        money=await money_of(tx, engagements) if engagements else [],
    )


_HOLDS: LiteralString = """
    select * from hold where engagement = any(%(engagements)s) or subject = any(%(subjects)s)
    order by state, due_at, id desc limit 200
"""
_APPROVALS: LiteralString = """
    select * from approval where engagement = any(%(engagements)s) or subject = any(%(subjects)s) order by id desc limit 50
"""
_EFFECTS: LiteralString = """
    select key, connection, operation, guarantee, subject, version, entity, engagement, run_id, state, attempts, planned_at,
           sent_at, settled_at, look_again_at, receipt, detail
    from effect where engagement = any(%(engagements)s) or run_id = any(%(runs)s) order by planned_at desc, key limit 200
"""
_INVOICES: LiteralString = """
    select i.*, coalesce((select sum(amount) from payment p where p.invoice = i.key), 0) as paid
    from invoice i where engagement = any(%(engagements)s) order by proposed_at desc, key limit 200
"""


async def _subjects(tx: Tx, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What runs about these records are called, whatever kind of record their system says they are."""
    found = await rows(
        tx,
        """
        select c.connection || '/' || c.kind || '/' || r.record_id as subject
        from unnest(%s::text[], %s::text[]) r(connection, record_id) join cursor c on c.connection = r.connection
        """,
        ([each["connection"] for each in records], [each["record_id"] for each in records]),
    )
    return [each["subject"] for each in found]


async def _engagements(tx: Tx, kind: str, key: str) -> list[str]:
    """The engagements that a document is about: itself, the one it belongs to, or all of a customer."""
    if kind == "engagement":
        return [key]
    if kind == "customer":
        found = await rows(
            tx,
            """
            select distinct d.engagement from document d
            where d.kind = 'project' and d.body->>'customer' = %(key)s and d.engagement is not null
            union select distinct d.key from document d
            where d.kind = 'engagement' and (d.body->'customer'->>'key' = %(key)s or d.body->'bill_to'->>'key' = %(key)s)
            order by 1
            """,
            {"key": key},
        )
    else:
        found = await rows(
            tx,
            """
            select distinct coalesce(engagement, body->>'engagement') as engagement from document
            where kind = %s and key = %s and coalesce(engagement, body->>'engagement') is not null order by 1
            """,
            (kind, key),
        )
    return [each["engagement"] for each in found]


async def _runs(tx: Tx, engagements: list[str], subjects: list[str]) -> list[dict[str, Any]]:
    found = await rows(
        tx,
        """
        select * from run where engagement = any(%s) or subject = any(%s) order by sequence desc limit 100
        """,
        (engagements, subjects),
    )
    steps = await rows(
        tx,
        "select * from step where run_id = any(%s) order by run_id, generation, position",
        ([each["id"] for each in found],),
    )
    taken: dict[str, list[dict[str, Any]]] = {}
    for each in steps:
        taken.setdefault(each["run_id"], []).append(each)
    return [{**each, "steps": taken.get(each["id"], [])} for each in found]


async def _related(tx: Tx, kind: str, key: str, engagements: list[str]) -> list[Hit]:
    found = await rows(
        tx,
        """
        select distinct on (kind, key) kind, key, body->>'name' as name, body->>'customer' as payer,
               body->'customer'->>'key' as customer, body->'customer'->>'name' as customer_name
        from document
        where (engagement = any(%(e)s) or (kind = 'engagement' and key = any(%(e)s))) and kind in ('engagement', 'project')
        order by kind, key, version desc
        """,
        {"e": engagements},
    )
    hits = [Hit(each["kind"], each["key"], each["name"] or each["key"], "of the same engagement") for each in found]
    for each in found:
        if each["kind"] == "engagement" and each["customer"]:
            hits.append(Hit("customer", each["customer"], each["customer_name"] or each["customer"], "the customer"))
        elif each["kind"] == "project" and each["payer"]:
            hits.append(Hit("customer", each["payer"], "", "the customer"))
    named = await titles(tx, [(hit.kind, hit.key) for hit in hits if not hit.title])
    unique = {(hit.kind, hit.key): hit for hit in reversed(hits) if (hit.kind, hit.key) != (kind, key)}
    return [replace(hit, title=hit.title or named[hit.kind, hit.key]) for hit in reversed(unique.values())]


def _versions(history: Sequence[Mapping[str, Any]]) -> list[Version]:
    versions: list[Version] = []
    before: dict[str, Any] | None = None
    for each in history:
        now = dict(flat(each["body"]))
        changed = (
            [] if before is None else sorted(path for path in {*now, *before} if now.get(path) != before.get(path))
        )
        versions.append(Version(each["version"], each["created_at"], each["fingerprint"], each["body"], changed))
        before = now
    return versions[::-1]


def flat(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a JSON-like body with its dotted path; items of lists are numbered from 0."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(body, dict):
        pairs = cast("dict[str, Any]", body).items()
    elif isinstance(body, list):
        pairs = enumerate(cast("list[Any]", body))
    else:
        yield path, body
        return
    for name, value in pairs:
        yield from flat(value, f"{path}.{name}" if path else str(name))
