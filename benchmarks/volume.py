"""Entries per second through the page path: against the real Tryton, and against an ERP that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import Ledger, Opening, Write
from tieout.folder.connections import resolve
from tieout.testing.null_erp import NullErp

from .ground import Ground, ground
from .measuring import Figure
from .page_path import PAGE, moved
from .stage import systems
from .timesheets import Booked, Entries, book, tasks_of

TRYTON_ENTRIES, NULL_ENTRIES = 5_000, 20_000
_PROJECTS, _BATCH, _FLOOR_BATCHES = 50, 150, 10
_COLUMNS = (
    "source_id", "source_version", "project", "task", "person", "person_name", "work_date", "minutes", "billable_minutes",
    "rate", "currency", "state", "approved_by", "approved_at", "notes", "mapping",
)  # fmt: skip


async def against_null(entries: int = NULL_ENTRIES) -> list[Figure]:
    people = [f"K{number:03}" for number in range(1, 201)]
    async with ground() as on:
        us, de = NullErp("erp-us", people), NullErp("erp-de", people)
        booked = await book(on.database, us, "US", _PROJECTS)
        told = await moved(on, entries, booked, people, [us, de])
        assert len(us.lines) == entries
        floor = await _copied(on, Entries(entries, tasks_of(booked), people, PAGE))
    floor_is = f"COPY of the same rows into one table with a key, committed in pages of {PAGE}"
    return [_figure("a null ERP", entries, told, floor, floor_is)]


async def against_tryton(entries: int = TRYTON_ENTRIES) -> list[Figure]:
    async with AsyncExitStack() as held:
        on = await held.enter_async_context(ground())
        box = await held.enter_async_context(systems(on.folder))
        configs = resolve(on.firm, box.description["environment"])
        ledgers: list[Ledger] = []
        for name in ("erp-us", "erp-de"):
            straight = {"url": box.description["systems"][name]["direct_url"]}
            config = configs[name].model_copy(update=straight)
            ledgers.append(cast(Ledger, CATALOGUE["tryton"].open(Opening(name, config))))
            held.push_async_callback(ledgers[-1].close)
        booked = await book(on.database, ledgers[0], "US", 10)
        people = await ledgers[0].people()
        told = await moved(on, entries, booked, people, ledgers, erp=box.process.pid)
        floor = await _bare_batches(ledgers[0], booked, people)
    floor_is = f"bare creates of {_BATCH} timesheet lines over Tryton's API, one after the other"
    return [_figure("Tryton", entries, told, floor, floor_is)]


def _figure(target: str, entries: int, told: dict[str, Any], floor: float, floor_is: str) -> Figure:
    detail = {
        "seconds": told["seconds"],
        "of these until all were taken in": told["intake"],
        "of these until all were priced": told["priced"],
        "memory of the hub, MB": told["memory_mb"],
    }
    name = f"{entries:,} entries, intake → priced → timesheets of {target}"
    return Figure(name, entries / told["seconds"], "entries/s", floor, floor_is, told["cpu"], detail)


async def _copied(on: Ground, source: Entries) -> float:
    """Rows per second."""
    async with on.database.transaction() as tx:
        columns = ", ".join(f"{each} text" for each in _COLUMNS)
        await tx.execute(f"create table copied ({columns}, primary key (source_id))")  # type: ignore[arg-type]
    since: str | None = None
    seconds, count, more = 0.0, 0, True
    while more:
        page = await source.changes("time_entry", since)
        rows = [tuple(each.record[name] for name in _COLUMNS) for each in page.changes if each.record is not None]
        began = time.perf_counter()
        async with (
            on.database.transaction() as tx,
            tx.cursor() as cursor,
            cursor.copy(f"copy copied ({', '.join(_COLUMNS)}) from stdin") as copy,
        ):
            for each in rows:
                await copy.write_row(each)
        seconds += time.perf_counter() - began
        since, count, more = page.cursor, count + len(rows), page.more
    return count / seconds


async def _bare_batches(ledger: Ledger, booked: Sequence[Booked], people: Sequence[str]) -> float:
    """Lines per second of the sending alone; looking up and preparing are not counted."""
    works = [work for each in booked for work in each.works.values()]
    source = Entries(_BATCH * _FLOOR_BATCHES, tasks_of(booked), people, _BATCH)
    seconds = 0.0
    for batch in range(_FLOOR_BATCHES):
        page = await source.changes("time_entry", str(batch * _BATCH))
        body = [
            {
                "uuid": f"floor-{each.ref.id}", "person": each.record["person"], "work_date": each.record["work_date"],
                "minutes": each.record["minutes"], "work": works[i % len(works)], "note": each.record["notes"],
            }
            for i, each in enumerate(page.changes)
            if each.record is not None
        ]  # fmt: skip
        request = await ledger.prepare(Write("time.deliver", f"floor/{batch}", "1", {"entries": body}))
        began = time.perf_counter()
        await ledger.send("time.deliver", request)
        seconds += time.perf_counter() - began
    return _BATCH * _FLOOR_BATCHES / seconds
