"""The database's clock is minutes off the source's, and goes back two hours while messages come: nothing is ordered by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from faults.deliveries import World, world
from faults.recording import recorded_by
from tieout.store import messages, workers
from tieout.store.clock import pull_back
from tieout.store.database import Tx
from tieout.store.messages import Arrival

# How far the hub's clock is off the source's. A signature is believed for five minutes.
_RIGHT, _TOLERANCE = timedelta(), timedelta(minutes=5)
_OFF = (_RIGHT, _TOLERANCE, -_TOLERANCE, timedelta(hours=-2), timedelta(hours=2))
_STEPS, _PATIENCE = 80, 12
_WORKER = "worker"
_DEEDS = ("change", "change", "change", "sweep", "sweep", "sweep", "ring", "answer", "work", "work", "clock", "clock")


async def one_walk(template: str, seed: int, *, notices: bool = True) -> World:
    """So many things happen; `notices` is whether a worker sees that the clock went back."""
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    async with world(template) as here:
        async with here.database.transaction() as tx:
            await workers.enter(tx, _WORKER, 1, here.now())
        for _ in range(_STEPS):
            await _happens(here, chance, notices=notices)
        await here.finish()
        return here


async def _happens(here: World, chance: Random, *, notices: bool) -> None:
    kind, number = chance.choice([*here.sources]), chance.randrange(3)
    states = here.sources[kind].states
    match chance.choice(_DEEDS):
        case "change":
            here.change(kind, number, at_once=chance.random() < 0.3)
        case "sweep" if states:
            told = [(each, chance.randrange(len(states[each]))) for each in chance.choices([*states], k=3)]
            await here.sweep(kind, told)
        case "ring" if abs(here.off) <= _TOLERANCE:
            await here.ring("honest", number)
        case "answer":
            await here.answer_bells({})
        case "clock":
            await _set(here, chance.choice(_OFF), notices=notices)
        case _:
            await here.work(chance.randrange(1, 4))


async def _set(here: World, off: timedelta, *, notices: bool) -> None:
    """The clock jumps between two beats of a worker."""
    here.faults["the clock goes back" if off < here.off else "the clock goes ahead"] += off != here.off
    async with here.database.transaction() as tx:
        await workers.beat(tx, _WORKER, {}, here.now())
        here.off = off
        if notices:
            await pull_back(tx, here.now())
        await workers.beat(tx, _WORKER, {}, here.now())


@contextmanager
def order_by_wall_clock() -> Iterator[None]:
    """Whatever arrived last, by the hub's clock, is the newest state."""
    record = messages.record

    async def by_the_wall(tx: Tx, arrivals: Sequence[Arrival], **more: Any) -> list[dict[str, Any]]:
        stored = await record(tx, arrivals, **more)
        await tx.execute(
            """
            update message as m set state = 'ignored', reason = 'older', settled_at = received_at
            where id = any(%(ids)s) and exists (
                select from message as other
                where (other.connection, other.kind, other.record_id) = (m.connection, m.kind, m.record_id)
                    and other.received_at > m.received_at
            )
            """,
            {"ids": [each["id"] for each in stored]},
        )
        return stored

    with recorded_by(by_the_wall):
        yield


async def noticed(template: str, seed: int, sabotage: AbstractContextManager[Any], *, notices: bool = True) -> bool:
    """Whether the bug shows in one of a few walks."""
    with sabotage:
        for each in range(seed, seed + _PATIENCE):
            if (await one_walk(template, each, notices=notices)).verdict.everything:
                return True
    return False


async def saboteurs(template: str, seed: int) -> dict[str, bool]:
    """Which of the known bugs are noticed."""
    return {
        "order by wall clock": await noticed(template, seed, order_by_wall_clock()),
        "what waits is not pulled back with the clock": await noticed(template, seed, ExitStack(), notices=False),
    }
