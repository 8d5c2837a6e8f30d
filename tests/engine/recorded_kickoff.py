"""A hub as a process of its own that sets a won deal up in three systems, whose books are one file, and dies when told so.

`python -m tests.engine.recorded_kickoff` with nothing more records what the database and the systems held when a worker of
today's version died after the PSA had made the project and before it heard of it. A later version must finish what it finds
(tests/engine/test_upgrade.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks.ground import KESTREL
from benchmarks.null_systems import NullCrm, NullPsa

from tieout import __version__
from tieout.cli.stopping import until_stopped
from tieout.connectors.contract import AlreadyThere, Connector, Receipt, Write
from tieout.domain.identity import content_hash
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.operator import Operator
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS
from tieout.flows.opportunity_to_project import opportunity_to_project
from tieout.folder.loading import load
from tieout.store.database import Database
from tieout.store.restoring import hand_over, server_tool
from tieout.systems.systems import systems_for
from tieout.testing.database import fresh_database, migrated_postgres
from tieout.testing.null_erp import NullErp

KICKOFFS = Path(__file__).parent / "kickoffs"
DEADLY = "kantata project.create"


class Booked:
    """One of the null systems, that writes down what it is told, and makes nothing twice: a field of ours is unique in it."""

    def __init__(self, system: Any, books: Path, deadly: str) -> None:
        self._system, self._books, self._deadly = system, books, deadly

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    async def prepare(self, write: Write) -> bytes:
        tasks = [each["key"] for each in write.body.get("tasks", ())]
        return json.dumps({"subject": write.subject, "tasks": tasks}).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        told = json.loads(request)
        line = f"{self._system.name} {operation} {told['subject']}"
        if operation.endswith(".create") and line in booked(self._books):
            raise AlreadyThere(line)
        with self._books.open("a") as file:
            file.write(f"{line}\n")
        if self._deadly and line.startswith(self._deadly):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._receipt(told)

    async def find(self, write: Write) -> Receipt | None:
        line = f"{self._system.name} {write.operation} {write.subject}"
        return self._receipt(json.loads(await self.prepare(write))) if line in booked(self._books) else None

    def _receipt(self, told: dict[str, Any]) -> Receipt:
        """The same records for the same subject, whoever asks."""
        made = {each: content_hash([self._system.name, each])[:8] for each in (told["subject"], *told["tasks"])}
        return Receipt(made[told["subject"]], parts={each: made[each] for each in told["tasks"]})


def booked(books: Path) -> list[str]:
    """What the systems were told, in the order in which they were: system, operation and subject."""
    return books.read_text().splitlines() if books.exists() else []


def now() -> datetime:
    return datetime.now(UTC)


async def work(url: str, name: str, books: str, deadly: str = "", won: str = "0") -> None:
    """Sets up so many deals, of which those that were set up already are none."""
    database, firm = Database(url), load(KESTREL)
    await database.open()
    crm = NullCrm("salesforce")
    crm.won = int(won)
    ledgers = {each: NullErp(each, []) for each in ("erp-us", "erp-de")}
    connections: dict[str, Connector] = {
        each.name: Booked(each, Path(books), deadly) for each in (crm, NullPsa("kantata"), *ledgers.values())
    }
    systems = systems_for(connections, now)
    executor = Executor(database, now, lambda: date(2026, 10, 5), FLOWS, systems, lambda: firm, name)
    intake = Intake(database, now, [Feed(connections["salesforce"], "opportunity", opportunity_to_project)])
    async with Worker(database, now, executor, name, concurrency=2).running():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await intake.sweep(intake.feeds[0])
        await asyncio.Event().wait()


async def record() -> None:
    with migrated_postgres() as template, fresh_database(template) as url, tempfile.TemporaryDirectory() as name:
        database, folder = Database(url), Path(name)
        await database.open()
        await Operator(database, now).apply_firm(load(KESTREL), actor="mia")
        await database.close()
        hand_over(folder)
        module, dump = "tests.engine.recorded_kickoff", folder / "dump"
        dying = [sys.executable, "-m", module, url, "w-old", str(folder / "books"), DEADLY, "1"]
        await asyncio.to_thread(subprocess.run, dying, check=False, stdout=subprocess.DEVNULL)
        await asyncio.to_thread(
            server_tool, "pg_dump", "--no-owner", "--no-privileges", "--inserts", "-f", str(dump), "-d", url
        )
        home = KICKOFFS / __version__
        home.mkdir(parents=True, exist_ok=True)
        (home / "database.sql").write_text(dump.read_text())
        (home / "target").write_text((folder / "books").read_text())


if __name__ == "__main__":
    asyncio.run(until_stopped(work(*sys.argv[1:]) if sys.argv[1:] else record(), leash=False))
