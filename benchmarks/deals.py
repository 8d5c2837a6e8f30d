"""W3: won deals → customer and project in CRM, PSA and ERP by the flow itself, durable at each step; many, and one alone."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from tieout.connectors.contract import Connector
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import caught_up
from tieout.engine.run import Run, flow
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS
from tieout.flows.opportunity_to_project import opportunity_to_project
from tieout.store import runs
from tieout.store.database import row
from tieout.systems.systems import Systems, systems_for
from tieout.testing.null_erp import NullErp

from . import fleet
from .ground import Ground, ground, now, until
from .measuring import Figure, Watch, percentile, spread
from .null_systems import NullCrm, NullPsa

DEALS, ALONE = 1_000, 60
_WORKER, _PATIENCE = "benchmark", 600
# Deals that the floor has under way at once.
_TOGETHER = 32


async def measure(deals: int = DEALS, workers: int = 0, killed: int = 0) -> list[Figure]:
    """With `workers`, by so many processes; without, here."""
    if workers:
        return await fleet.measure(deals, workers, killed)
    async with ground() as on:
        crm, psa, erp = NullCrm("salesforce"), NullPsa("kantata"), NullErp("erp-us", [])
        connections: dict[str, Connector] = {
            "salesforce": crm,
            "kantata": psa,
            "erp-us": erp,
            "erp-de": NullErp("erp-de", []),
        }
        intake = Intake(on.database, now, [Feed(crm, "opportunity", opportunity_to_project)])
        systems = systems_for(connections, now)
        flows = [*FLOWS, nothing]
        executor = Executor(on.database, now, lambda: date(2026, 10, 5), flows, systems, lambda: on.firm, _WORKER)
        async with Worker(on.database, now, executor, _WORKER).running():
            await intake.sweep(intake.feeds[0])  # what is there before the hub is back-fill
            watch = Watch(hub=os.getpid(), postgres=on.postgres)
            crm.won = deals
            await intake.sweep(intake.feeds[0])
            await until(lambda: caught_up(on.database), _PATIENCE, f"{deals} projects")
            seconds, cpu = watch.wall, watch.each(deals)
            empty, empty_cpu = await _empty(on, watch, deals)
            alone = [await _alone(on, intake, crm) for _ in range(ALONE)]
        steps = await _prove(on, deals + ALONE, crm, psa)
        floor = await _floor(on, deals, steps)
    floor_is = f"{steps} times, one after the other: a body made and read, a row committed; {_TOGETHER} deals at once"
    return [
        Figure(
            f"{deals:,} won deals → the {steps} calls of a kickoff", deals / seconds, "deals/s", deals / floor, floor_is, cpu,
            {"seconds": seconds},
        ),
        Figure(f"{deals:,} runs that do nothing: the engine alone", deals / empty, "deals/s", cpu=empty_cpu),
        Figure("a won deal alone, p99", percentile(alone, 0.99), "s", detail=spread(alone)),
    ]  # fmt: skip


@flow(version=1, title="Nothing")
async def nothing(run: Run, systems: Systems) -> None:
    """What a run costs before it does anything."""


async def _empty(on: Ground, watch: Watch, count: int) -> tuple[float, dict[str, float]]:
    """Seconds, and processor time of each, from the first that is queued to the end of the last."""
    watch.reset()
    async with on.database.transaction() as tx:
        for number in range(count):
            subject = f"nothing/{number}"
            await runs.queue(
                tx, f"nothing:{subject}:1", flow="nothing", subject=subject, version="1", lane=subject, now=now()
            )
    await until(lambda: caught_up(on.database), _PATIENCE, "runs that do nothing")
    return watch.wall, watch.each(count)


async def _alone(on: Ground, intake: Intake, crm: NullCrm) -> float:
    """Seconds from the sweep that sees it until its run is over."""
    began = time.perf_counter()
    crm.won += 1
    await intake.sweep(intake.feeds[0])
    await until(lambda: caught_up(on.database), _PATIENCE, "one project", every=0.02)
    return time.perf_counter() - began


async def _prove(on: Ground, deals: int, crm: NullCrm, psa: NullPsa) -> int:
    """Every deal has its project and every call was made once; how many calls a deal takes."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from run where flow = 'opportunity_to_project' and state = 'done') as done,
                   (select count(*) from project where state = 'active') as projects,
                   (select count(*) from effect where state <> 'done' or attempts <> 1) as undone,
                   (select count(*) from effect) as effects,
                   (select coalesce(sum(abs(missing)), 0)::integer from conservation) as missing
            """,
        )
    assert found is not None
    effects = found.pop("effects")
    assert found == {"done": deals, "projects": deals, "undone": 0, "missing": 0}, found
    assert effects % deals == 0
    twice = [each for told in (crm.told, psa.told) for each, times in told.items() if times > 1]
    assert not twice, Counter(twice)
    return effects // deals


async def _floor(on: Ground, deals: int, steps: int) -> float:
    """Seconds."""
    async with on.database.transaction() as tx:
        await tx.execute("create table floor (deal integer, step integer, body text, primary key (deal, step))")
    writer = Writer(on)
    crm = NullCrm("floor")
    numbers = iter(range(deals))

    async def one(number: int) -> None:
        body = crm.deal(number).body()
        for step in range(steps):
            request = json.dumps({**body, "step": step}, default=str)
            await writer.commit((number, step, request))
            json.loads(request)

    async def some() -> None:
        for number in numbers:
            await one(number)

    began = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(_TOGETHER)))
    return time.perf_counter() - began


class Writer:
    """Rows that come while one group is being committed share the next commit."""

    def __init__(self, on: Ground) -> None:
        self._on = on
        self._waiting: list[tuple[tuple[int, int, str], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def commit(self, what: tuple[int, int, str]) -> None:
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, committed))
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        await committed

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._insert([what for what, _ in group])
            for _, committed in group:
                committed.set_result(None)
        self._task = None

    async def _insert(self, group: Sequence[tuple[Any, ...]]) -> None:
        async with self._on.database.transaction() as tx:
            await tx.execute(
                "insert into floor select * from unnest(%s::integer[], %s::integer[], %s::text[])",
                [list(each) for each in zip(*group, strict=True)],
            )
