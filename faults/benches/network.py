"""The network fails while flows are at work: answers that never come, are lost after the effect, or come late as a zombie."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2
from tests.flows.world import World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.stories import STORIES, Story, abandon, judged
from tieout.testing.contract.network import Fault, FaultyNetwork
from tieout.testing.database import fresh_database, migrated_postgres
from tieout.testing.hand import settle

_CASES, _CALLS, _MOST = 240, 40, 3
# No connection, a black hole, an answer lost after the effect, a gateway between, and a request that arrives afterwards.
_FAULTS: Sequence[Fault] = ("refused", "silent", "lost", "bad_gateway", "late")
_CREATING = "/api/v1/workspaces"


@dataclass(slots=True)
class Trouble:
    """One network for all systems. `plan` is the fault of the n-th call from now on; `at` strikes the first call that creates there."""

    plan: dict[int, Fault] = field(default_factory=dict[int, Fault])
    at: str = ""
    calls: int = 0
    struck: list[str] = field(default_factory=list[str])
    networks: list[FaultyNetwork] = field(default_factory=list[FaultyNetwork])

    def between(self, inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        network = FaultyNetwork(inner, lambda request: request.method != "GET", {})
        self.networks.append(network)
        return _Counted(inner, network, self)

    def fault(self, request: httpx2.Request) -> Fault | None:
        self.calls += 1
        if self.at and request.method == "POST" and request.url.path == self.at:
            self.at = ""
            return "lost"
        return self.plan.pop(self.calls, None)

    def begin(self, plan: dict[int, Fault], at: str = "") -> None:
        self.plan, self.at, self.calls, self.struck = plan, at, 0, []

    async def late_ones_arrive(self) -> None:
        for each in self.networks:
            if each.late:
                await each.deliver()


@dataclass(frozen=True, slots=True)
class _Counted(httpx2.AsyncBaseTransport):
    inner: httpx2.AsyncBaseTransport
    network: FaultyNetwork
    trouble: Trouble

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        fault = self.trouble.fault(request)
        if fault is not None:
            self.trouble.struck.append(f"{fault} {request.method} {request.url.path}")
            self.network.strike(fault, only_changes=False)
        return await self.network.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, goal, chance, trouble = Outcome(), budget.goal(_CASES), Random(seed), Trouble()  # noqa: S311 - repeatable
    with (
        tempfile.TemporaryDirectory(prefix="tieout-network-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name), url) as world:
            world.network = trouble.between
            outcome.saboteurs["a fresh key for every try"] = await _sabotaged(world, trouble)
            for number in range(goal):
                if budget.over:
                    outcome.cut_short = f"{number} of {goal} mixes"
                    break
                story = STORIES[number % len(STORIES)]
                plan: dict[int, Fault] = {
                    chance.randint(1, _CALLS): chance.choice(_FAULTS) for _ in range(chance.randint(1, _MOST))
                }
                await _one(world, story, trouble, plan, outcome)
                progress(number + 1, goal, f"{story.name}: {', '.join(trouble.struck) or 'nothing struck'}")
                outcome.measures["mixes of one to three faults"] = (number + 1, "")
    return outcome


async def _one(world: World, story: Story, trouble: Trouble, plan: dict[int, Fault], outcome: Outcome) -> None:
    """A story with this trouble; what is late arrives while the hub still waits for it."""
    await world.start()
    deal = await story.begins(world)
    trouble.begin(plan)
    await settle(world.hub)
    struck = trouble.struck
    trouble.plan = {}
    await trouble.late_ones_arrive()
    await world.settle()
    lost, doubled, evidence = await judged(world, story, deal)
    outcome.real += len(struck)
    outcome.lost += lost
    outcome.doubled += doubled
    outcome.evidence += evidence


async def _sabotaged(world: World, trouble: Trouble) -> bool:
    """Whether it is noticed that a project is made once more because the answer was lost."""
    story = STORIES[0]
    await world.start(frozenset({"fresh_key"}))
    deal = await story.begins(world)
    trouble.begin({}, at=_CREATING)
    await settle(world.hub)
    await world.settle()
    _, doubled, _ = await judged(world, story, deal)
    await world.start()
    await abandon(world, deal)
    return doubled > 0


BENCH = Bench(
    name="network",
    title="Whatever the network does to a call, one of everything is there in the end.",
    proves=("F5", "F6"),
    about=(
        "The stories of the crash bench. While the hub works, one to three calls, chosen by the seed, get no connection, no "
        "answer, an answer that is lost after the effect, a gateway's error after the effect, or go on as zombies and "
        "arrive when the hub has given them up, within the time that a request may live. Then the systems are counted."
    ),
    minutes=7,
    run=run,
)
