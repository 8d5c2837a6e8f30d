"""The order in which runs are handed to the engine, and in which lots."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest

from tieout.store import runs, workers
from tieout.store.database import Database

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


async def queue(database: Database, name: str, lane: str, *, backfill: bool) -> None:
    async with database.transaction() as tx:
        await runs.queue(
            tx, name, flow="moves", subject=lane, version=name, lane=lane, now=NOON, backfill=backfill
        )  # fmt: skip


async def hand_over(database: Database) -> list[str]:
    async with database.transaction() as tx:
        handed = [each["id"] for each in await runs.due(tx, NOON, 10)]
        await runs.handed_over(tx, handed)
    return handed


async def test_what_is_pressing_goes_first_and_never_overtakes_its_own_lane(database: Database) -> None:
    await queue(database, "old deal", "A", backfill=True)
    await queue(database, "other old deal", "B", backfill=True)
    await queue(database, "new deal", "C", backfill=False)
    await queue(database, "old deal, changed", "A", backfill=False)
    assert await hand_over(database) == ["old deal", "new deal", "other old deal"]
    assert await hand_over(database) == []
    async with database.transaction() as tx:
        await runs.end(tx, "old deal", "done", "", NOON)
    assert await hand_over(database) == ["old deal, changed"]


async def test_back_fill_comes_a_few_at_a_time(database: Database) -> None:
    for number in range(10):
        await queue(database, f"old deal {number}", f"{number}", backfill=True)
    async with database.transaction() as tx:
        handed = await runs.due(tx, NOON, 100)
    assert [each["id"] for each in handed] == [f"old deal {number}" for number in range(6)]


async def test_two_hands_never_have_runs_of_one_lane(database: Database) -> None:
    await queue(database, "first", "A", backfill=False)
    await queue(database, "second", "A", backfill=False)
    async with database.transaction() as one:
        handed = [each["id"] for each in await runs.due(one, NOON, 10)]
        other = asyncio.create_task(hand_over(database))
        await asyncio.sleep(0.1)
        assert not other.done()
        await runs.handed_over(one, handed)
    assert handed == ["first"]
    assert await other == []


async def test_a_lot_that_was_never_committed_has_no_runs(database: Database) -> None:
    """Its workflow may be there all the same, and is carried out by whoever adopts it."""
    await queue(database, "deal", "A", backfill=False)
    with contextlib.suppress(ConnectionError):  # the hub died before the commit
        async with database.transaction() as tx:
            await runs.handed_over(tx, ["deal"], "lost", "w1")
            raise ConnectionError
    assert await lot(database, "lost") == []
    async with database.transaction() as tx:
        await runs.handed_over(tx, ["deal"], "kept", "w2")
    assert (await lot(database, "lost"), await lot(database, "kept")) == ([], ["deal"])
    async with database.transaction() as tx:
        (run,) = await runs.start(tx, [("deal", 1)], "w2", NOON)
    assert run["deaths"] == 0
    async with database.transaction() as tx:
        (left,) = await runs.of_lot(tx, "kept")
    assert left["deaths"] == 1  # whoever asks for a lot again is an heir
    async with database.transaction() as tx:
        await runs.end(tx, "deal", "done", "", NOON)
    assert await lot(database, "kept") == []


async def test_a_worker_takes_its_share(database: Database) -> None:
    for number in range(7):
        await queue(database, f"deal {number}", f"{number}", backfill=False)
    async with database.transaction() as tx:
        assert await runs.share(tx, NOON) == 7
        for each in range(3):
            await workers.enter(tx, f"w{each}", each, NOON)
        assert await runs.share(tx, NOON) == 3


async def lot(database: Database, name: str) -> list[str]:
    async with database.transaction() as tx:
        return [each["id"] for each in await runs.of_lot(tx, name)]
