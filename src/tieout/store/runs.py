"""Runs: one per flow, subject and source version, with what became of it; engines start and end them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a run's story."""

    title: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str = ""


async def queue(
    tx: Tx,
    run_id: str,
    *,
    flow: str,
    subject: str,
    version: str,
    lane: str,
    now: datetime,
    engagement: str | None = None,
    backfill: bool = False,
) -> None:
    """A new run, or the one that is there already: its id is the idempotency key.

    What is pressing never overtakes back-fill of its own lane: it makes it as pressing.
    """
    await tx.execute(
        """
        with pulled as (
          update run set backfill = false
          where not %(backfill)s and lane = %(lane)s and backfill and state in ('queued', 'retrying') and not handed_over
        )
        insert into run (id, flow, subject, version, lane, engagement, state, not_before, created_at, backfill)
        values (%(id)s, %(flow)s, %(subject)s, %(version)s, %(lane)s, %(engagement)s, 'queued', %(now)s, %(now)s, %(backfill)s)
        on conflict (id) do nothing
        """,
        {
            "id": run_id, "flow": flow, "subject": subject, "version": version, "lane": lane, "engagement": engagement,
            "now": now, "backfill": backfill,
        },
    )  # fmt: skip


# So many back-fill runs of each worker at most are with the engine: behind more of them, what is pressing would find no place.
_BACKFILL = 6


async def due(tx: Tx, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Runs to hand to the engine, locked against a second hand; back-fill after everything else, and a few at a time."""
    pressing = await rows(
        tx,
        """
        select id, generation, lane from run
        where state in ('queued', 'retrying') and not handed_over and not_before <= %s and not backfill
        order by not_before, sequence limit %s for update skip locked
        """,
        (now, limit),
    )
    filling = await rows(
        tx,
        """
        select id, generation, lane from run
        where state in ('queued', 'retrying') and not handed_over and not_before <= %(now)s and backfill
        order by not_before, sequence
        limit least(%(limit)s, greatest(0,
          %(most)s * (select greatest(count(*), 1) from worker where gone_at is null)
          - (select count(*) from run where backfill and handed_over and state in ('queued', 'retrying', 'running'))))
        for update skip locked
        """,
        {"now": now, "limit": limit - len(pressing), "most": _BACKFILL},
    )
    return [*pressing, *filling]


async def handed_over(tx: Tx, ids: Sequence[str]) -> None:
    await tx.execute("update run set handed_over = true where id = any(%s)", (list(ids),))


async def start(tx: Tx, run_id: str, generation: int, worker: str, now: datetime) -> dict[str, Any] | None:
    """Takes a run for working on, or None when there is nothing to do: finished, superseded, or a newer try is queued.

    The attempt is counted before the work, and so is the death of a worker that was at it (`deaths`). Other runs of the
    same subject that are older and not finished end here: this one reads the newer state. `sequence` is the order of the
    source's versions, not of arrival: a state that comes after a newer one gets no run (messages.record).
    """
    died = await deaths(tx, run_id)
    run = await row(
        tx,
        """
        update run set state = 'running', worker = %s, attempts = attempts + 1, started_at = %s, reason = '', deaths = %s,
               firm_version = case when as_of is not null then firm_version else (
                 select version from firm_version order by applied_at desc, version desc limit 1) end
        where id = %s and generation = %s and state in ('queued', 'retrying', 'running')
        returning *
        """,
        (worker, now, died, run_id, generation),
    )
    if run is None:
        return None
    older = await rows(
        tx,
        """
        update run set state = 'ignored', reason = 'superseded by a newer state', ended_at = %s
        where flow = %s and subject = %s and sequence < %s and state in ('queued', 'retrying', 'held', 'waiting')
        returning id
        """,
        (now, run["flow"], run["subject"], run["sequence"]),
    )
    for each in older:
        await tx.execute(
            """
            update message set state = 'ignored', reason = 'superseded by a newer state', settled_at = %s
            where run_id = %s and state in ('in_flight', 'held')
            """,
            (now, each["id"]),
        )
    return run


async def deaths(tx: Tx, run_id: str) -> int:
    """How many workers have ended at a run when it is started now.

    A run that is taken up while it is at work was left behind; unless its worker was told to stop, it ended at this run.
    """
    found = await row(
        tx,
        """
        select deaths + (state = 'running' and not exists (
          select from worker w where w.id = run.worker and w.told_to_stop))::integer as deaths
        from run where id = %s
        """,
        (run_id,),
    )
    return found["deaths"] if found else 0


async def accused(tx: Tx, run_id: str, generation: int) -> bool:
    """Whether a worker has ended at a run that is still to be worked off in this generation."""
    if not await deaths(tx, run_id):
        return False
    found = await row(
        tx,
        "select 1 from run where id = %s and generation = %s and state in ('queued', 'retrying', 'running')",
        (run_id, generation),
    )
    return found is not None


async def followed(tx: Tx, run_id: str) -> bool:
    """Whether a newer run of the same flow waits behind this one in its lane."""
    found = await row(
        tx,
        """
        select 1 as one from run r join run n on n.sequence > r.sequence and n.flow = r.flow and n.lane = r.lane
        where r.id = %s and n.state in ('queued', 'retrying') limit 1
        """,
        (run_id,),
    )
    return found is not None


async def unbegun(
    tx: Tx, flow: str, lane: str, *, subject: str | None = None, backfill: bool = False
) -> dict[str, Any] | None:
    """The newest run of a flow and lane, and of a subject, that nobody has begun, and how many messages it has; locked, so that
    it begins after this transaction. Looked for among the newest thousand runs."""
    return await row(
        tx,
        """
        select id, (select count(*) from message m where m.run_id = run.id)::integer as messages from run
        where sequence > (select max(sequence) from run) - 1000 and flow = %s and lane = %s and state = 'queued' and attempts = 0
          and backfill = %s and subject = coalesce(%s, subject)
        order by sequence desc limit 1 for update skip locked
        """,
        (flow, lane, backfill, subject),
    )


async def still_mine(tx: Tx, run_id: str, generation: int, worker: str) -> bool:
    """Whether this worker still has the run; locks it, so that the answer stays true until the transaction ends."""
    found = await row(
        tx,
        "select 1 as one from run where id = %s and generation = %s and worker = %s and state = 'running' for update",
        (run_id, generation, worker),
    )
    return found is not None


async def end(tx: Tx, run_id: str, state: str, reason: str, now: datetime) -> None:
    await tx.execute(
        "update run set state = %s, reason = %s, ended_at = %s where id = %s", (state, reason, now, run_id)
    )


async def again(tx: Tx, run_id: str, *, at: datetime, state: str, reason: str, reset: bool = False) -> None:
    """The next generation of a run, from a moment on; `reset` forgets the failed attempts (a person released it)."""
    await tx.execute(
        """
        update run set state = %(state)s, reason = %(reason)s, not_before = %(at)s, generation = generation + 1,
               handed_over = false,
               attempts = case when %(reset)s then 0 else attempts end, deaths = case when %(reset)s then 0 else deaths end
        where id = %(id)s
        """,
        {"state": state, "reason": reason, "at": at, "reset": reset, "id": run_id},
    )


async def give_back(tx: Tx, run_id: str, generation: int, worker: str, now: datetime, reason: str) -> None:
    """Lets a run that this worker could not work off begin again, unless another one has it that is there."""
    died = await deaths(tx, run_id)
    await tx.execute(
        """
        update run set state = 'retrying', reason = %(reason)s, not_before = %(now)s, generation = generation + 1,
               handed_over = false, deaths = case when worker = %(worker)s then deaths else %(died)s end
        where id = %(id)s and generation = %(generation)s and (
          state in ('queued', 'retrying') or state = 'running' and (
            worker = %(worker)s or not exists (select from worker w where w.id = run.worker and w.gone_at is null)))
        """,
        {"worker": worker, "reason": reason, "now": now, "id": run_id, "generation": generation, "died": died},
    )


async def release(tx: Tx, run_id: str, now: datetime, finished: bool) -> bool:
    """Lets a run that waits for a person go on, with `finished` also one that is over; False when it is at work."""
    found = await row(
        tx,
        """
        update run set state = 'queued', reason = '', not_before = %s, generation = generation + 1, handed_over = false,
               attempts = 0, deaths = 0, plan = null, as_of = null
        where id = %s and (state in ('held', 'waiting') or (%s and state in ('done', 'ignored'))) returning id
        """,
        (now, run_id, finished),
    )
    return found is not None


async def waiting_for(tx: Tx, flow: str, subject: str) -> list[str]:
    """Runs of a subject that wait for an approval."""
    found = await rows(tx, "select id from run where flow = %s and subject = %s and state = 'waiting'", (flow, subject))
    return [each["id"] for each in found]


async def held_of(tx: Tx, flow: str, engagement: str) -> list[str]:
    """Runs of a flow about an engagement that wait for a person."""
    found = await rows(
        tx, "select id from run where flow = %s and engagement = %s and state = 'held'", (flow, engagement)
    )
    return [each["id"] for each in found]


async def tell(tx: Tx, run_id: str, *, entity: str | None = None, engagement: str | None = None) -> None:
    """What a run found out about itself while it worked."""
    await tx.execute(
        "update run set entity = coalesce(%s, entity), engagement = coalesce(%s, engagement) where id = %s",
        (entity, engagement, run_id),
    )


async def steps(tx: Tx, run_id: str, generation: int, done: Sequence[Step]) -> None:
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into step (run_id, generation, position, title, started_at, ended_at, outcome, detail)
            values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (run_id, generation, position) do update
            set title = excluded.title, started_at = excluded.started_at, ended_at = excluded.ended_at,
                outcome = excluded.outcome, detail = excluded.detail
            """,
            [
                (run_id, generation, i, s.title, s.started_at, s.ended_at, s.outcome, s.detail)
                for i, s in enumerate(done)
            ],
        )


