"""A page that is to be worked off waits for the run that a person waits for, and what is read meanwhile comes in small pages."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tieout.connectors.contract import Change, Page, Source
from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.identity import Ref
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.run import Run, flow
from tieout.store import runs
from tieout.store.database import Database, row

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FIRM = Firm(name="Acme", entities=(LegalEntity(code="US", name="Acme Inc.", currency="USD"),), connections={})
RECORDS, PAGE = 30, 10


@flow(version=1, title="A page of notes", errand="billing", page=PAGE)
async def notes(run: Run, systems: Any) -> None:
    await run.step("note them", systems.note)


@flow(version=1, title="A question", errand="interactive")
async def question(run: Run, systems: Any) -> None:
    await run.step("wait for the answer", systems.ask)


@dataclass
class Desk:
    """Where pages are noted, the first one for a second, and a question waits for its answer."""

    begun: int = 0
    noted: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    second: asyncio.Event = field(default_factory=asyncio.Event)

    async def note(self) -> None:
        self.begun += 1
        if self.begun == 2:
            self.second.set()
        await asyncio.sleep(1.0 if self.begun == 1 else 0.0)
        self.noted += 1

    async def ask(self) -> None:
        self.asked.set()
        await self.answer.wait()


@dataclass
class Records:
    name: str = "psa"

    async def changes(self, kind: str, since: str | None) -> Page:
        changes = [Change(Ref(self.name, kind, str(n)), f"{n:04}#x", {"n": n}) for n in range(RECORDS)]
        return Page(changes, str(RECORDS), more=False)


class Hub:
    def __init__(self, database: Database, sabotage: frozenset[str] = frozenset()) -> None:
        self.database, self.desk = database, Desk()
        self.executor = Executor(
            database, lambda: NOW, NOW.date, [notes, question], lambda *_: self.desk, lambda: FIRM, "w", sabotage
        )
        feed = Feed(cast(Source, Records()), "note", notes)
        self.intake = Intake(database, lambda: NOW, [feed], courtesy=self.executor.courtesy)

    async def read(self) -> int:
        """Reads all records; into how many runs."""
        async with self.database.transaction() as tx:
            await tx.execute("insert into connection (name, kind, role) values ('psa', 'kantata', 'psa')")
        await self.intake.sweep(self.intake.feeds[0])
        async with self.database.transaction() as tx:
            found = await row(tx, "select count(*)::integer as n from run where flow = 'notes'")
        return found["n"] if found else 0

    async def ask(self) -> None:
        async with self.database.transaction() as tx:
            await runs.queue(tx, "question", flow="question", subject="q", version="1", lane="q", now=NOW)

    async def work_off(self) -> None:
        """Everything that may be begun now, side by side."""
        async with self.database.transaction() as tx:
            due = await runs.due(tx, NOW, 10)
            await runs.handed_over(tx, [each["id"] for each in due])
        await asyncio.gather(*(self.executor.execute(each["id"], each["generation"]) for each in due))


async def begins_meanwhile(database: Database, patience: float, sabotage: frozenset[str] = frozenset()) -> bool:
    """Whether a second page is begun while somebody waits for an answer, for so many seconds."""
    hub = Hub(database, sabotage)
    await hub.read()
    await hub.work_off()
    await hub.ask()
    question_and_page = asyncio.create_task(hub.work_off())
    await hub.desk.asked.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hub.desk.second.wait(), patience)
    begun, _ = hub.desk.second.is_set(), hub.desk.answer.set()
    await question_and_page
    assert hub.desk.noted == 2
    return begun


async def test_where_nobody_waits_all_pages_are_worked_off(database: Database) -> None:
    hub = Hub(database)
    assert await hub.read() == RECORDS / PAGE
    while hub.desk.noted < RECORDS / PAGE:
        await hub.work_off()


async def test_while_somebody_waits_no_page_is_begun_however_new_its_run_is(database: Database) -> None:
    assert not await begins_meanwhile(database, 0.2)


async def test_the_saboteur_pages_first_is_caught(database: Database) -> None:
    assert await begins_meanwhile(database, 10, frozenset({"pages_first"}))


async def test_while_persons_are_about_pages_are_small(database: Database) -> None:
    hub = Hub(database)
    with hub.executor.courtesy.whose("interactive"):
        assert await hub.read() == 5 * RECORDS / PAGE
