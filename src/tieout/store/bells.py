"""Rings at the door, stored many at a time: all of them share one flush to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from tieout.store.database import Tx


@dataclass(frozen=True, slots=True)
class Ring:
    """A verified ring: its id at the sender, and (kind, record id) of what to read again."""

    connection: str
    id: str
    refs: Sequence[tuple[str, str]]
    rung_at: datetime


async def store(tx: Tx, rings: Sequence[Ring]) -> None:
    """One statement for all; a ring that is there already changes nothing."""
    await tx.execute(
        """
        insert into bell (connection, id, kind, record_id, rung_at)
        select r.connection, r.id, r.kind, r.record_id, r.rung_at
        from jsonb_to_recordset(%s) as r(connection text, id text, kind text, record_id text, rung_at timestamptz)
        order by 1, 2, 3, 4 on conflict do nothing
        """,
        (
            Jsonb(
                [
                    {
                        "connection": each.connection,
                        "id": each.id,
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
