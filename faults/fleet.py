"""Workers of the hub as processes of their own, under a supervisor that starts another one whenever one ends.

`python -m faults.fleet` is such a worker: it finds database, connections and calendar in its environment as `tieout serve`
does, and knows one flow more: poison.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tieout import app
from tieout.cli.stopping import until_stopped
from tieout.engine.prefork import Prefork
from tieout.engine.run import Run, flow
from tieout.folder.connections import resolve
from tieout.serving import IMPORTED, Post, keep_working
from tieout.store import runs
from tieout.store.database import Database, Tx

_FEW, _SWEEP = 60, timedelta(seconds=1)
_WORKING = b"working\n"


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
    """`said` is the environment of every worker, `ended` how often one ended, `alive` the ids of the processes that keep one."""

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
            try:
                await self._watch(process)
            finally:
                process.stdin.close()  # its leash
                await process.communicate()  # with what it still says: one whose pipe is full counts as not ended

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Until it ends. It says a line for every worker that begins: another one than the first, because one ended."""
        assert process.stdout is not None
        begun = 0
        try:
            async for line in process.stdout:
                if line == _WORKING:
                    self.ended += begun > 0
                    begun += 1
                    self.alive += [process.pid] if begun == 1 else []
            await process.wait()
            self.ended += 1
        finally:
            with contextlib.suppress(ValueError):
                self.alive.remove(process.pid)

    async def all_there(self, size: int) -> None:
        """Raises TimeoutError when there are not so many workers within a minute."""
        await until(lambda: len(self.alive) >= size, _FEW, f"{size} workers")

    def kill(self, worker: str) -> None:
        """kill -9 for the worker with this id (it has its process in it) and for everything that belongs to it."""
        keeper = self._keeper(worker)
        assert keeper is not None, f"{worker} is not of this fleet"
        _kill_all(keeper)

    def kill_any(self, chance: Random) -> None:
        _kill_all(chance.choice(self.alive))

    def has(self, worker: str) -> bool:
        return self._keeper(worker) is not None

    def _keeper(self, worker: str) -> int | None:
        with contextlib.suppress(psutil.NoSuchProcess):
            above = {each.pid for each in psutil.Process(int(worker.split("-")[-2])).parents()}
            return next((each for each in self.alive if each in above), None)
        return None


def _kill_all(keeper: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        it = psutil.Process(keeper)
        for each in (it, *it.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


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


def setup() -> None:
    """In every process of a worker: there is one flow more."""
    app.FLOWS = (*app.FLOWS, poison)


def machine_clock() -> datetime:
    return datetime.now(UTC)


def say_so() -> None:
    sys.stdout.buffer.write(_WORKING)
    sys.stdout.flush()


async def main() -> None:
    url = os.environ["FLEET_DATABASE"]
    database = Database(url, most=1)
    await database.open()
    configs = resolve(await app.firm_in_force(database), os.environ)
    await database.close()
    post = Post(
        url, configs, {}, "", Path(os.environ["FLEET_CALENDAR"]), _SWEEP, None,
        machine_clock if os.environ.get("FLEET_CLOCK") == "machine" else None,
        frozenset(os.environ.get("FLEET_SABOTAGE", "").split()),
    )  # fmt: skip
    await keep_working(Prefork(IMPORTED, setup), post, say_so, say_so)


if __name__ == "__main__":
    asyncio.run(until_stopped(main(), leash=True))
