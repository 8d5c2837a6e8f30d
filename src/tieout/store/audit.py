"""The log of who did what: a chain in which each entry carries the hash of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.identity import content_hash
from tieout.store.database import Tx, row, rows

_PAGE = 5000


def entry_hash(previous: str, at: datetime, actor: str, action: str, object_: str, detail: Mapping[str, Any]) -> str:
    """The moment counts in UTC: a server in another time zone reads the same chain."""
    return content_hash([previous, str(at.astimezone(UTC)), actor, action, object_, dict(detail)])


async def append(tx: Tx, actor: str, action: str, object_: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Adds an entry; one transaction at a time does, so that the chain has no forks."""
    await tx.execute("select pg_advisory_xact_lock(4217)")
    last = await row(tx, "select hash from audit order by id desc limit 1")
    previous = last["hash"] if last else ""
    await tx.execute(
        "insert into audit (at, actor, action, object, detail, previous, hash) values (%s, %s, %s, %s, %s, %s, %s)",
        (
            now, actor, action, object_, Jsonb(dict(detail)), previous,
            entry_hash(previous, now, actor, action, object_, detail),
        ),
    )  # fmt: skip


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
            expected = entry_hash(previous, each["at"], each["actor"], each["action"], each["object"], each["detail"])
            if each["previous"] != previous or each["hash"] != expected:
                return Verified(checked, each["id"], previous)
            checked, previous, last = checked + 1, each["hash"], each["id"]
        if len(page) < _PAGE:
            return Verified(checked, None, previous)
