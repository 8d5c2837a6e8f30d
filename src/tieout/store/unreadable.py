"""Messages of a page that cannot be understood: each waits alone, and any other state of its record after it ends the wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tieout.store.database import Tx, rows


async def hold(tx: Tx, run_id: str, code: str) -> None:
    """The messages of a run that cannot be understood wait; `code` is their problem's."""
    await tx.execute(
        """
        update message set state = 'held', reason = %s
        where run_id = %s and state = 'in_flight' and payload ? 'unreadable'
        """,
        (code, run_id),
    )


async def waiting(tx: Tx, connection: str, kind: str, code: str, now: datetime) -> list[dict[str, Any]]:
    """Records whose newest state cannot be understood: `record_id`, and `quote`, what the source says."""
    of_kind = {"connection": connection, "kind": kind, "code": code, "now": now}
    await tx.execute(
        """
        update message m set state = 'ignored', reason = 'superseded by a newer state', settled_at = %(now)s
        where connection = %(connection)s and kind = %(kind)s and state = 'held' and reason = %(code)s
          and exists (
            select from message n
            where (n.connection, n.kind, n.record_id) = (m.connection, m.kind, m.record_id) and n.id > m.id
              and split_part(n.version, '#', 1) collate "C" >= split_part(m.version, '#', 1) collate "C")
        """,
        of_kind,
    )
    return await rows(
        tx,
        """
        select record_id, payload ->> 'unreadable' as quote from message
        where connection = %(connection)s and kind = %(kind)s and state = 'held' and reason = %(code)s order by id
        """,
        of_kind,
    )
