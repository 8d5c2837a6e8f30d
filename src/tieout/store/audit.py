"""The log of who did what: a chain in which each entry carries the hash of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.evidence.chain import Link, Said, content_digest, link_hash, wrong_link
from tieout.store.database import Tx, row, rows

_PAGE = 5000
# Between two entries of one subject so many others are shown by their digests alone; more, and a new stretch begins.
_APART = 200


async def append(tx: Tx, actor: str, action: str, object_: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Adds an entry; one transaction at a time does, so that the chain has no forks."""
    await tx.execute("select pg_advisory_xact_lock(4217)")
    last = await row(tx, "select hash from tieout.audit order by id desc limit 1")
    previous, content = last["hash"] if last else "", content_digest(now, actor, action, object_, detail)
    await tx.execute(
        """
        insert into tieout.audit (at, actor, action, object, detail, previous, content, hash)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (now, actor, action, object_, Jsonb(dict(detail)), previous, content, link_hash(previous, content)),
    )


async def entries(
    tx: Tx, *, actor: str = "", action: str = "", object_: str = "", before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """The newest first; `action` may be the beginning of one (`hold.`), an empty filter does not filter."""
    return await rows(
        tx,
        """
        select * from audit
        where (%(actor)s = '' or actor = %(actor)s) and starts_with(action, %(action)s)
          and (%(object)s = '' or object = %(object)s) and (%(before)s::bigint is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {"actor": actor, "action": action, "object": object_, "before": before, "limit": limit},
    )


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries were checked, the first that is wrong (None when all are right), and the newest hash.

    The newest hash, kept outside, also shows a chain that was cut short or rebuilt as a whole.
    """

    entries: int
    first_bad: int | None
    head: str


async def verify(tx: Tx) -> Verified:
    """Computes the whole chain again: a changed, removed, added or swapped entry breaks it at its place."""
    checked, previous, last = 0, "", 0
    while True:
        page = await rows(tx, "select * from audit where id > %s order by id limit %s", (last, _PAGE))
        for each in page:
            if each["previous"] != previous or wrong_link(_link(each, tells=True)):
                return Verified(checked, each["id"], previous)
            checked, previous, last = checked + 1, each["hash"], each["id"]
        if len(page) < _PAGE:
            return Verified(checked, None, previous)


async def stretches(tx: Tx, objects: Sequence[str], *, tells: bool, most: int = 500) -> list[tuple[Link, ...]]:
    """The newest entries about these objects, with the chain between them; the very last one always says what it says.

    Without `tells`, the others are there by their digests alone, as is what lies between. Where that is long it is left
    out, and the next stretch begins.
    """
    about = await rows(
        tx,
        """
        select id from (select id from audit where object = any(%s) order by id desc limit %s) newest order by id
        """,
        (list(objects), most),
    )
    spans: list[list[int]] = []
    for each in about:
        if spans and each["id"] - spans[-1][1] <= _APART:
            spans[-1][1] = each["id"]
        else:
            spans.append([each["id"], each["id"]])
    told = {each["id"] for each in (about if tells else about[-1:])}
    found: list[tuple[Link, ...]] = []
    for first, last in spans:
        page = await rows(tx, "select * from audit where id between %s and %s order by id", (first, last))
        found.append(tuple(_link(each, tells=each["id"] in told) for each in page))
    return found


def _link(entry: Mapping[str, Any], *, tells: bool) -> Link:
    said = Said(**{name: entry[name] for name in ("at", "actor", "action", "object", "detail")}) if tells else None
    return Link(id=entry["id"], previous=entry["previous"], content=entry["content"], hash=entry["hash"], said=said)
