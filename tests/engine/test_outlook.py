"""What waits for a system and when it will be done: told while two workers are at it, and right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from datetime import time as at
from typing import Any

import pytest
from tests.engine.throttled_psa import Network, Workers, firm_with, throttling, two_workers

from tieout.connectors.contract import Connector
from tieout.domain.limits.settings import LimitSettings, Window
from tieout.engine.execution import Executor
from tieout.engine.outlook import SystemOutlook, outlook
from tieout.engine.run import Clock, Run, flow
from tieout.store import runs
from tieout.store.database import Database, row

RUNS = 120  # two calls each


@flow(version=1, title="Asks the PSA how it is", errand="master")
async def asks(run: Run, psa: Any) -> None:
    await run.step("ask", psa.check)


@pytest.fixture
def network() -> Iterator[Network]:
    with throttling(100) as network:
        yield network


def now() -> datetime:
    return datetime.now(UTC)


async def queue(database: Database, count: int, moment: datetime, *, backfill: bool = False) -> None:
    async with database.transaction() as tx:
        await tx.execute("insert into connection (name, kind, role) values ('kantata', 'kantata', 'psa')")
        for n in range(count):
            await runs.queue(
                tx, f"asks:{n}:1", flow="asks", subject=str(n), version="1", lane=str(n), now=moment, backfill=backfill
            )


async def work_off(workers: Workers, database: Database, clock: Clock, settings: LimitSettings) -> None:
    """Both workers, with eight places each, until nothing is due."""
    firm = firm_with(settings)

    async def place(executor: Executor) -> None:
        while True:
            async with database.transaction() as tx:
                due = await runs.due(tx, clock(), 1)
                await runs.handed_over(tx, [each["id"] for each in due])
            if not due:
                return
            await executor.execute(due[0]["id"], due[0]["generation"])

    def executor(psa: Connector, number: int) -> Executor:
        leave = workers.limiters[number].ahead
        return Executor(
            database, clock, lambda: clock().date(), [asks], lambda *_: psa, lambda: firm, str(number), leave=leave
        )

    both = [executor(psa, number) for number, psa in enumerate(workers.connections)]
    await asyncio.gather(*(place(each) for each in both for _ in range(8)))


async def look(database: Database, settings: LimitSettings, clock: Clock = now) -> SystemOutlook:
    async with database.transaction() as tx:
        (found,) = await outlook(tx, firm_with(settings), [asks], clock())
    return found


async def test_the_forecast_is_right_within_a_tenth(database: Database, network: Network) -> None:
    settings = LimitSettings(per_second=40, share=0.8)
    await queue(database, RUNS, now())
    async with AsyncExitStack() as stack:
        workers = await two_workers(stack, database, network, limits=settings, clock=now)
        began = now()
        working = asyncio.create_task(work_off(workers, database, now, settings))
        await asyncio.sleep(3)
        asked, found = now(), await look(database, settings)
        await working
        ended = now()
    assert network.refused == 0
    assert found.allowed == 32
    assert found.forecast is not None
    assert found.forecast.ends is not None
    predicted, real = found.forecast.ends - asked, ended - asked
    assert abs(predicted - real) <= (ended - began) / 10, (predicted, real)
    assert 0 < found.waiting < RUNS
    done = await look(database, settings)
    assert (done.forecast, done.accepted, done.refused) == (None, 2 * RUNS, 0)


async def test_what_this_hour_keeps_back_waits_and_says_so(database: Database, network: Network) -> None:
    day = Window(begins=at(8), ends=at(18), lanes=("interactive", "billing"))
    settings, moment = LimitSettings(windows=(day,)), datetime(2026, 11, 26, 17, 50, tzinfo=UTC)
    await queue(database, 3, moment, backfill=True)
    async with AsyncExitStack() as stack:
        workers = await two_workers(stack, database, network, limits=settings, clock=lambda: moment)
        await work_off(workers, database, lambda: moment, settings)
        assert network.answered == []
        async with database.transaction() as tx:
            stored = await row(tx, "select state, reason, not_before, attempts from run limit 1")
        assert stored == {
            "state": "retrying", "reason": "kantata is not called for backfill before Thu 18:00",
            "not_before": moment + timedelta(minutes=10), "attempts": 0,
        }  # fmt: skip
        assert (await look(database, settings, lambda: moment)).kept_back == ("master", "backfill")
        moment += timedelta(minutes=10)
        await work_off(workers, database, lambda: moment, settings)
    assert network.answered == [200] * 6


async def test_without_experience_there_is_no_forecast(database: Database) -> None:
    await queue(database, 3, now())
    found = await look(database, LimitSettings())
    assert (found.waiting, found.forecast, found.told) == (0, None, "")
