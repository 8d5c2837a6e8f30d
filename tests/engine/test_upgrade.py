"""What a worker of an earlier version left half done, today's version finishes (F13)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tieout.store.database import Database, migrate, rows
from tieout.testing.database import opened

from .recorded_process import JOURNALS, WANTED, made, queue

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
REPOSITORY = Path(__file__).parents[2]
VERSIONS = sorted(each.name for each in JOURNALS.iterdir())


@pytest.fixture(params=VERSIONS)
def journal(request: pytest.FixtureRequest, postgres_template: str, tmp_path: Path) -> Generator[tuple[str, Path]]:
    """The address of a database as an earlier version left it, and the books of the target."""
    home: Path = JOURNALS / request.param
    template, name = str(conninfo_to_dict(postgres_template)["dbname"]), f"journal_{request.param.replace('.', '_')}"
    url = postgres_template.replace(f"/{template}?", f"/{name}?")
    with psycopg.connect(postgres_template.replace(f"/{template}?", "/postgres?"), autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            lines = (home / "database.sql").read_text().splitlines()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("\n".join(each for each in lines if not each.startswith("\\")).encode())
            yield url, Path(shutil.copy(home / "target", tmp_path / "target"))
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@asynccontextmanager
async def worker(url: str, name: str, books: Path, sabotage: str = "") -> AsyncGenerator[None, None]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.engine.recorded_process",
        url,
        name,
        str(books),
        "",
        sabotage,
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"working\n"
        yield
    finally:
        process.kill()
        await process.wait()


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
