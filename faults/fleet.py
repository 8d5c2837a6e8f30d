"""Workers of the hub as processes of their own, under a supervisor that starts another one whenever one ends.

`python -m faults.fleet` is such a worker: it finds database, connections and calendar in its environment as `tieout serve`
does, and knows one flow more: poison.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tieout import app
from tieout.cli.stopping import until_stopped
from tieout.engine.run import Clock, Run, flow
from tieout.folder.connections import resolve
from tieout.store import runs
from tieout.store.database import Database, Tx

_FEW, _SWEEP = 60, timedelta(seconds=1)


async def _kills() -> None:
    ctypes.string_at(0)


async def _raises() -> None:
    raise KeyError("nobody thought of it")


async def _hangs() -> None:
    await asyncio.Event().wait()


_WAYS = {"kills": _kills, "raises": _raises, "hangs": _hangs}


@flow(version=1, title="Poison")
async def poison(run: Run, systems: Any) -> None:
    await run.step(run.version, _WAYS[run.version])


async def queue_poison(tx: Tx, subject: str, way: str) -> None:
    """A record that `kills` its worker, `raises` or `hangs`."""
    now = datetime.now(UTC)
    await runs.queue(tx, f"poison:{subject}:{way}", flow="poison", subject=subject, version=way, lane=subject, now=now)


@dataclass(slots=True)
class Fleet:
    """`said` is the environment of every worker, `ended` how often one ended, `alive` the ids of the processes there are."""

    said: Mapping[str, str]
    log: Path
    ended: int = 0
    alive: list[int] = field(default_factory=list[int])

    async def keep_one(self) -> None:
        while True:
            with self.log.open("ab") as file:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-W", "ignore", "-m", "faults.fleet", env=dict(self.said), stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE, stderr=file,
                )  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                await process.stdout.readline()
                self.alive.append(process.pid)
                await process.wait()
                self.ended += 1
            finally:
                with contextlib.suppress(ValueError):
                    self.alive.remove(process.pid)
                process.stdin.close()  # its leash
                await process.wait()

    async def all_there(self, size: int) -> None:
        """Raises TimeoutError when there are not so many workers within a minute."""
        await until(lambda: len(self.alive) >= size, _FEW, f"{size} workers")

    def kill(self, worker: str) -> None:
        """kill -9 for the worker with this id (it has its process in it)."""
        os.kill(_process_of(worker), signal.SIGKILL)

    def kill_any(self, chance: Random) -> None:
        os.kill(chance.choice(self.alive), signal.SIGKILL)

    def has(self, worker: str) -> bool:
        return _process_of(worker) in self.alive


async def until(true: Callable[[], bool | Awaitable[bool]], patience: float, what: str) -> None:
    """Looks ten times a second. Raises TimeoutError, saying what it waited for."""
    deadline = time.monotonic() + patience
    while True:
        found = true()
        if found if isinstance(found, bool) else await found:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience:.0f} s")
        await asyncio.sleep(0.1)


def _process_of(worker: str) -> int:
    return int(worker.split("-")[-2])


@asynccontextmanager
async def fleet(size: int, said: Mapping[str, str], log: Path) -> AsyncGenerator[Fleet, None]:
    """So many workers, until the block ends."""
    workers = Fleet(said, log)
    kept = [asyncio.create_task(workers.keep_one()) for _ in range(size)]
    try:
        await workers.all_there(size)
        yield workers
    finally:
        for each in kept:
            each.cancel()
        await asyncio.gather(*kept, return_exceptions=True)


def surroundings(url: str, description: Mapping[str, Any]) -> dict[str, str]:
    """What a worker is told, for a sandbox's `description` (sandbox.box)."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIEOUT_")}
    told: Mapping[str, str] = description["environment"]
    return {**inherited, **told, "FLEET_DATABASE": url, "FLEET_CALENDAR": description["calendar"]}


async def main() -> None:
    app.FLOWS = (*app.FLOWS, poison)
    url = os.environ["FLEET_DATABASE"]
    database = Database(url, most=1)
    await database.open()
    configs = resolve(await app.firm_in_force(database), os.environ)
    await database.close()
    calendar = app.calendar_of(Path(os.environ["FLEET_CALENDAR"]))
    sabotage = frozenset(os.environ.get("FLEET_SABOTAGE", "").split())
    machines: Clock | None = (lambda: datetime.now(UTC)) if os.environ.get("FLEET_CLOCK") == "machine" else None
    async with (
        app.open_hub(url, configs, clock=machines, calendar=calendar, every=_SWEEP, sabotage=sabotage) as hub,
        hub.working(),
    ):
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(until_stopped(main(), leash=True))
