"""A run whose end could not be written down is given back, and begins again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tieout.domain.firm import Firm
from tieout.engine.execution import Executor
from tieout.engine.run import Run, flow
from tieout.store import runs
from tieout.store.database import Database, Tx

pytestmark = pytest.mark.anyio


class Unreliable(Database):
    """A database that is away for two transactions, the last of which is the one that it is told."""

    def __init__(self, url: str, last: int) -> None:
        super().__init__(url)
        self.asked, self.last = 0, last

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        self.asked += 1
        if self.last - 2 < self.asked <= self.last:
            raise ConnectionError("the database is away")
        async with super().transaction() as tx:
            yield tx


@flow(version=1, title="Does nothing")
async def nothing(run: Run, systems: Any) -> None:
    """The end of even this has to be written down."""


def no_firm() -> Firm:
    return Firm.model_construct(name="Nobody's")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("last", [2, 3], ids=["begun", "ended"])
async def test_a_run_that_could_not_be_written_down_begins_again(
    database: Database, database_url: str, last: int
) -> None:
    async with database.transaction() as tx:
        await runs.queue(tx, "nothing:x:1", flow="nothing", subject="x", version="1", lane="x", now=now())
    unreliable = Unreliable(database_url, last)
    await unreliable.open()
    executor = Executor(unreliable, now, lambda: now().date(), [nothing], lambda *_: None, no_firm, "w")
    await executor.carry_out("nothing:x:1", 1)
    async with database.transaction() as tx:
        given_back = await runs.get(tx, "nothing:x:1")
    assert given_back is not None
    assert (given_back["state"], given_back["generation"]) == ("retrying", 2)
    await executor.carry_out("nothing:x:1", 2)
    async with database.transaction() as tx:
        done = await runs.get(tx, "nothing:x:1")
    assert done is not None
    assert done["state"] == "done"
    await unreliable.close()
