"""Rings at the door, stored many at a time: all of them share one flush to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, rows


@dataclass(frozen=True, slots=True)
class Ring:
    """A verified ring: its id at the sender, a fingerprint of its content, and (kind, record id) of what to read again."""

    connection: str
    id: str
    refs: Sequence[tuple[str, str]]
    rung_at: datetime
    content: str = ""


async def store(tx: Tx, rings: Sequence[Ring]) -> list[tuple[str, str]]:
    """One statement for all; a ring that is there already changes nothing.

    Returns (connection, id) of those whose id was used before for another content. They are stored like any other: a ring is
    followed and never believed, so that to refuse one could only lose a change, and to take it for the same would, too.
    """
    found = await rows(
        tx,
        """
        with rung as (
          select * from jsonb_to_recordset(%s) as r(connection text, id text, content text, kind text, record_id text,
            rung_at timestamptz)
        ), stored as (
          insert into bell (connection, id, content, kind, record_id, rung_at)
          select connection, id, content, kind, record_id, rung_at from rung order by 1, 2, 3, 4, 5 on conflict do nothing
        )
        select distinct r.connection, r.id from rung r where exists (
          select from bell b where b.connection = r.connection and b.id = r.id and b.content <> r.content
        ) or exists (
          select from rung o where o.connection = r.connection and o.id = r.id and o.content <> r.content
        )
        """,
        (
            Jsonb(
                [
                    {
                        "connection": each.connection,
                        "id": each.id,
                        "content": each.content,
                        "kind": kind,
                        "record_id": record_id,
                        "rung_at": each.rung_at.isoformat(),
                    }
                    for each in rings
                    for kind, record_id in each.refs
                ]
            ),
        ),
    )
    return [(each["connection"], each["id"]) for each in found]
