"""What a worker of an earlier version left half done, today's version finishes (F13)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tieout.store.database import Database, migrate, rows
from tieout.testing.database import opened

from .recorded_kickoff import KICKOFFS, booked
from .recorded_process import JOURNALS, WANTED, made, queue

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=sorted(JOURNALS.iterdir()), ids=lambda each: each.name)
def journal(request: pytest.FixtureRequest, postgres_template: str, tmp_path: Path) -> Generator[tuple[str, Path]]:
    """The address of a database as an earlier version left it, and the books of the target."""
    with restored(request.param, postgres_template) as url:
        yield url, Path(shutil.copy(request.param / "target", tmp_path / "target"))


@pytest.fixture(params=sorted(KICKOFFS.iterdir()), ids=lambda each: each.name)
def kickoff(request: pytest.FixtureRequest, postgres_template: str, tmp_path: Path) -> Generator[tuple[str, Path]]:
    """The same of a hub that set a won deal up, and the books of its systems."""
    with restored(request.param, postgres_template) as url:
        yield url, Path(shutil.copy(request.param / "target", tmp_path / "target"))


@contextmanager
def restored(home: Path, template: str) -> Generator[str]:
    name = f"journal_{home.parent.name}_{home.name.replace('.', '_')}"
    server_url, place = "/postgres?", f"/{conninfo_to_dict(template)['dbname']}?"
    with psycopg.connect(template.replace(place, server_url), autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = template.replace(place, f"/{name}?")
        try:
            lines = (home / "database.sql").read_text().splitlines()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("\n".join(each for each in lines if not each.startswith("\\")).encode())
            yield url
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@asynccontextmanager
async def worker(url: str, name: str, books: Path, sabotage: str = "") -> AsyncGenerator[None, None]:
    async with process("tests.engine.recorded_process", url, name, str(books), "", sabotage):
        yield


@asynccontextmanager
async def process(module: str, *said: str) -> AsyncGenerator[None, None]:
    command = [sys.executable, "-W", "ignore", "-m", module, *said]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"working\n"
        yield
    finally:
        child.kill()
        await child.wait()


async def finished(database: Database, count: int) -> list[str]:
    """The workers of so many runs, as soon as they are done."""
    deadline, found = time.monotonic() + 30, list[dict[str, str]]()
    while time.monotonic() < deadline:
        async with database.transaction() as tx:
            found = await rows(tx, "select worker, state, reason from run")
        if [each["state"] for each in found] == ["done"] * count:
            return [each["worker"] for each in found]
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def test_a_half_done_run_is_finished_by_a_later_version(journal: tuple[str, Path]) -> None:
    url, books = journal
    assert list(made(books)) == [f"half done/{each}" for each in WANTED[:2]]
    migrate(url)  # and the process that did so is gone before anything begins
    migrate(url)
    async with opened(url) as database, worker(url, "w-new", books):
        assert await finished(database, 1) == ["w-new"]
    assert list(made(books)) == [f"half done/{each}" for each in WANTED]


async def test_two_workers_of_a_rolling_upgrade_share_the_work(journal: tuple[str, Path]) -> None:
    url, books = journal
    migrate(url)
    async with opened(url) as database, worker(url, "w-staying", books), worker(url, "w-new", books):
        for number in range(12):
            await queue(database, f"order {number}")
        assert set(await finished(database, 13)) == {"w-staying", "w-new"}
    assert sorted(made(books)) == sorted(
        f"{subject}/{each}" for subject in ("half done", *(f"order {n}" for n in range(12))) for each in WANTED
    )


async def test_a_version_that_forgets_what_it_sent_orders_twice(journal: tuple[str, Path]) -> None:
    """The saboteur."""
    url, books = journal
    migrate(url)
    async with opened(url) as database, worker(url, "w-new", books, "fresh_key"):
        await finished(database, 1)
    assert list(made(books)).count("half done/second") == 2


async def test_a_kickoff_that_stopped_in_the_middle_is_finished_beside_a_new_one(kickoff: tuple[str, Path]) -> None:
    """It died when the PSA had made the project and before it heard of it; its own worker queue is one of before lots."""
    url, books = kickoff
    before = booked(books)
    assert before[-1].startswith("kantata project.create")
    migrate(url)
    async with opened(url) as database, process("tests.engine.recorded_kickoff", url, "w-new", str(books), "", "2"):
        assert await finished(database, 2) == ["w-new"] * 2
        async with database.transaction() as tx:
            found = await rows(
                tx, "select state, (select count(*) from effect where state <> 'done') as open from project"
            )
            missing = await rows(tx, "select * from conservation where missing <> 0 or missing_minor <> 0")
    assert (found, missing) == ([{"state": "active", "open": 0}] * 2, [])
    made_now = Counter(each for each in booked(books) if ".create" in each)
    assert set(made_now.values()) == {1}, made_now
    assert len(made_now) == 2 * len([each for each in before if ".create" in each])
