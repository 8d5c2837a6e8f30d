"""Works a hub by hand: the same rounds and runs as a worker's, one after another in this process, without waiting."""

from __future__ import annotations

from typing import Protocol

from tieout.engine.execution import Executor
from tieout.engine.rounds import Rounds
from tieout.engine.run import Clock
from tieout.store import runs
from tieout.store.database import Database

_ROUNDS = 60


class Workable(Protocol):
    """What of a hub is worked by hand."""

    @property
    def database(self) -> Database: ...

    @property
    def rounds(self) -> Rounds: ...

    @property
    def executor(self) -> Executor: ...

    @property
    def clock(self) -> Clock: ...


class NeverSettles(AssertionError):
    """Work made new work for longer than any story needs."""


async def settle(hub: Workable) -> int:
    """Sweeps, answers bells and executes due runs until nothing new happens; how many runs were executed.

    Runs that wait for a later moment stay where they are: move the hub's clock and settle again.
    """
    executed = 0
    for _ in range(_ROUNDS):
        rung = await hub.rounds.answer_bells()
        new = await hub.rounds.sweep()
        done = await work_off(hub)
        executed += done
        if not (rung or new or done):
            return executed
    raise NeverSettles(f"{executed} runs, and still there is more")


async def pick_up(hub: Workable) -> int:
    """Executes again what a worker that died was on, or had taken, as the next one in line would."""
    async with hub.database.transaction() as tx:
        orphans = await runs.taken(tx)
    for each in orphans:
        await hub.executor.execute(each["id"], each["generation"])
    return len(orphans)


async def work_off(hub: Workable) -> int:
    """Executes what is due now, in order."""
    executed = 0
    while True:
        async with hub.database.transaction() as tx:
            due = await runs.due(tx, hub.clock(), 50)
            await runs.handed_over(tx, [each["id"] for each in due])
        if not due:
            return executed
        for each in due:
            await hub.executor.execute(each["id"], each["generation"])
            executed += 1
