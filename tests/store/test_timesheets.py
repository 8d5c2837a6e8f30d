"""What goes to the ERP's timesheets: batches that are frozen, and whose time waits because the ERP does not employ them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, cast

import pytest

from tieout.store import migrations, timesheets
from tieout.store.database import Tx, rows
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio


async def problems(tx: Tx) -> dict[str, str]:
    found = await rows(tx, "select source_id, problem from time_entry")
    return {each["source_id"]: each["problem"] for each in found}


async def test_who_is_not_employed_waits_alone_and_goes_on_when_the_erp_knows_them(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(deal, [("T2", 1, 60), ("T3", 1, 60)], person="K009")
    async with books.database.transaction() as tx:
        await timesheets.unknown_people(tx, {"DE": []}, "kantata", None)
        assert set((await problems(tx)).values()) == {""}, "another entity's ERP has no say"
        await timesheets.unknown_people(tx, {"US": ["K003"]}, "kantata", ["T1", "T2"])
        assert await problems(tx) == {"T1": "", "T2": "person.unknown", "T3": ""}, "what was not asked for stays"
        await timesheets.unknown_people(tx, {"US": ["K003"]}, "kantata", None)
        assert await problems(tx) == {"T1": "", "T2": "person.unknown", "T3": "person.unknown"}
        await timesheets.unknown_people(tx, {"US": ["K003", "K009"]}, "kantata", ["T2"])
        assert await problems(tx) == {"T1": "", "T2": "", "T3": "person.unknown"}
        await timesheets.unknown_people(tx, {"US": ["K003", "K009"]}, "kantata", None)
        assert set((await problems(tx)).values()) == {""}


class Asked:
    """Keeps the statement instead of asking it."""

    sql = ""

    async def execute(self, sql: str, values: object) -> None:
        self.sql = sql


async def test_a_plan_that_does_not_know_how_many_people_there_are_looks_each_entry_up_among_them(books: Books) -> None:
    """A prepared statement is planned for ten people and ten entries. As a join it would compare 5,000 with 4,700."""
    asked = Asked()
    await timesheets.unknown_people(cast(Tx, asked), {"US": []}, "kantata", None)
    parameters: dict[str, str] = {}
    sql = re.sub(r"%\((\w+)\)s", lambda found: parameters.setdefault(found[1], f"${len(parameters) + 1}"), asked.sql)
    async with books.database.transaction() as tx:
        told: Any = await rows(tx, "explain (generic_plan, verbose) " + sql)  # type: ignore[operator]
    plan = "\n".join(each["QUERY PLAN"] for each in told)
    assert "hashed SubPlan" in plan, plan
    assert "Materialize" not in plan, plan


async def worked(books: Books, *entries: str) -> Deal:
    deal = await books.deal(1)
    await books.time(deal, [(each, 1, 60) for each in entries])
    return deal


async def formed(tx: Tx, kind: str = "new") -> str:
    name = await timesheets.form_batch(tx, "US", kind=kind, size=10)
    assert name is not None
    return name


async def told(tx: Tx, name: str) -> list[tuple[str, int]]:
    return [(each["source_id"], each["minutes"]) for each in await timesheets.batch(tx, name)]


async def test_what_is_frozen_goes_as_it_is_and_what_changed_meanwhile_is_corrected(books: Books) -> None:
    deal = await worked(books, "T1", "T2")
    async with books.database.transaction() as tx:
        name = await formed(tx)
    await books.time(deal, [("T1", 1, 90)])
    async with books.database.transaction() as tx:
        await timesheets.unknown_people(tx, {"US": []}, "kantata", None)
        assert set((await problems(tx)).values()) == {""}, "what is on its way is no longer asked for"
        assert await timesheets.form_batch(tx, "US", kind="new", size=10) is None, "it is not formed twice"
        assert (await timesheets.batches(tx, "US"), await timesheets.to_deliver(tx)) == ([name], ["US"])
        assert await told(tx, name) == [("T1", 60), ("T2", 60)]
        await timesheets.delivered(tx, name, ["71", "72"])
        change = await formed(tx, "change")
        assert await told(tx, change) == [("T1", 90)]
        await timesheets.corrected(tx, change)
        assert (await timesheets.batches(tx, "US"), await timesheets.to_deliver(tx)) == ([], [])


async def test_a_confirmation_counts_once_and_what_it_leaves_out_is_delivered_anew(books: Books) -> None:
    await worked(books, "T1", "T2")
    async with books.database.transaction() as tx:
        name = await formed(tx)
        for _ in range(2):
            await timesheets.delivered(tx, name, ["71", None])
        found = await rows(tx, "select source_id, delivered_id, deliveries from time_entry order by source_id")
        assert [tuple(each.values()) for each in found] == [("T1", "71", 1), ("T2", "", 0)]
        assert await told(tx, await formed(tx)) == [("T2", 60)]


async def test_a_refused_batch_is_halved_until_the_bad_one_stands_alone(books: Books) -> None:
    await worked(books, "T1", "T2", "T3")
    async with books.database.transaction() as tx:
        await timesheets.split_batch(tx, await formed(tx))
        first, second = await timesheets.batches(tx, "US")
        assert [await told(tx, each) for each in (first, second)] == [[("T1", 60)], [("T2", 60), ("T3", 60)]]
        await timesheets.refused(tx, first, "closed")
        assert (await problems(tx))["T1"] == "target.refused"
        assert await timesheets.batches(tx, "US") == [second]


async def waiting(tx: Tx) -> bool:
    """Whether somebody stands before a lock that this transaction or another one holds."""
    return bool(
        await rows(
            tx,
            """
            select from pg_locks join pg_database d on d.oid = database
            where datname = current_database() and locktype = 'advisory' and not granted
            """,
        )
    )


async def form_two_at_once(books: Books) -> int:
    """How many batches two workers made of the same entries."""
    async with books.database.transaction() as one:
        await formed(one)

        async def other() -> str | None:
            async with books.database.transaction() as tx:
                return await timesheets.form_batch(tx, "US", kind="new", size=10)

        second = asyncio.create_task(other())
        while not second.done() and not await waiting(one):
            await asyncio.wait([second], timeout=0.01)
    return 1 + (await second is not None)


async def test_two_workers_never_freeze_the_same_entries(books: Books) -> None:
    await worked(books, "T1", "T2")
    assert await form_two_at_once(books) == 1


async def test_without_the_lock_both_would(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await worked(books, "T1", "T2")
    keys = iter((1, 2))
    monkeypatch.setattr(timesheets, "_forming", lambda: next(keys))
    assert await form_two_at_once(books) == 2


async def test_batches_that_were_marks_on_entries_are_rows_after_the_migration(books: Books) -> None:
    await worked(books, "T1", "T2", "T3")
    before = """
        drop table time_batch cascade;
        drop index time_entry_to_deliver, time_entry_to_correct;
        alter table time_entry add column batch text not null default '', add column batch_minutes integer not null default 0,
          add column batch_as text not null default '';
        update time_entry set batch = 'US-new-00000007', batch_minutes = 45, batch_as = entry_as(task, person, work_date)
        where source_id <> 'T3';
    """
    migration = Path(migrations.__file__).parent / "versions" / "v0027_time_batches.sql"
    async with books.database.transaction() as tx:
        await tx.execute(before)
        await tx.execute(cast(Any, migration.read_text()))
        assert await timesheets.batches(tx, "US") == ["US-new-00000007"]
        assert await told(tx, "US-new-00000007") == [("T1", 45), ("T2", 45)]
