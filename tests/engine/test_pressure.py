"""A source is read later while heaps wait for what it leads to; nothing of it is lost, and what is more pressing goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from tieout.connectors.contract import Change, Page, Source
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.identity import Ref
from tieout.domain.limits.settings import Lane, LimitSettings
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.outlook import outlook
from tieout.engine.pressure import Full, Pressure, never
from tieout.engine.run import Flow, Run, flow
from tieout.store import cursors, forecast, runs
from tieout.store.database import Database, row

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RECORDS, PAGE, BACKLOG = 400, 25, 100
FIRM = Firm(
    name="Acme",
    entities=(LegalEntity(code="US", name="Acme Inc.", currency="USD"),),
    connections={
        "crm": ConnectionSettings(kind="salesforce", role="crm"),
        "erp": ConnectionSettings(kind="tryton", role="erp", limits=LimitSettings(backlog=BACKLOG)),
    },
)


@flow(version=1, title="Notes a record", errand="billing")
async def note(run: Run, systems: Any) -> None:
    """Its work in the ERP was counted before."""


@dataclass
class Records:
    """A system with records that came to it one after another."""

    name: str = "crm"
    pages: int = 0

    async def changes(self, kind: str, since: str | None) -> Page:
        begins = int(since or 0)
        self.pages += 1
        ends = min(begins + PAGE, RECORDS)
        changes = [Change(Ref(self.name, kind, str(n)), f"{n:04}#x", {"n": n}) for n in range(begins, ends)]
        return Page(changes, str(ends), ends < RECORDS)


async def hub(database: Database, full: Full | None = None, flows: Sequence[Flow] = (note,)) -> tuple[Records, Intake]:
    """A hub that has done such work before: two calls to the ERP for each record."""
    async with database.transaction() as tx:
        await tx.execute(
            "insert into connection (name, kind, role) values ('crm', 'salesforce', 'crm'), ('erp', 'tryton', 'erp')"
        )
        for each in flows:
            await forecast.learn(tx, [(each.name, {"erp": (20, 10), "": (0, 10)})], NOW)
    records = Records()
    pressure = full or Pressure(database, lambda: NOW, lambda: FIRM, flows, look=0)
    feeds = [Feed(cast(Source, records), each.name, each) for each in flows]
    return records, Intake(database, lambda: NOW, feeds, pressure)


async def counted(database: Database, state: str) -> int:
    async with database.transaction() as tx:
        found = await row(tx, "select count(*)::integer as n from message where state = %s", (state,))
    return found["n"] if found else 0


async def work_off(database: Database, most: int) -> None:
    executor = Executor(database, lambda: NOW, NOW.date, [note], lambda *_: None, lambda: FIRM, "w")
    async with database.transaction() as tx:
        due = await runs.due(tx, NOW, most)
        await runs.handed_over(tx, [each["id"] for each in due])
    for each in due:
        await executor.execute(each["id"], each["generation"])


async def test_a_source_is_read_in_portions_and_wholly_in_the_end(database: Database) -> None:
    records, intake = await hub(database)
    highest = 0
    for _ in range(RECORDS):
        await intake.sweep(intake.feeds[0])
        highest = max(highest, await counted(database, "in_flight"))
        while await counted(database, "in_flight") > BACKLOG / 2:
            await work_off(database, 50)
        if (await counted(database, "in_flight")) + (await counted(database, "done")) == RECORDS:
            break
    while await counted(database, "in_flight"):
        await work_off(database, 50)
    assert BACKLOG <= highest < BACKLOG + 2 * PAGE, "of what was on its way already a page comes beside"
    assert await counted(database, "done") == RECORDS
    assert records.pages == RECORDS / PAGE


async def test_it_says_so_and_ceases_to_say_so(database: Database) -> None:
    _, intake = await hub(database)
    assert await intake.sweep(intake.feeds[0]) == BACKLOG + PAGE
    async with database.transaction() as tx:
        told = {each.connection: each for each in await outlook(tx, FIRM, [note], NOW)}
        assert told["crm"].read_later == "note: 100 lines wait for erp"
        assert (told["erp"].read_later, told["erp"].waiting) == ("", BACKLOG + PAGE)
        assert await cursors.where(tx, "crm", "note") == cursors.Cursor(str(BACKLOG + PAGE))
    while await counted(database, "in_flight") + await intake.sweep(intake.feeds[0]):
        await work_off(database, 50)
    async with database.transaction() as tx:
        told = {each.connection: each for each in await outlook(tx, FIRM, [note], NOW)}
    assert told["crm"].read_later == ""


async def test_what_is_more_pressing_is_read_on(database: Database) -> None:
    _, intake = await hub(database)
    await intake.sweep(intake.feeds[0])
    pressure = Pressure(database, lambda: NOW, lambda: FIRM, [note], look=0)
    lanes: list[Lane] = ["interactive", "billing", "master", "backfill"]
    heard = [await pressure(note, lane) for lane in lanes]
    assert [bool(each) for each in heard] == [False, False, False, True]  # a first reading is back-fill


async def test_the_saboteur_without_pressure_is_caught(database: Database) -> None:
    _, intake = await hub(database, never)
    await intake.sweep(intake.feeds[0])
    assert await counted(database, "in_flight") == RECORDS
