"""A worker as a process of its own that orders two things of a target, whose books are a file, and dies in the middle if told so.

`python -m tests.engine.recorded_process` with nothing more records a journal: what the database and the target held when a
worker of today's version died after its second order had been carried out and before it heard of it. Recorded once for each
released version; a later version must finish what it finds (tests/engine/test_upgrade.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tieout import __version__
from tieout.cli.stopping import until_stopped
from tieout.connectors.contract import Guarantee, Receipt, Write
from tieout.domain.firm import Firm
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.run import Run, flow
from tieout.engine.worker import Worker
from tieout.store import firm, runs
from tieout.store.clock import DatabaseClock
from tieout.store.database import Database
from tieout.store.restoring import hand_over, server_tool
from tieout.testing.database import fresh_database, migrated_postgres
from tieout.testing.simulation.target import CREATE

JOURNALS = Path(__file__).parent / "journals"
WANTED = ("first", "second", "third")


class Target:
    """Makes a line in its file for each thing that it is asked for; with `deadly`, that one is the end of the hub."""

    name = "target"

    def __init__(self, books: Path, deadly: str = "") -> None:
        self._books, self._deadly = books, deadly

    def operation(self, name: str) -> Any:
        return CREATE[Guarantee.LOOK_UP]

    async def prepare(self, write: Write) -> bytes:
        return json.dumps({"subject": write.subject}).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        subject = json.loads(request)["subject"]
        with self._books.open("a") as file:
            file.write(f"{subject}\n")
        if subject == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return Receipt(subject)

    async def find(self, write: Write) -> Receipt | None:
        return Receipt(write.subject) if write.subject in made(self._books) else None


def made(books: Path) -> Sequence[str]:
    return books.read_text().splitlines() if books.exists() else []


@flow(version=1, title="Orders three things, one after the other")
async def orders(run: Run, systems: tuple[Effects, Any]) -> None:
    effects, target = systems
    for each in WANTED:
        write = Write(CREATE[Guarantee.LOOK_UP].name, f"{run.subject}/{each}", "1", {})
        await run.step(f"order the {each}", effects.perform, target, write)


async def queue(database: Database, subject: str) -> None:
    async with database.transaction() as tx:
        await runs.queue(
            tx, f"orders:{subject}:1", flow="orders", subject=subject, version="1", lane=subject, now=datetime.now(UTC)
        )


async def work(url: str, name: str, books: str, deadly: str = "", sabotage: str = "") -> None:
    database = Database(url)
    await database.open()
    clock, target = DatabaseClock(database), Target(Path(books), deadly)
    await clock.ask()
    executor = Executor(
        database, clock, lambda: clock().date(), [orders], lambda effects, *_: (effects, target), no_firm, name,
        frozenset(sabotage.split()),
    )  # fmt: skip
    async with Worker(database, clock, executor, name, concurrency=2).running():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def no_firm() -> Firm:
    return Firm.model_construct(name="Nobody's")


async def record() -> None:
    with migrated_postgres() as template, fresh_database(template) as url, tempfile.TemporaryDirectory() as name:
        database = Database(url)
        await database.open()
        async with database.transaction() as tx:
            await firm.apply(
                tx, content={}, entities=(), connections=[("target", "target", "erp", None)], actor="nobody",
                now=datetime.now(UTC),
            )  # fmt: skip
        await queue(database, "half done")
        await database.close()
        folder = Path(name)
        hand_over(folder)
        dying = [
            sys.executable,
            "-m",
            "tests.engine.recorded_process",
            url,
            "w-old",
            str(folder / "books"),
            "half done/second",
        ]
        await asyncio.to_thread(subprocess.run, dying, check=False, stdout=subprocess.DEVNULL)
        dump = folder / "dump"
        await asyncio.to_thread(
            server_tool, "pg_dump", "--no-owner", "--no-privileges", "--inserts", "-f", str(dump), "-d", url
        )
        home = JOURNALS / __version__
        home.mkdir(exist_ok=True)
        (home / "database.sql").write_text(dump.read_text())
        (home / "target").write_text((folder / "books").read_text())


if __name__ == "__main__":
    asyncio.run(until_stopped(work(*sys.argv[1:]) if sys.argv[1:] else record(), leash=False))
