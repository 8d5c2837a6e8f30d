"""A worker that dies is there again, and whoever keeps it ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tieout.engine.operator import Operator
from tieout.engine.prefork import Prefork
from tieout.folder.connections import resolve, variables
from tieout.folder.loading import load
from tieout.serving import IMPORTED, Post, keep_working
from tieout.store import workers
from tieout.store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.loopback]
KESTREL = Path(__file__).parents[1] / "src" / "tieout" / "sandbox" / "firm" / "kestrel"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def post(database: Database, database_url: str) -> Post:
    """Systems that answer nowhere: nobody works on anything."""
    firm = load(KESTREL)
    await Operator(database, now).apply_firm(firm, actor="setup")
    told = {each.name: "1" for each in variables(firm) if each.required}
    told |= {each.name: "http://127.0.0.1:9" for each in variables(firm) if each.name.endswith("_URL")}
    configs: dict[str, Any] = dict(resolve(firm, {**told, "TIEOUT_CONNECTION_SALESFORCE_CLIENT_SECRET": "secret"}))
    return Post(database_url, configs, {}, "", None, timedelta(hours=1), None)


async def test_a_worker_that_was_killed_is_there_again_and_ends_when_it_is_told_to(
    database: Database, post: Post
) -> None:
    began = asyncio.Event()
    keeping = asyncio.create_task(keep_working(Prefork(IMPORTED), post, began.set, began.set))
    async with asyncio.timeout(60):
        await began.wait()
        (first,) = await present(database)
        began.clear()
        psutil.Process(first).kill()
        await began.wait()
        (second,) = await present(database) - {first}
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert not psutil.pid_exists(second)


async def present(database: Database) -> set[int]:
    """The processes of the workers that are there."""
    async with database.transaction() as tx:
        return {int(each["id"].split("-")[-2]) for each in await workers.present(tx)}
