"""Runs that are over, any number in one transaction: their story, what they cost, their messages and their holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Json

from tieout.store import forecast, holds
from tieout.store.database import Tx, rows
from tieout.store.runs import Step


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended for which nothing more is to be done, and nobody has to know: `state` is done or ignored.

    `costs` are calls and lines by connection (store.forecast).
    """

    run_id: str
    generation: int
    worker: str
    flow: str
    subject: str
    state: str
    reason: str
    now: datetime
    story: Sequence[Step]
    costs: Mapping[str, tuple[int, int]]


async def end(tx: Tx, endings: Sequence[Ending]) -> list[None]:
    """Writes them down, each run once; nothing of a run that another worker took over meanwhile and has the say."""
    mine = await _mine(tx, endings)
    over = [each for each in endings if each.run_id in mine]
    if over:
        await _tell(tx, over)
        await _settle(tx, over)
        for hour, ended in _by_hour(over).items():
            await forecast.learn(tx, [(each.flow, each.costs) for each in ended], hour)
        await holds.close_all(tx, [(each.flow, each.subject) for each in over], now=over[-1].now)
    return [None] * len(endings)


async def _mine(tx: Tx, endings: Sequence[Ending]) -> set[str]:
    """Which of the runs their workers still have; locked, so that the answer stays true until the transaction ends."""
    found = await rows(
        tx,
        """
        select r.id from run r join json_to_recordset(%s) as d(id text, generation integer, worker text)
          on r.id = d.id and r.generation = d.generation and r.worker = d.worker
        where r.state = 'running' order by r.id for update of r
        """,
        (Json([{"id": each.run_id, "generation": each.generation, "worker": each.worker} for each in endings]),),
    )
    return {each["id"] for each in found}


async def _tell(tx: Tx, over: Sequence[Ending]) -> None:
    told = [
        (each.run_id, each.generation, position, step.title, step.started_at.isoformat(), step.ended_at.isoformat(),
         step.outcome, step.detail)
        for each in over
        for position, step in enumerate(each.story)
    ]  # fmt: skip
    await tx.execute(
        """
        insert into step (run_id, generation, position, title, started_at, ended_at, outcome, detail)
        select s->>0, (s->>1)::integer, (s->>2)::integer, s->>3, (s->>4)::timestamptz, (s->>5)::timestamptz, s->>6, s->>7
        from json_array_elements(%s) s
        on conflict (run_id, generation, position) do update
        set title = excluded.title, started_at = excluded.started_at, ended_at = excluded.ended_at,
            outcome = excluded.outcome, detail = excluded.detail
        """,
        (Json(told),),
    )


async def _settle(tx: Tx, over: Sequence[Ending]) -> None:
    """What became of a run becomes of its messages, except of those that the run itself has left with a person.

    They are looked up run by run (`offset 0`), and then by their ids: as a join, the server would read all messages of all runs.
    """
    told = [
        {"id": each.run_id, "state": each.state, "reason": each.reason, "now": each.now.isoformat()} for each in over
    ]
    await tx.execute(
        """
        with d as materialized (
          select * from json_to_recordset(%s) as d(id text, state text, reason text, now timestamptz)
        ), ended as (
          update run r set state = d.state, reason = d.reason, ended_at = d.now from d where r.id = d.id
        )
        update message m set state = d.state, reason = d.reason, settled_at = d.now
        from d where m.run_id = d.id and m.id = any(array(
          select i.id from d cross join lateral (
            select id from message where run_id = d.id and state = 'in_flight' offset 0
          ) i))
        """,
        (Json(told),),
    )


def _by_hour(over: Sequence[Ending]) -> dict[datetime, list[Ending]]:
    """By the hour: what work costs is kept in hours."""
    found: dict[datetime, list[Ending]] = {}
    for each in over:
        found.setdefault(each.now.replace(minute=0, second=0, microsecond=0), []).append(each)
    return found
