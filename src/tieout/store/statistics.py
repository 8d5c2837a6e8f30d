"""What Postgres knows about a table that grows by the thousand: a plan for an empty table is ruin for a full one."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from tieout.store.database import Tx, row, rows

# Fewer rows than this are no bulk load.
BULK = 100
# From so many rows on it matters how a table is read.
_FEW = 100
# What plans depend on. The contents of a message are not among it, and cost the most to look at.
_COLUMNS: dict[str, LiteralString] = {
    "message": "connection, kind, record_id, version, state, run_id",
    "time_entry": "connection, source_id, project, task, person, work_date, state, entity, engagement, problem, "
    "delivered_id, delivered_minutes, delivered_as",
}


async def refresh(tx: Tx, table: LiteralString) -> None:
    """Analyses the table when it is twice as large as the last time; does nothing while somebody else does it.

    The server would do so within a minute; until then, each page of a bulk load costs more than the one before it.
    """
    found = await row(
        tx,
        """
        select 1 as one from pg_stat_user_tables s join pg_class c on c.oid = s.relid
        where s.relid = to_regclass(%s) and s.n_live_tup > 2 * greatest(500, c.reltuples)
        """,
        (table,),
    )
    if found:
        await tx.execute(f"analyze (skip_locked) {table} ({_COLUMNS[table]})")


async def keep_up(session: Tx) -> list[str]:
    """Analyses every table that is twice as large as the last time it was, and names them; in a session that commits by itself.

    A burst fills tables that were empty a moment ago. Until the server looks, within a minute, each statement that was planned for
    the empty ones reads all of their rows: with thousands of runs begun at once, 63 million of them.
    """
    grown = await rows(
        session,
        """
        select s.relname as name from pg_stat_user_tables s join pg_class c on c.oid = s.relid
        where s.schemaname = 'tieout' and s.n_live_tup > 2 * greatest(%s, c.reltuples) order by 1
        """,
        (_FEW,),
    )
    for each in grown:
        columns = sql.SQL(f"({_COLUMNS[each['name']]})" if each["name"] in _COLUMNS else "")
        await session.execute(sql.SQL("analyze (skip_locked) {} {}").format(sql.Identifier(each["name"]), columns))
    return [each["name"] for each in grown]
