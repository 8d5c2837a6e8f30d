"""Rings at the door, stored many at a time: all of them share one flush to disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Json

from tieout.store.database import Tx, rows


@dataclass(frozen=True, slots=True)
class Ring:
    """A verified ring: its id at the sender, a fingerprint of its content, and (kind, record id) of what to read again."""

    connection: str
    id: str
    refs: Sequence[tuple[str, str]]
    rung_at: datetime
    content: str = ""


async def store(tx: Tx, rings: Sequence[Ring]) -> None:
    """One statement for all; a ring that is there already changes nothing. The same id with another content is another ring."""
    told = [
        (each.connection, each.id, each.content, kind, record_id, each.rung_at.isoformat())
        for each in rings
        for kind, record_id in each.refs
    ]
    await tx.execute(
        """
        insert into bell (connection, id, content, kind, record_id, rung_at)
        select r->>0, r->>1, r->>2, r->>3, r->>4, (r->>5)::timestamptz from json_array_elements(%s) r
        order by 1, 2, 3, 4, 5 on conflict do nothing
        """,
        (Json(told),),
    )


async def used_again(tx: Tx, connection: str) -> list[str]:
    """Ids of rings that nobody has answered yet, and that came with another content, too: the sender makes a mistake.

    They are followed like any other: a ring is never believed, so that to refuse one could only lose a change, and to take
    it for the same would, too.
    """
    found = await rows(
        tx,
        """
        select distinct b.id from bell b where b.connection = %s and b.answered_at is null and exists (
          select from bell o where o.connection = b.connection and o.id = b.id and o.content <> b.content
        ) order by 1
        """,
        (connection,),
    )
    return [each["id"] for each in found]


async def tell_rings(tx: Tx) -> None:
    """Tells every process that listens. Nothing depends on it, so it does not wait for the disk."""
    await tx.execute("select set_config('synchronous_commit', 'off', true), pg_notify('bell', '')")


async def rings_told(session: Tx) -> AsyncGenerator[None, None]:
    """One item for each time that a ring was told. Raises when the connection is lost."""
    await session.execute("listen bell")
    async for _ in session.notifies():
        yield
