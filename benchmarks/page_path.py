"""Entries through the page path: intake → priced → ERP timesheets, by a real worker and the flows themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import psutil

from tieout.connectors.contract import Connector, Ledger
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import caught_up
from tieout.engine.worker import Worker
from tieout.flows.approved_time import approved_time
from tieout.flows.catalogue import FLOWS
from tieout.store.database import row
from tieout.systems.systems import systems_for

from .ground import Ground, now, until
from .measuring import Watch
from .timesheets import Booked, Entries, tasks_of

PAGE = 500
_PATIENCE = 900
_WORKER = "benchmark"


async def moved(
    on: Ground, entries: int, booked: Sequence[Booked], people: Sequence[str], ledgers: Sequence[Ledger], **parties: int
) -> dict[str, Any]:
    """Moves the entries and proves that all of them arrived; seconds, processor time per entry, memory."""
    source = Entries(entries, tasks_of(booked), people, PAGE)
    connections: dict[str, Connector] = {source.name: source, **{each.name: each for each in ledgers}}
    intake = Intake(on.database, now, [Feed(source, "time_entry", approved_time)])
    systems = systems_for(connections, now)
    executor = Executor(on.database, now, lambda: date(2026, 10, 20), FLOWS, systems, lambda: on.firm, _WORKER)
    async with Worker(on.database, now, executor, _WORKER).running():
        watch = Watch(hub=os.getpid(), postgres=on.postgres, **parties)
        swept = await _swept(intake)
        await until(lambda: caught_up(on.database), _PATIENCE, f"{entries} entries in the ERP")
        seconds, cpu = watch.wall, watch.each(entries)
    await _prove(on, entries)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "intake": swept,
        "priced": await _priced(on),
        "memory_mb": psutil.Process().memory_info().rss // 2**20,
    }


async def _swept(intake: Intake) -> float:
    began = time.perf_counter()
    await intake.sweep(intake.feeds[0])
    return time.perf_counter() - began


async def _prove(on: Ground, entries: int) -> None:
    """A benchmark that lost an entry measured nothing."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from time_entry where delivered_id <> '' and delivered_minutes = minutes) as there,
                   (select count(*) from message where state = 'done') as done,
                   (select coalesce(sum(abs(missing)), 0) from conservation) as missing
            """,
        )
    assert found is not None
    assert found == {"there": entries, "done": entries, "missing": 0}, found


async def _priced(on: Ground) -> float:
    """Seconds from the first page's beginning until the last one was priced."""
    async with on.database.transaction() as tx:
        found = await row(
            tx, "select extract(epoch from max(ended_at) - min(started_at)) as s from run where flow = 'approved_time'"
        )
    assert found is not None
    return float(found["s"])
