"""Several workers share one database; what one of them leaves behind, another finishes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tieout.store import runs
from tieout.store.database import Database, rows

pytestmark = pytest.mark.anyio
PROCESS = Path(__file__).parent / "worker_process.py"


@asynccontextmanager
async def worker(url: str, name: str, pace: float = 1) -> AsyncGenerator[subprocess.Popen[str], None]:
    command = [sys.executable, "-W", "ignore", str(PROCESS), url, name, str(pace)]
    process = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "working\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def queue(database: Database, subject: str, seconds: float, lane: str = "") -> None:
    async with database.transaction() as tx:
        await runs.queue(
            tx, f"slowly:{subject}:{seconds}", flow="slowly", subject=subject, version=str(seconds), lane=lane or subject,
            now=datetime.now(UTC),
        )  # fmt: skip


async def table(database: Database) -> dict[str, dict[str, Any]]:
    async with database.transaction() as tx:
        return {each["subject"]: each for each in await rows(tx, "select * from run")}


async def until(database: Database, true: Callable[[dict[str, dict[str, Any]]], bool], seconds: float = 20) -> Any:
    """The runs as soon as something is true of them; looks four times a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await table(database)
        if true(found):
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"not within {seconds} s: {found}")


def all_done(found: dict[str, dict[str, Any]]) -> bool:
    return all(each["state"] == "done" for each in found.values())


async def test_runs_of_one_lane_are_serial_and_others_go_side_by_side(database: Database, database_url: str) -> None:
    for subject in ("a", "b", "c"):
        await queue(database, subject, 0.3, lane="one")
    await queue(database, "d", 0.3, lane="two")
    async with worker(database_url, "w1"):
        found = await until(database, all_done)
    spans = sorted((found[each]["started_at"], found[each]["ended_at"]) for each in "abc")
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert found["d"]["started_at"] < spans[1][0]


async def test_what_a_killed_worker_leaves_behind_another_one_finishes(database: Database, database_url: str) -> None:
    async with worker(database_url, "victim", pace=600) as victim:
        await queue(database, "orphan", 0.1)
        await until(database, lambda found: found["orphan"]["state"] == "running")
        async with worker(database_url, "heir"):
            os.kill(victim.pid, signal.SIGKILL)
            killed = time.monotonic()
            found = await until(database, lambda found: found["orphan"]["worker"] == "heir")
            assert time.monotonic() - killed < 5
            assert found["orphan"]["attempts"] == 2
            await until(database, all_done)
