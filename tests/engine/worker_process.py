"""A worker as a process of its own, which a test can kill: it works on one flow that takes its time."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from tieout.cli.stopping import until_stopped
from tieout.domain.firm import Firm
from tieout.engine.execution import Executor
from tieout.engine.run import Run, flow
from tieout.engine.worker import Worker
from tieout.store.database import Database


@flow(version=1, title="Takes its time")
async def slowly(run: Run, pace: Any) -> None:
    await run.step("work", asyncio.sleep, float(run.version) * pace)


def no_firm() -> Firm:
    return Firm.model_construct(name="Nobody's")


def now() -> datetime:
    return datetime.now(UTC)


async def main(url: str, name: str, pace: str) -> None:
    database = Database(url)
    await database.open()
    executor = Executor(database, now, lambda: now().date(), [slowly], lambda *_: float(pace), no_firm, name)
    async with Worker(database, now, executor, name, concurrency=4).running():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(until_stopped(main(*sys.argv[1:]), leash=False))
