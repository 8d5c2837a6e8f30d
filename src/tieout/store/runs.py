"""Runs: one per flow, subject and source version, with what became of it; engines start and end them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Json

from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a run's story."""

    title: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A run to be done."""

    id: str
    flow: str
    subject: str
    version: str
    lane: str
    engagement: str | None = None
    backfill: bool = False


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
    await queue_all(tx, [Queued(run_id, flow, subject, version, lane, engagement, backfill)], now)


async def queue_all(tx: Tx, wanted: Sequence[Queued], now: datetime) -> None:
    """The same for several, in the order in which they come; whoever waits for work hears of it (`work_told`)."""
    await tx.execute(
        """
        with told as (select pg_notify('work', '')), q as materialized (
          select q.*, row_number() over () as position from json_to_recordset(%(wanted)s) as q(id text, flow text,
            subject text, version text, lane text, engagement text, backfill boolean)
        ), pulled as (
          update run set backfill = false
          where run.backfill and state in ('queued', 'retrying') and not handed_over
            and lane in (select lane from q where not q.backfill)
        )
        insert into run (id, flow, subject, version, lane, engagement, state, not_before, created_at, backfill)
        select id, flow, subject, version, lane, engagement, 'queued', %(now)s, %(now)s, backfill from q, told order by position
        on conflict (id) do nothing
        """,
        {"now": now, "wanted": Json([asdict(each) for each in wanted])},
    )


async def work_told(session: Tx, most: float) -> bool:
    """Whether runs were queued since the session listens, or within so many seconds. Raises when the connection is lost."""
    async for _ in session.notifies(timeout=most, stop_after=1):
        return True
    return False


# So many back-fill runs of each worker at most are with the engine: behind more of them, what is pressing would find no place.
_BACKFILL = 6


# One hand at a time: whoever hands over must see what the hand before it did, or two runs of one lane would be at work.
_HAND = 7327

# The first by a sub-select, which is a step down an index whatever the server thinks of the table; a comparison with all others
# of the lane was one of all with all as long as it knew nothing.
_FIRST_IN_LINE = """
  not exists (select from run w where w.lane = r.lane and w.handed_over and w.state in ('queued', 'retrying', 'running'))
  and r.id = (
    select f.id from run f where f.lane = r.lane and f.state in ('queued', 'retrying') and not f.handed_over
    order by f.not_before, f.sequence limit 1)"""


async def share(tx: Tx, now: datetime) -> int:
    """How many of the runs that are due are for one worker, when all workers take the same."""
    found = await row(
        tx,
        """
        select ceil(count(*) / greatest(1.0, (select count(*) from worker where gone_at is null)))::integer as n from (
          select from run where state in ('queued', 'retrying') and not handed_over and not_before <= %s limit 1000) due
        """,
        (now,),
    )
    return found["n"] if found else 0


async def due(tx: Tx, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Runs to hand to the engine, locked against a second hand; back-fill after everything else, and a few at a time.

    Runs of a lane are serial: only the first in line of each is there, and none of a lane that has one at work.
    """
    await tx.execute("select pg_advisory_xact_lock(%s)", (_HAND,))
    pressing = await rows(
        tx,
        f"""
        select id, generation, lane from run r
        where state in ('queued', 'retrying') and not handed_over and not_before <= %s and not backfill and {_FIRST_IN_LINE}
        order by not_before, sequence limit %s for update skip locked
        """,  # noqa: S608 - a literal of this module
        (now, limit),
    )
    if len(pressing) == limit:
        return pressing
    filling = await rows(
        tx,
        f"""
        select id, generation, lane from run r
        where state in ('queued', 'retrying') and not handed_over and not_before <= %(now)s and backfill and {_FIRST_IN_LINE}
        order by not_before, sequence
        limit least(%(limit)s, greatest(0,
          %(most)s * (select greatest(count(*), 1) from worker where gone_at is null)
          - (select count(*) from run where backfill and handed_over and state in ('queued', 'retrying', 'running'))))
        for update skip locked
        """,  # noqa: S608 - a literal of this module
        {"now": now, "limit": limit - len(pressing), "most": _BACKFILL},
    )
    return [*pressing, *filling]


async def handed_over(tx: Tx, ids: Sequence[str], lot: str = "", worker: str = "") -> None:
    """These runs are with the engine: in a lot of this worker's, or taken by hand."""
    await tx.execute(
        """
        update run set handed_over = true, lot = nullif(%s, ''), worker = coalesce(nullif(%s, ''), worker) where id = any(%s)
        """,
        (lot, worker, list(ids)),
    )


