"""Workers of the page path as processes of their own on one database, beside ERPs that they reach over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import cast

from tieout.cli.stopping import until_stopped
from tieout.connectors.contract import Connector
from tieout.domain.firm import Firm
from tieout.engine.execution import Executor
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS
from tieout.folder.loading import load
from tieout.store.database import Database
from tieout.systems.systems import systems_for
from tieout.testing.null_erp import NullErp

from .far_erp import FarErp
from .ground import KESTREL, Ground, now, until
from .timesheets import PSA


@asynccontextmanager
async def crowd(
    on: Ground, size: int, ledgers: Sequence[FarErp], people: Sequence[str], today: date
) -> AsyncGenerator[Sequence[Process], None]:
    """So many workers, which work until the block ends. What the source tells is taken in by whoever calls this."""
    file = on.folder / "crowd.json"
    erps = {each.name: each.address for each in ledgers}
    file.write_text(json.dumps({"url": on.url, "erps": erps, "people": list(people), "today": str(today)}))
    async with working(size, "benchmarks.crowd", str(file)) as workers:
        yield workers


@asynccontextmanager
async def working(size: int, module: str, *said: str) -> AsyncGenerator[Sequence[Process], None]:
    """So many processes of a module, each told what was said and a name of its own, once all of them say that they work."""
    command = [sys.executable, "-W", "ignore", "-m", module, *said]
    workers = [
        await asyncio.create_subprocess_exec(*command, f"worker {number}", stdin=PIPE, stdout=PIPE)
        for number in range(1, size + 1)
    ]
    try:
        for each in workers:
            assert each.stdout is not None
            assert await each.stdout.readline() == b"working\n"
        yield workers
    finally:
        for each in workers:
            if each.returncode is None:
                each.kill()
            await each.wait()


async def kill_who(delivers: Callable[[], Awaitable[str]], workers: Sequence[Process], patience: float) -> None:
    """Kills the worker that `delivers` names, as soon as it names one."""
    victim = ""

    async def named() -> str:
        nonlocal victim
        victim = await delivers()
        return victim

    await until(named, patience, "the moment to kill", every=0.02)
    os.kill(workers[int(victim.rpartition(" ")[2]) - 1].pid, signal.SIGKILL)


async def main(file: str, name: str) -> None:
    """One worker."""
    with open(file) as told:  # noqa: ASYNC230 - before anything else happens
        said = json.load(told)
    database, firm = Database(said["url"]), load(KESTREL)
    await database.open()
    today = date.fromisoformat(said["today"])
    ledgers = [FarErp(each, said["people"], address) for each, address in said["erps"].items()]
    others = [NullErp(each, said["people"]) for each in (PSA, "erp-us", "erp-de") if each not in said["erps"]]
    connections = {each.name: cast(Connector, each) for each in (*ledgers, *others)}

    def in_force() -> Firm:
        return firm

    executor = Executor(database, now, lambda: today, FLOWS, systems_for(connections, now), in_force, name)
    async with Worker(database, now, executor, name).running():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(until_stopped(main(*sys.argv[1:]), leash=True))
