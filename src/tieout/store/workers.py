"""Processes that work runs off: who is there, who was told to stop, and who is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, rows


async def enter(tx: Tx, worker: str, lock_key: int, now: datetime) -> None:
    """Also for one that was taken for gone and is not."""
    await tx.execute(
        """
        insert into worker (id, lock_key, started_at, seen_at) values (%s, %s, %s, %s)
        on conflict (id) do update set gone_at = null, seen_at = excluded.seen_at
        """,
        (worker, lock_key, now, now),
    )


async def beat(tx: Tx, worker: str, pool: Mapping[str, int], now: datetime) -> None:
    """A worker says that it is there, and how it uses its connections to the database."""
    await tx.execute("update worker set seen_at = %s, pool = %s where id = %s", (now, Jsonb(dict(pool)), worker))


async def present(tx: Tx) -> list[dict[str, Any]]:
    """Workers that have not been declared gone."""
    return await rows(tx, "select id, lock_key from worker where gone_at is null")


async def found_gone(session: Tx, myself: str) -> list[dict[str, Any]]:
    """Workers that have not been declared gone and whose lock is free; this session then has it, and no other one finds them."""
    return await rows(
        session,
        """
        with present as materialized (select id, lock_key from worker where gone_at is null and id <> %s)
        select id, lock_key from present where pg_try_advisory_lock(lock_key)
        """,
        (myself,),
    )


async def left_behind(session: Tx, myself: str) -> list[dict[str, Any]]:
    """Workers that were declared gone although somebody has yet to take up their lots, in the same way: whoever noticed them
    could not, because it was of an earlier version or lost the database meanwhile."""
    return await rows(
        session,
        """
        with gone as materialized (
          select id, lock_key from worker where gone_at is not null and id <> %s
            and id in (select executor_id from dbos.workflow_status where status = 'PENDING')
        )
        select id, lock_key from gone where pg_try_advisory_lock(lock_key)
        """,
        (myself,),
    )


async def told_to_stop(tx: Tx, worker: str) -> None:
    """What this worker is at when it ends is not what it ended of."""
    await tx.execute("update worker set told_to_stop = true where id = %s", (worker,))


async def leave(tx: Tx, worker: str, now: datetime) -> None:
    await tx.execute("update worker set gone_at = %s where id = %s", (now, worker))
