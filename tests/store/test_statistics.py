"""What the server knows of tables that a burst fills keeps up with them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tieout.store import runs, statistics
from tieout.store.database import Database
from tieout.store.runs import Queued

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


async def queue(database: Database, name: str, count: int) -> None:
    async with database.session() as session:
        await runs.queue_all(session, [Queued(f"{name}{n}", "f", str(n), "1", str(n)) for n in range(count)], NOW)
        await session.execute("select pg_stat_force_next_flush()")


async def known(database: Database) -> list[str]:
    async with database.session() as session:
        return await statistics.keep_up(session)


async def test_a_table_is_looked_at_each_time_it_has_doubled(database: Database) -> None:
    assert "run" not in await known(database)
    await queue(database, "first", 300)
    assert "run" in await known(database)
    assert "run" not in await known(database)
    await queue(database, "second", 200)
    assert "run" not in await known(database)
    await queue(database, "third", 200)
    assert "run" in await known(database)
