"""How far each kind of record of each source has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tieout.store import memory
from tieout.store.database import Tx, row


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a feed goes on: `value` is None at its beginning, `again` says that what comes next is read again on purpose,
    `backfill` that the feed has not been read to its end yet."""

    value: str | None = None
    again: bool = False
    backfill: bool = True


async def where(tx: Tx, connection: str, kind: str) -> Cursor:
    found = await row(
        tx,
        "select value, again, again or not caught_up as backfill from cursor where connection = %s and kind = %s",
        (connection, kind),
    )
    return Cursor(found["value"] or None, found["again"], found["backfill"]) if found else Cursor()


async def advance(tx: Tx, connection: str, kind: str, value: str, now: datetime, *, swept: bool = False) -> None:
    """Moves the cursor on; `swept` says that the feed was read to its end."""
    await tx.execute(
        """
        insert into cursor (connection, kind, value, advanced_at, caught_up)
        values (%(connection)s, %(kind)s, %(value)s, %(now)s, %(swept)s)
        on conflict (connection, kind) do update set value = excluded.value, advanced_at = excluded.advanced_at,
          again = cursor.again and not %(swept)s, caught_up = cursor.caught_up or %(swept)s,
          waits = ''
        """,
        {"connection": connection, "kind": kind, "value": value, "now": now, "swept": swept},
    )
    if swept:
        await memory.mark(tx, connection, kind, value, now)


async def read_later(tx: Tx, connection: str, kind: str, why: str, now: datetime) -> None:
    """The feed is not read further for now, on purpose: it is neither silent nor does its cursor move."""
    await tx.execute(
        """
        insert into cursor (connection, kind, value, advanced_at, waits) values (%s, %s, '', %s, %s)
        on conflict (connection, kind) do update set advanced_at = excluded.advanced_at, waits = excluded.waits
        """,
        (connection, kind, now, why),
    )
