"""A page of time is stored and priced from its messages, where they are; an older state never overwrites a newer one (T57)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tieout.store import charging, messages, time, unreadable
from tieout.store.database import Tx, row, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
RATES = [
    {"card": "US 2026", "role": "Consultant", "version": 1, "valid_from": "2026-01-01", "rate": "175.25"},
]
NEW, OLD = "2026-10-02T09:00:00Z#b", "2026-10-01T09:00:00Z#a"


async def told(tx: Tx, books: Books, run: str, version: str, minutes: int, **changes: Any) -> None:
    """A message that a run works off."""
    record = {
        "source_id": "1", "source_version": version, "project": "W1", "task": "S1", "person": "K003", "person_name": "Priya",
        "work_date": "2026-10-01", "minutes": minutes, "billable_minutes": minutes, "rate": "175.25", "currency": "USD",
        "state": "approved", "approved_by": "K001", "approved_at": None, "notes": "", "mapping": "m1",
    }  # fmt: skip
    await tx.execute(
        """
        insert into message (connection, kind, record_id, version, day, via, payload, received_at, state, run_id)
        values ('kantata', 'time_entry', '1', %s, '2026-10-02', 'sweep', %s, %s, 'in_flight', %s)
        """,
        (version, Jsonb({**record, **changes}), books.now(), run),
    )


async def taken(tx: Tx, books: Books, run: str) -> dict[str, Any]:
    await time.take_page(tx, "kantata", run, RATES, books.now())
    found = await row(tx, "select version, minutes, problem from time_entry where source_id = '1'")
    assert found is not None
    return found


async def test_an_older_state_that_comes_later_changes_nothing_but_the_history(books: Books) -> None:
    async with books.database.transaction() as tx:
        await told(tx, books, "first", NEW, 90)
        await told(tx, books, "second", OLD, 60)
        stored = await taken(tx, books, "first")
        assert stored == {"version": NEW, "minutes": 90, "problem": "time.project_unknown"}
        assert await taken(tx, books, "second") == stored
        assert len(await rows(tx, "select from time_entry_version where source_id = '1'")) == 2


async def test_without_the_guard_the_older_state_would_win(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "_NEWER", "true")
    async with books.database.transaction() as tx:
        await told(tx, books, "first", NEW, 90)
        await told(tx, books, "second", OLD, 60)
        await taken(tx, books, "first")
        assert (await taken(tx, books, "second"))["minutes"] == 60


async def test_what_cannot_be_understood_is_no_entry_and_waits(books: Books) -> None:
    async with books.database.transaction() as tx:
        await told(tx, books, "first", NEW, 90, unreadable="minutes: “a lot”")
        await time.take_page(tx, "kantata", "first", RATES, books.now())
        await unreadable.hold(tx, "first", "time.unreadable")
        assert await rows(tx, "select from time_entry") == []
        (waits,) = await messages.of_run(tx, "first")
        assert (waits["state"], waits["payload"]["source_id"]) == ("held", "1")


async def test_a_known_entry_whose_change_cannot_be_understood_is_not_billed_as_it_was(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("1", 1, 60)])

    async def waits() -> list[bool]:
        async with books.database.transaction() as tx:
            return [each["waits"] for each in (await charging.ledger(tx, deal.engagement, date(2026, 10, 31))).entries]

    assert await waits() == [False]
    async with books.database.transaction() as tx:
        await told(tx, books, "second", NEW, 90, unreadable="minutes: “a lot”")
        await time.take_page(tx, "kantata", "second", RATES, books.now())
        await unreadable.hold(tx, "second", "time.unreadable")
    assert await waits() == [True]


async def test_a_run_works_off_what_waits_and_everything_when_nothing_does(books: Books) -> None:
    async with books.database.transaction() as tx:
        await told(tx, books, "first", OLD, 60)
        await told(tx, books, "first", NEW, 90)
        await messages.settle(tx, [(await messages.of_run(tx, "first"))[0]["id"]], "done", "", books.now())
        assert [each["version"] for each in await messages.of_run(tx, "first", contents=False)] == [NEW]
        await messages.settle_run(tx, "first", "done", "", books.now())
        assert [each["version"] for each in await messages.of_run(tx, "first")] == [OLD, NEW]
