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

from tieout.engine.worker import lock_key
from tieout.store import runs, workers
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
        if process.stdout is not None:
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
    deadline, found = time.monotonic() + seconds, dict[str, dict[str, Any]]()
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


async def test_what_whoever_noticed_could_not_take_up_the_next_one_does(database: Database, database_url: str) -> None:
    """A worker of an earlier version declares others gone, and knows no lots."""
    async with worker(database_url, "victim", pace=600) as victim:
        await queue(database, "orphan", 0.1)
        await until(database, lambda found: found["orphan"]["state"] == "running")
        os.kill(victim.pid, signal.SIGKILL)
    async with database.transaction() as tx:
        await workers.leave(tx, "victim", datetime.now(UTC))
    async with worker(database_url, "heir"):
        found = await until(database, all_done)
    assert found["orphan"]["worker"] == "heir"


async def test_a_worker_that_was_told_to_stop_accuses_no_run(database: Database, database_url: str) -> None:
    async with worker(database_url, "leaver", pace=600) as leaver:
        await queue(database, "orphan", 0.1)
        await until(database, lambda found: found["orphan"]["state"] == "running")
        leaver.send_signal(signal.SIGTERM)
        await asyncio.to_thread(leaver.wait, 20)
    async with worker(database_url, "heir"):
        found = await until(database, all_done)
    assert (found["orphan"]["worker"], found["orphan"]["deaths"]) == ("heir", 0)


async def test_a_worker_that_was_taken_for_gone_enters_again_and_is_adopted_when_it_dies(
    database: Database, database_url: str
) -> None:
    """After a failover nobody holds a lock, and all take all for gone."""
    async with worker(database_url, "victim", pace=600) as victim, worker(database_url, "heir"):
        while await present(database, "victim"):
            await lose_lock(database, "victim")
            await asyncio.sleep(0.5)
        for _ in range(100):
            if await present(database, "victim"):
                break
            await asyncio.sleep(0.1)
        for number in range(12):
            await queue(database, f"orphan {number}", 0.1)
        await until(database, lambda found: any(each["worker"] == "victim" for each in found.values()))
        os.kill(victim.pid, signal.SIGKILL)
        await until(database, all_done)


async def lose_lock(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            select pg_terminate_backend(pid) from pg_locks
            where locktype = 'advisory' and ((classid::bigint << 32) | objid::bigint) = %s
            """,
            (lock_key(name),),
        )


async def present(database: Database, name: str) -> bool:
    async with database.transaction() as tx:
        return name in {each["id"] for each in await workers.present(tx)}