async def get(tx: Tx, run_id: str, *, lock: bool = False) -> dict[str, Any] | None:
    if lock:
        return await row(tx, "select * from run where id = %s for update", (run_id,))
    return await row(tx, "select * from run where id = %s", (run_id,))


async def taken(tx: Tx) -> list[dict[str, Any]]:
    """Runs that somebody is on or was about to begin, or that were left so by one that died."""
    return await rows(
        tx,
        """
        select id, generation, worker from run
        where state = 'running' or (state in ('queued', 'retrying') and handed_over) order by sequence
        """,
    )


async def next_moment(tx: Tx) -> datetime | None:
    """When the next run that waits for a moment is due."""
    found = await row(tx, "select min(not_before) as at from run where state in ('queued', 'retrying')")
    return found["at"] if found else None


async def unfinished(tx: Tx) -> int:
    """How many runs are neither finished nor waiting for a person."""
    found = await row(tx, "select count(*) as n from run where state in ('queued', 'running', 'retrying')")
    return found["n"] if found else 0


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


async def told_to_stop(tx: Tx, worker: str) -> None:
    """What this worker is at when it ends is not what it ended of."""
    await tx.execute("update worker set told_to_stop = true where id = %s", (worker,))


async def leave(tx: Tx, worker: str, now: datetime) -> None:
    await tx.execute("update worker set gone_at = %s where id = %s", (now, worker))
