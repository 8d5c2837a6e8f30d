"""W2: the time of a simulated firm, offered in pages of 200, to ERPs that take 500 at once; then the same again."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

from tieout.connectors.contract import Connector, Write
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import caught_up
from tieout.engine.worker import Worker
from tieout.flows.approved_time import approved_time
from tieout.flows.catalogue import FLOWS
from tieout.sandbox.workload.booked import book
from tieout.sandbox.workload.files import Made, make
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.shape import Shape
from tieout.sandbox.workload.source import SimulatedPsa
from tieout.store import cursors, runs
from tieout.store.database import row
from tieout.systems.systems import systems_for

from .crowd import crowd, kill_who
from .far_erp import FarErp, far_erps
from .ground import Ground, ground, now, until
from .measuring import Figure, Watch

ENTRIES, SEED = 100_000, 7
# Entries of a person in a month, about.
EACH = 64
PSA, _WORKER, PATIENCE = "kantata", "benchmark", 1_800
_COLUMNS = (
    "source_id",
    "source_version",
    "project",
    "task",
    "person",
    "work_date",
    "minutes",
    "rate",
    "currency",
    "state",
)

# What is done when all of the month is rated.
Afterwards = Callable[[Ground, Intake, dict[str, Connector]], Awaitable[None]]


async def measure(entries: int = ENTRIES, workers: int = 0, killed: int = 0) -> list[Figure]:
    """With `workers`, once, by so many processes; with `killed`, the one that is delivering when half is there is killed."""
    if workers:
        return [await _by_several(entries, workers, killed)]
    firm = SimulatedFirm(Shape(max(1, entries // EACH), 1, SEED))
    made = make(firm, None, "jsonl")
    states = made.states.total()
    people = [each["person"] for each in firm.people()]
    async with ground() as on, far_erps(on, people, "erp-us", "erp-de", "floor") as (us, de, bare):
        ledgers = [us, de]
        await book(on.database, firm, PSA, now())
        async with on.database.session() as session:  # as the server would within the minute
            await session.execute("analyze")
        first = await run(on, SimulatedPsa(PSA, firm), made, ledgers)
        calls = await prove(on, made, ledgers)
        async with on.database.transaction() as tx:
            await cursors.advance(tx, PSA, "time_entry", "", now())
        second = await run(on, SimulatedPsa(PSA, firm), made, ledgers)
        assert (second["new"], await prove(on, made, ledgers)) == (0, calls), second
        floors = [await _floor(on, firm, bare, states) for _ in range(2)]
    return [
        _figure(f"{made.entries:,} entries in {states:,} states of seed {SEED}: first run", states, first, floors[0]),
        _figure("the same again, nothing delivered", states, second, floors[1]),
    ]


async def _by_several(entries: int, workers: int, killed: int) -> Figure:
    firm = SimulatedFirm(Shape(max(1, entries // EACH), 1, SEED))
    made = make(firm, None, "jsonl")
    states, people = made.states.total(), [each["person"] for each in firm.people()]
    async with ground() as on, far_erps(on, people, "erp-us", "erp-de") as ledgers:
        await book(on.database, firm, PSA, now())
        async with on.database.session() as session:
            await session.execute("analyze")
        intake = Intake(on.database, now, [Feed(SimulatedPsa(PSA, firm), "time_entry", approved_time)])
        async with crowd(on, workers, ledgers, people, date(2026, 2, 20)) as fleet:
            pids = {f"worker {number}": each.pid for number, each in enumerate(fleet, 1)}
            watch = Watch(hub=os.getpid(), postgres=on.postgres, **pids)
            async with asyncio.TaskGroup() as work:
                work.create_task(intake.sweep(intake.feeds[0]))
                if killed:
                    work.create_task(kill_who(lambda: _delivers(on, entries // 2), fleet, PATIENCE))
            await until(lambda: caught_up(on.database), PATIENCE, "all of the month in the ERPs")
            seconds, cpu = watch.wall, {} if killed else watch.each(states)
        await prove(on, made, ledgers, again=killed > 0)
        told = [await each.counted() for each in ledgers]
    one = {"hub": sum(cpu.values()) - cpu["postgres"], "postgres": cpu["postgres"]} if cpu else {}
    again = sum(each["asked"] - each["lines"] for each in told)
    ends = ", the one that delivered killed in the middle" if killed else ""
    name = f"{made.entries:,} entries in {states:,} states by {workers} workers{ends}"
    return Figure(name, states / seconds, "entries/s", cpu=one, detail={"seconds": seconds, "lines sent again": again})


async def _delivers(on: Ground, count: int) -> str:
    """The worker that is delivering, once so many entries are delivered; none before."""
    async with on.database.statement() as tx:
        found = await row(
            tx,
            """
            select max(worker) as worker from run where flow = 'time_to_erp' and state = 'running'
              and (select count(*) from time_entry where delivered_id <> '') >= %s
            """,
            (count,),
        )
    return found["worker"] or "" if found else ""


def _figure(name: str, states: int, told: Mapping[str, Any], floor: Mapping[str, Any]) -> Figure:
    floor_is = "the same states made, inserted in pages of 200 unless they are there, and sent in arrays of 500"
    detail = {
        "seconds": told["seconds"], "of these until all were taken in": told["intake"],
        **{f"CPU of the floor's {party}, ms": spent for party, spent in floor["cpu"].items()},
        "most memory of the hub so far, MB": told["memory_mb"],
    }  # fmt: skip
    return Figure(name, states / told["seconds"], "entries/s", states / floor["seconds"], floor_is, told["cpu"], detail)


async def run(
    on: Ground, source: SimulatedPsa, made: Made, ledgers: list[FarErp], afterwards: Afterwards | None = None
) -> dict[str, Any]:
    """Sweeps and works; does what comes `afterwards` when all is rated, with the intake and the connections; until nothing is left."""
    connections: dict[str, Connector] = {PSA: source, **{each.name: each for each in ledgers}}
    intake = Intake(on.database, now, [Feed(source, "time_entry", approved_time)])
    systems = systems_for(connections, now)
    executor = Executor(on.database, now, lambda: date(2026, 2, 20), FLOWS, systems, lambda: on.firm, _WORKER)
    async with Worker(on.database, now, executor, _WORKER).running():
        watch = Watch(hub=os.getpid(), postgres=on.postgres)
        new = await intake.sweep(intake.feeds[0])
        taken = watch.wall
        await until(lambda: _rated(on), PATIENCE, "all of the month rated")
        rated = watch.wall
        if afterwards is not None:
            await afterwards(on, intake, connections)
        await until(lambda: caught_up(on.database), PATIENCE, "all of the month in the ERPs")
        seconds, cpu = watch.wall, watch.each(made.states.total())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": seconds, "cpu": cpu, "new": new, "intake": taken, "rated": rated, "memory_mb": memory}


async def _rated(on: Ground) -> bool:
    async with on.database.statement() as tx:
        return not await runs.under_way(tx, "approved_time", PSA)


async def prove(on: Ground, made: Made, ledgers: Sequence[FarErp], *, again: bool = False) -> int:
    """Every clean entry is there with its minutes, every dirty one waits for its own reason, nothing is missing, no ERP has a line
    that was not delivered, and none was told one twice, unless somebody died (`again`); in how many calls."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select count(*) as entries,
                   count(*) filter (where state = 'approved' and problem = '' and (delivered_id = '' or delivered_minutes <> minutes))
                     as undelivered,
                   count(*) filter (where (state <> 'approved' or problem <> '') and delivered_id <> '') as wrong,
                   count(*) filter (where problem <> '') as held,
                   sum(deliveries) as deliveries,
                   (select count(*) from message where state in ('received', 'in_flight')) as open,
                   (select coalesce(sum(abs(missing) + abs(missing_minor)), 0) from conservation) as missing
            from time_entry
            """,
        )
    assert found is not None
    held, deliveries = found.pop("held"), found.pop("deliveries")
    assert 0 < held <= made.dirty.total(), (held, made.dirty)
    assert found == {"entries": made.entries, "undelivered": 0, "wrong": 0, "open": 0, "missing": 0}, found
    counted = [await each.counted() for each in ledgers]
    assert sum(each["lines"] for each in counted) == deliveries, (counted, deliveries)
    assert again or all(each["lines"] == each["asked"] for each in counted), counted
    return sum(each["calls"] for each in counted)


async def _floor(on: Ground, firm: SimulatedFirm, erp: FarErp, states: int) -> dict[str, Any]:
    waiting, since, more = list[dict[str, Any]](), None, True
    source, number = SimulatedPsa(PSA, firm), 0
    columns = ", ".join(f"{each} text" for each in _COLUMNS)
    async with on.database.transaction() as tx:
        await tx.execute(f"create table if not exists floor ({columns}, primary key (source_id, source_version))")  # type: ignore[arg-type]
    watch = Watch(hub=os.getpid(), postgres=on.postgres)
    while more:
        page = await source.changes("time_entry", since)
        records = [each.record for each in page.changes if each.record is not None]
        async with on.database.transaction() as tx:
            arrays = ", ".join("%s::text[]" for _ in _COLUMNS)
            found = await tx.execute(
                f"insert into floor select * from unnest({arrays}) on conflict do nothing returning source_id",  # type: ignore[arg-type]  # noqa: S608
                [[str(each[name]) for each in records] for name in _COLUMNS],
            )
            fresh = {each["source_id"] for each in await found.fetchall()}
        waiting += [
            {"uuid": each["source_id"], "note": each["notes"], **each} for each in records if each["source_id"] in fresh
        ]
        since, more = page.cursor, page.more
        while len(waiting) >= 500 or (waiting and not more):
            number, batch, waiting = number + 1, waiting[:500], waiting[500:]
            await erp.send(
                "time.deliver", await erp.prepare(Write("time.deliver", f"floor/{number}", "1", {"entries": batch}))
            )
    return {"seconds": watch.wall, "cpu": watch.each(states)}