async def of_lot(tx: Tx, lot: str) -> list[dict[str, Any]]:
    """What of a lot is not over: id, generation, and how many workers have ended at it when it is started now.

    Nothing of a lot whose hand-over was never committed; one that is just being committed is waited for.
    """
    await tx.execute("select pg_advisory_xact_lock(%s)", (_HAND,))
    return await rows(
        tx,
        f"""
        select id, generation, {_DEATHS} as deaths from run
        where lot = %s and handed_over and state in ('queued', 'retrying', 'running') order by not_before, sequence
        """,  # noqa: S608 - a literal of this module
        (lot,),
    )


# How many workers have ended at a run when it is started now. A run that is taken up while it is at work was left behind;
# unless its worker was told to stop, it ended at this run.
_DEATHS = """
  deaths + (state = 'running' and not exists (
    select from worker w where w.id = run.worker and w.told_to_stop))::integer"""


async def start(tx: Tx, wanted: Sequence[tuple[str, int]], worker: str, now: datetime) -> list[dict[str, Any]]:
    """Takes runs (id, generation) for working on; those are left out of which there is nothing to do: finished, superseded, or
    a newer try is queued.

    The attempt is counted before the work, and so is the death of a worker that was at it (`deaths`). Other runs of the
    same subject that are older and not finished end here: this one reads the newer state. `sequence` is the order of the
    source's versions, not of arrival: a state that comes after a newer one gets no run (messages.record).
    """
    begun = await rows(
        tx,
        f"""
        update run set state = 'running', worker = %s, attempts = attempts + 1, started_at = %s, reason = '', deaths = {_DEATHS},
               firm_version = case when as_of is not null then firm_version else (
                 select version from firm_version order by applied_at desc, version desc limit 1) end
        from unnest(%s::text[], %s::integer[]) w(wanted_id, wanted_generation)
        where id = wanted_id and generation = wanted_generation and state in ('queued', 'retrying', 'running')
        returning run.*
        """,  # noqa: S608 - a literal of this module
        (worker, now, [id_ for id_, _ in wanted], [generation for _, generation in wanted]),
    )
    if begun:
        await _supersede(tx, [each["id"] for each in begun], now)
    return begun


async def _supersede(tx: Tx, ids: Sequence[str], now: datetime) -> None:
    await tx.execute(
        """
        with older as (
          update run o set state = 'ignored', reason = 'superseded by a newer state', ended_at = %(now)s
          from run r where r.id = any(%(ids)s) and o.flow = r.flow and o.subject = r.subject and o.sequence < r.sequence
            and o.state in ('queued', 'retrying', 'held', 'waiting')
          returning o.id
        )
        update message m set state = 'ignored', reason = 'superseded by a newer state', settled_at = %(now)s
        from older where m.run_id = older.id and m.state in ('in_flight', 'held')
        """,
        {"now": now, "ids": list(ids)},
    )


async def deaths(tx: Tx, run_id: str) -> int:
    """How many workers have ended at a run when it is started now."""
    found = await row(
        tx,
        f"select {_DEATHS} as deaths from run where id = %s",  # noqa: S608 - a literal of this module
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
    """Whether a newer run of the same flow, about the same connection, waits to be begun, in whatever lane."""
    found = await row(
        tx,
        """
        select 1 as one from run r
        join run n on n.sequence > r.sequence and n.flow = r.flow and split_part(n.subject, '/', 1) = split_part(r.subject, '/', 1)
        where r.id = %s and n.state in ('queued', 'retrying') limit 1
        """,
        (run_id,),
    )
    return found is not None


async def under_way(tx: Tx, flow: str, connection: str) -> bool:
    """Whether a run of a flow about records of this connection is not over yet."""
    found = await row(
        tx,
        """
        select 1 as one from run where flow = %s and starts_with(subject, %s) and state in ('queued', 'running', 'retrying') limit 1
        """,
        (flow, f"{connection}/"),
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
        where id = %s and (state in ('held', 'waiting') or (%s and state in ('done', 'ignored')))
        returning id, pg_notify('work', '')
        """,
        (now, run_id, finished),
    )
    return found is not None


async def waiting_for(tx: Tx, flow: str, subject: str) -> list[str]:
    """Runs of a subject that wait for an approval."""
    found = await rows(tx, "select id from run where flow = %s and subject = %s and state = 'waiting'", (flow, subject))
    return [each["id"] for each in found]


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
