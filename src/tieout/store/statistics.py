"""What Postgres knows about a table that grows by the thousand: a plan for an empty table is ruin for a full one."""

from __future__ import annotations

from typing import LiteralString

from tieout.store.database import Tx, row

# Fewer rows than this are no bulk load, and a table that has grown by less than its half keeps its plans.
BULK = 100
_GROWTH = 0.5


async def refresh(tx: Tx, table: LiteralString) -> None:
    """Analyses the table when it has changed so much since the last time; does nothing while somebody else does it.

    The server would do so within a minute; until then, each page of a bulk load costs more than the one before it.
    """
    found = await row(
        tx,
        """
        select 1 as one from pg_stat_user_tables s join pg_class c on c.oid = s.relid
        where s.relid = to_regclass(%s) and s.n_mod_since_analyze > greatest(1000, c.reltuples * %s)
        """,
        (table, _GROWTH),
    )
    if found:
        await tx.execute(f"analyze (skip_locked) {table}")
