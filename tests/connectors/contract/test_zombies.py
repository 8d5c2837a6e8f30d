"""Requests that arrive after everybody gave them up: waiting makes one record of each write, looking at once makes two."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from tests.connectors.contract import kantata_bench

from tieout.engine.effects import Context, Effects
from tieout.engine.rounds import Rounds
from tieout.engine.run import Later
from tieout.store import firm, holds
from tieout.store.database import Database
from tieout.testing.contract import ConnectorBench
from tieout.testing.contract.settling import Moment

pytestmark = pytest.mark.anyio

SENDS = 200
LATE = 0.2
OPERATION = "client.create"


class Story:
    """Two hundred customers set up in the PSA; every fifth request is held on its way for some of the settling time."""

    def __init__(self, bench: ConnectorBench, database: Database, sabotage: frozenset[str]) -> None:
        self.bench = bench
        self.clock = Moment()
        self.held: list[datetime] = []  # when each late request arrives
        self.doubled = 0
        self.effects = Effects(database, self.clock, Context("zombies"), sabotage)

    async def go(self) -> None:
        chance, sink = Random(20), self.bench.connection
        settle = sink.operation(OPERATION).settle
        samples = [await self.bench.sample(OPERATION) for _ in range(SENDS)]
        waiting: list[Any] = []
        for sample in samples:
            late = chance.random() < LATE
            if late:
                self.bench.network.strike("late")
                self.held.append(self.clock() + settle * chance.uniform(0.5, 0.9))
            try:
                await self.effects.perform(sink, sample.write)
                assert not late
            except Later:
                assert late
                waiting.append(sample)
        for step in (timedelta(seconds=1), settle):  # a run that comes back after a second, and one that waited
            await self._forward(step)
            waiting = [each for each in waiting if not await self._done(each)]
        await self._forward(settle)
        assert waiting == []
        assert self.bench.network.late == 0
        counts = [len(await each.seen()) for each in samples]
        assert 0 not in counts
        self.doubled = sum(counts) - SENDS

    async def _done(self, sample: Any) -> bool:
        try:
            await self.effects.perform(self.bench.connection, sample.write)
        except Later:
            return False
        return True

    async def _forward(self, step: timedelta) -> None:
        """Time passes, and what was on its way arrives."""
        self.clock.at += step
        self.bench.forward(step)
        arrived = sum(each <= self.clock() for each in self.held) - (len(self.held) - self.bench.network.late)
        await self.bench.network.deliver(arrived)


async def told(database: Database, bench: ConnectorBench, sabotage: frozenset[str]) -> Story:
    async with database.transaction() as tx:
        connection = (bench.connection.name, bench.spec.kind, "psa", None)
        await firm.apply(tx, content={}, entities=(), connections=[connection], actor="test", now=Moment()())
    story = Story(bench, database, sabotage)
    await story.go()
    return story


async def second_look(database: Database, bench: ConnectorBench, clock: Moment) -> int:
    """How many subjects the engine's second look holds up to a person, because they are there twice."""
    nothing: Any = None  # of all rounds, only this one is made
    name = bench.connection.name
    rounds = Rounds(database, clock, nothing, nothing, {name: bench.connection}, nothing, every=timedelta(minutes=1))
    while await rounds.look_again():
        pass
    async with database.transaction() as tx:
        return sum(each["code"] == "target.doubled" for each in await holds.listed(tx))


async def test_waiting_out_the_settling_time_doubles_nothing(database: Database) -> None:
    bench = kantata_bench.bench()
    story = await told(database, bench, frozenset())
    assert len(story.held) > SENDS * LATE / 2
    assert story.doubled == 0
    await bench.close()


async def test_looking_at_once_doubles_all_that_are_late_and_a_second_look_tells_of_each(database: Database) -> None:
    """The saboteur: what most integrations do."""
    bench = kantata_bench.bench()
    story = await told(database, bench, frozenset({"look_at_once"}))
    assert story.doubled == len(story.held) > SENDS * LATE / 2
    assert await second_look(database, bench, story.clock) == story.doubled
    await bench.close()
