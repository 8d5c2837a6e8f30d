"""A worker as a process of its own, with flows that are the end of it, each in its own way, and one that is not."""

from __future__ import annotations

import asyncio
import ctypes
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tieout.domain.firm import ApprovalRule, Firm
from tieout.engine.execution import Alone, Executor
from tieout.engine.planner import Planner
from tieout.engine.prefork import Prefork
from tieout.engine.rehearsal import Rehearser
from tieout.engine.run import Run, flow
from tieout.engine.watchdog import resident, watched
from tieout.engine.worker import Worker
from tieout.store.database import Database

_MEBIBYTE = 1 << 20
# What a worker may hold beyond what it holds when it begins, what it may stand still, and what a run may take.
ROOM, STUCK, LONGEST = 150 * _MEBIBYTE, 4.0, timedelta(seconds=2)
# What those may take that never answer, and when they give their place to others, where that is looked at.
PATIENT, SLOW = timedelta(seconds=60), timedelta(seconds=0.5)


async def _raises() -> None:
    raise KeyError("nobody thought of it")


async def _never_answers() -> None:
    await asyncio.Event().wait()


async def _kills() -> None:
    await asyncio.sleep(0.3)  # until its neighbours have begun
    ctypes.string_at(0)


async def _eats() -> None:
    eaten = bytearray()
    while True:
        eaten.extend(b"x" * _MEBIBYTE)
        await asyncio.sleep(0.005)


async def _stands_still() -> None:
    re.match(r"(x+x+)+y", "x" * 40)


async def _works() -> None:
    await asyncio.sleep(1)


WAYS: dict[str, Callable[[], Awaitable[None]]] = {
    "raises": _raises,
    "never answers": _never_answers,
    "kills": _kills,
    "eats": _eats,
    "stands still": _stands_still,
    "works": _works,
}


@flow(version=1, title="Ends as its version says")
async def deadly(run: Run, poisonous: bool) -> None:
    await run.step(run.version, WAYS[run.version] if poisonous else _works)


def no_firm() -> Firm:
    return Firm.model_construct(name="Nobody's", approvals=ApprovalRule())


def now() -> datetime:
    return datetime.now(UTC)


def hands(database: Database, name: str, said: Sequence[str], alone: Alone | None = None) -> Executor:
    """`said` are saboteurs; "cured" makes every flow harmless, "patient" lets runs take a minute."""
    longest, slow = (PATIENT, SLOW) if "patient" in said else (LONGEST, LONGEST)
    poisonous = "cured" not in said
    systems: Callable[..., Any] = lambda *_: poisonous  # noqa: E731 - what the flow is given
    return Executor(
        database, now, lambda: now().date(), [deadly], systems, no_firm, name, frozenset(said), longest,
        alone=alone, slow=slow, soon=slow,
    )  # fmt: skip


async def main(url: str, name: str, *said: str) -> None:
    database = Database(url)
    await database.open()
    prefork = Prefork(("tieout.engine.worker", "tieout.engine.rehearsal"))
    executor = hands(database, name, said, partial(prefork.run, carry_out, database.url, name, said))
    worker = Worker(database, now, executor, name, concurrency=4, memory=resident() + ROOM, stuck=STUCK)
    systems: Callable[..., Any] = lambda *_: "cured" not in said  # noqa: E731
    rehearser = Rehearser(database, now, lambda: now().date(), [deadly], systems)
    async with worker.running():
        planning = asyncio.create_task(Planner(database, now, no_firm, rehearser).forever())
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await planning


async def carry_out(_: Any, url: str, name: str, said: Sequence[str], run_id: str, generation: int) -> None:
    """One run in a process of its own."""
    database = Database(url)
    await database.open()
    async with watched(resident() + ROOM, STUCK):
        await hands(database, name, said).carry_out(run_id, generation)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
