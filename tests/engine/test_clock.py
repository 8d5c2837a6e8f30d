"""Every process has the database's time, the firm has its own day, and a clock that goes back takes with it what waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from tieout.app import business_day
from tieout.domain.firm import Firm
from tieout.store import bells, effects, journal, messages, runs, workers
from tieout.store.bells import Ring
from tieout.store.clock import DatabaseClock, pull_back
from tieout.store.database import Database, row
from tieout.store.journal import Claim
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
BACK = timedelta(hours=2)


async def test_the_clock_is_the_databases(database: Database) -> None:
    clock = DatabaseClock(database)
    await clock.ask()
    async with database.statement() as tx:
        found = await row(tx, "select clock_timestamp() as now")
    assert found is not None
    assert abs(clock() - found["now"]) < timedelta(seconds=1)
    before = clock()
    await asyncio.sleep(0.02)
    assert clock() - before >= timedelta(seconds=0.02)


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-10-31T23:30:00Z", date(2026, 10, 31)),
        ("Pacific/Kiritimati", "2026-10-31T10:00:00Z", date(2026, 11, 1)),
        ("Pacific/Pago_Pago", "2026-11-01T10:59:00Z", date(2026, 10, 31)),
        ("Pacific/Pago_Pago", "2026-11-01T11:00:00Z", date(2026, 11, 1)),
        ("America/New_York", "2026-11-02T04:59:00Z", date(2026, 11, 1)),  # the day after the clocks went back
        ("America/New_York", "2026-03-09T03:59:00Z", date(2026, 3, 8)),  # and the one on which they go forward
        ("Europe/Berlin", "2028-02-28T23:00:00Z", date(2028, 2, 29)),
    ],
)
def test_the_business_day_is_the_firms(zone: str, moment: str, day: date) -> None:
    firm = Firm.model_construct(time_zone=zone)
    assert business_day(lambda: datetime.fromisoformat(moment), lambda: firm)() == day


async def test_when_the_clock_goes_back_nothing_sleeps_for_longer(books: Books) -> None:
    database = books.database
    async with database.transaction() as tx:
        await workers.enter(tx, "w1", 1, NOW)
        await runs.queue(tx, "f:x:1", flow="f", subject="x", version="1", lane="x", now=NOW)
        await runs.again(tx, "f:x:1", at=NOW + timedelta(minutes=1), state="retrying", reason="away")
        claim = Claim(
            "key",
            connection="kantata",
            operation="create_project",
            guarantee="D",
            subject="P",
            version="1",
            run_id="f:x:1",
            request=b"",
            state="unknown",
            now=NOW,
        )
        await journal.claim(tx, [claim])
    async with database.transaction() as tx:
        assert await pull_back(tx, NOW - timedelta(seconds=59)) == timedelta()
    async with database.transaction() as tx:
        assert await pull_back(tx, NOW - BACK) == BACK
    async with database.transaction() as tx:
        assert await pull_back(tx, NOW - BACK) == timedelta()
        run, effect = await runs.get(tx, "f:x:1"), await effects.get(tx, "key")
    assert run is not None
    assert run["not_before"] == NOW - BACK + timedelta(minutes=1)
    assert effect is not None
    assert (effect["sent_at"], effect["planned_at"]) == (NOW - BACK, NOW - BACK)


async def test_a_ring_from_before_the_clock_went_back_is_answered_once(books: Books) -> None:
    ring = Ring("salesforce", "msg_1", [("opportunity", "006")], NOW)
    async with books.database.transaction() as tx:
        await workers.enter(tx, "w1", 1, NOW)
        await bells.store(tx, [ring])
    async with books.database.transaction() as tx:
        await pull_back(tx, NOW - BACK)
    async with books.database.transaction() as tx:
        assert len(await messages.unanswered(tx, "salesforce", 10)) == 1
        await messages.answered(tx, "salesforce", "opportunity", ["006"], NOW - BACK, NOW - BACK)
        assert await messages.unanswered(tx, "salesforce", 10) == []
