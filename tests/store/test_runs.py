"""The order in which runs are handed to the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tieout.store import runs
from tieout.store.database import Database

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


async def queue(database: Database, name: str, lane: str, *, backfill: bool) -> None:
    async with database.transaction() as tx:
        await runs.queue(
            tx, name, flow="moves", subject=lane, version=name, lane=lane, now=NOON, backfill=backfill
        )  # fmt: skip


async def test_what_is_pressing_goes_first_and_never_overtakes_its_own_lane(database: Database) -> None:
    await queue(database, "old deal", "A", backfill=True)
    await queue(database, "other old deal", "B", backfill=True)
    await queue(database, "new deal", "C", backfill=False)
    await queue(database, "old deal, changed", "A", backfill=False)
    async with database.transaction() as tx:
        handed = [each["id"] for each in await runs.due(tx, NOON, 10)]
    assert handed == ["old deal", "new deal", "old deal, changed", "other old deal"]


async def test_back_fill_comes_a_few_at_a_time(database: Database) -> None:
    for number in range(10):
        await queue(database, f"old deal {number}", f"{number}", backfill=True)
    async with database.transaction() as tx:
        handed = await runs.due(tx, NOON, 100)
    assert [each["id"] for each in handed] == [f"old deal {number}" for number in range(6)]
