"""What the database knows of its own memory: whether it came back from a failover or a restore, and what it may have forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Gap:
    """What happened between these moments may be true in the systems and forgotten here."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """`moved` says that the server is on another timeline than when somebody last looked; `gap` is the newest one."""

    moved: bool
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Rewound:
    """A feed that is read again from an earlier cursor; `since` is when that cursor was reached, None from the beginning."""

    connection: str
    kind: str
    since: datetime | None


async def recall(tx: Tx) -> Memory:
    found = await row(tx, "select *, timeline <> server_timeline() as moved from memory")
    assert found is not None, "the migration has written it"
    gap = Gap(found["gap_since"], found["gap_until"]) if found["gap_since"] else None
    return Memory(found["moved"], gap)


async def last_known(tx: Tx) -> datetime | None:
    """When a source was last read: nothing else is written only after it was asked whether the server came back."""
    found = await row(tx, "select max(advanced_at) as at from cursor")
    return found["at"] if found else None


async def declare(tx: Tx, gap: Gap) -> None:
    """From now on the gap is reckoned with, and the server's timeline is the known one."""
    await tx.execute(
        "update memory set timeline = server_timeline(), gap_since = %s, gap_until = %s", (gap.since, gap.until)
    )


async def rewinding(tx: Tx, before: datetime) -> list[Rewound]:
    """What `rewind` would do: every feed with the newest cursor that was reached before a moment."""
    return [Rewound(each["connection"], each["kind"], each["marked_at"]) for each in await _marks(tx, before)]


async def rewind(tx: Tx, before: datetime) -> None:
    """Every feed is read again from there, and what looks known is worked off once more."""
    for each in await _marks(tx, before):
        await tx.execute(
            "update cursor set value = %s, again = true where connection = %s and kind = %s",
            (each["value"] or "", each["connection"], each["kind"]),
        )


async def mark(tx: Tx, connection: str, kind: str, value: str, now: datetime) -> None:
    """Remembers the cursor of a finished sweep, unless a young mark is there; the old ones go."""
    await tx.execute(
        """
        with old as (
          delete from cursor_mark where connection = %(connection)s and kind = %(kind)s
            and marked_at < %(now)s::timestamptz - interval '8 days'
        )
        insert into cursor_mark (connection, kind, marked_at, value)
        select %(connection)s, %(kind)s, %(now)s, %(value)s
        where not exists (select from cursor_mark where connection = %(connection)s and kind = %(kind)s
                          and marked_at > %(now)s::timestamptz - interval '5 minutes')
        on conflict do nothing
        """,
        {"connection": connection, "kind": kind, "value": value, "now": now},
    )


async def unsettled(tx: Tx) -> list[dict[str, Any]]:
    """How many effects of each class the database remembers, and of how many it does not know what became."""
    return await rows(
        tx,
        """
        select guarantee, count(*) as effects, count(*) filter (where state in ('sent', 'unknown')) as unknown
        from effect group by 1 order by 1
        """,
    )


async def _marks(tx: Tx, before: datetime) -> list[dict[str, Any]]:
    return await rows(
        tx,
        """
        select c.connection, c.kind, m.marked_at, m.value from cursor c
        left join lateral (
          select marked_at, value from cursor_mark m
          where m.connection = c.connection and m.kind = c.kind and m.marked_at < %s order by marked_at desc limit 1
        ) m on true
        order by 1, 2
        """,
        (before,),
    )
