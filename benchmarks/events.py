"""W1: one approved time entry after the other rings → stored → read again → priced → delivered over HTTP to a null ERP."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tieout.api.belfry import Belfry
from tieout.connectors.contract import Connector
from tieout.domain.identity import Ref
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import Rounds, caught_up
from tieout.engine.worker import Worker
from tieout.flows.approved_time import approved_time
from tieout.flows.catalogue import FLOWS
from tieout.store import bells
from tieout.store.bells import Ring
from tieout.store.database import row
from tieout.systems.systems import systems_for
from tieout.testing.null_erp import NullErp

from .crowd import crowd
from .deals import Writer
from .far_erp import FarErp, far_erps
from .ground import Ground, ground, now, until
from .measuring import Figure, Watch, percentile, spread
from .timesheets import PSA, Entries, book, tasks_of

EVENTS = 10_000
_PROJECTS, _CALLERS, _AGAIN = 50, 32, 50
_WORKER, _PATIENCE = "benchmark", 600


class Told(Entries):
    """The entries are told by nobody but the bell."""

    async def look(self, ref: Ref) -> Any:
        return self.change(int(ref.id) - 1)


async def measure(events: int = EVENTS, workers: int = 0) -> list[Figure]:
    """One event of fifty rings twice. With `workers`, what comes is worked off by so many processes, and answered here."""
    if workers:
        return [await _by_several(events, workers)]
    people = [f"K{number:03}" for number in range(1, 201)]
    async with ground() as on, far_erps(on, people, "erp-us", "floor") as (us, bare):
        booked = await book(on.database, NullErp("erp-us", people), "US", _PROJECTS)
        source = Told(events, tasks_of(booked), people, 200)
        connections: dict[str, Connector] = {PSA: source, "erp-us": us, "erp-de": NullErp("erp-de", people)}
        intake = Intake(on.database, now, [Feed(source, "time_entry", approved_time)])
        executor = Executor(
            on.database, now, lambda: date(2026, 10, 20), FLOWS, systems_for(connections, now), lambda: on.firm, _WORKER
        )
        answering = Rounds(on.database, now, date.today, intake, connections, _nothing, every=timedelta(hours=1))
        async with Worker(on.database, now, executor, _WORKER).running():
            following = asyncio.create_task(_follow(answering))
            watch = Watch(hub=os.getpid(), postgres=on.postgres)
            waited = await _rung(on, answering, events)
            accepted = watch.wall
            await until(lambda: caught_up(on.database), _PATIENCE, f"{events} entries in the ERP")
            seconds, cpu = watch.wall, watch.each(events)
            following.cancel()
        await _prove(on, events, us)
        watch.reset()
        await _floor(on, source, events, bare)
        floor, floor_cpu = watch.wall, watch.each(events)
        assert (await bare.counted())["lines"] == events
    floor_is = f"a row committed, in groups, and the event sent to the same ERP by HTTP, alone; {_CALLERS} at once"
    beside = {f"CPU of the floor's {party}, ms": spent for party, spent in floor_cpu.items()}
    waits = {each: 1000 * value if each != "count" else value for each, value in spread(waited).items()}
    return [
        Figure(f"{events:,} rings accepted", events / accepted, "events/s", events / floor, floor_is),
        Figure("the same, p99 until it is durable", 1000 * percentile(waited, 0.99), "ms", detail=waits),
        Figure(
            "the same, delivered", events / seconds, "events/s", events / floor, floor_is, cpu,
            {"seconds": seconds, **beside},
        ),
    ]  # fmt: skip


async def _by_several(events: int, workers: int) -> Figure:
    people = [f"K{number:03}" for number in range(1, 201)]
    async with ground() as on, far_erps(on, people, "erp-us") as (us,):
        booked = await book(on.database, NullErp("erp-us", people), "US", _PROJECTS)
        source = Told(events, tasks_of(booked), people, 200)
        intake = Intake(on.database, now, [Feed(source, "time_entry", approved_time)])
        answering = Rounds(on.database, now, date.today, intake, {PSA: source}, _nothing, every=timedelta(hours=1))
        async with crowd(on, workers, [us], people, date(2026, 10, 20)) as fleet:
            following = asyncio.create_task(_follow(answering))
            pids = {f"worker {number}": each.pid for number, each in enumerate(fleet, 1)}
            watch = Watch(hub=os.getpid(), postgres=on.postgres, **pids)
            await _rung(on, answering, events)
            accepted = watch.wall
            await until(lambda: caught_up(on.database), _PATIENCE, f"{events} entries in the ERP")
            seconds, cpu = watch.wall, watch.each(events)
            following.cancel()
        await _prove(on, events, us)
    one = {"hub": sum(cpu.values()) - cpu["postgres"], "postgres": cpu["postgres"]}
    detail = {"seconds": seconds, "accepted, events/s": events / accepted}
    return Figure(
        f"{events:,} rings delivered by {workers} workers", events / seconds, "events/s", cpu=one, detail=detail
    )


async def _nothing(*_: Any) -> Sequence[Any]:
    return ()


async def _follow(rounds: Rounds) -> None:
    while True:
        if not await rounds.answer_bells():
            await asyncio.sleep(0.05)


async def _rung(on: Ground, rounds: Rounds, events: int) -> list[float]:
    """Through the hub's own belfry, from 32 callers; seconds until each was durable."""

    async def commit(group: Sequence[Ring]) -> None:
        async with on.database.transaction() as tx:
            await bells.store(tx, group)

    belfry, waited = Belfry(commit, rounds.bell.ring), list[float]()
    numbers = iter(range(events))

    async def some() -> None:
        for number in numbers:
            ring = Ring(PSA, f"event-{number}", [("time_entry", str(number + 1))], now())
            began = time.perf_counter()
            await belfry.ring(ring)
            waited.append(time.perf_counter() - began)
            if number % _AGAIN == 0:
                await belfry.ring(ring)

    await asyncio.gather(*(some() for _ in range(_CALLERS)))
    return waited


async def _prove(on: Ground, events: int, erp: FarErp) -> None:
    """Nothing lost, nothing twice."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from time_entry where delivered_id <> '' and delivered_minutes = minutes) as there,
                   (select count(*) from message where state = 'done') as done,
                   (select count(*) from bell where answered_at is null) as unanswered,
                   (select coalesce(sum(abs(missing)), 0)::integer from conservation) as missing
            """,
        )
    assert found == {"there": events, "done": events, "unanswered": 0, "missing": 0}, found
    counted = await erp.counted()
    assert (counted["lines"], counted["asked"]) == (events, events), counted


async def _floor(on: Ground, source: Told, events: int, erp: FarErp) -> None:
    async with on.database.transaction() as tx:
        await tx.execute("create table floor (deal integer, step integer, body text, primary key (deal, step))")
    writer, numbers = Writer(on), iter(range(events))

    async def some() -> None:
        for number in numbers:
            change = source.change(number)
            assert change.record is not None
            await writer.commit((number, 0, str(change.record)))
            line = {"uuid": change.ref.id, "note": change.record["notes"], "minutes": change.record["minutes"]}
            await erp.send("time.deliver", json.dumps({"entries": [line]}).encode())

    await asyncio.gather(*(some() for _ in range(_CALLERS)))
