"""The network fails while flows are at work: answers never come, are lost after the effect, crawl, or come late as a zombie."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any, Literal

import httpx2
from tests.flows.world import World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.link import slow_link
from faults.stories import STORIES, Story, abandon, judged
from tieout.testing.contract.network import Fault, FaultyNetwork
from tieout.testing.database import fresh_database, migrated_postgres
from tieout.testing.hand import settle

_CASES, _CALLS, _MOST = 100, 40, 3
# No connection, a black hole, an answer lost after the effect, a gateway between, and a request that arrives afterwards.
_FAULTS: Sequence[Fault] = ("refused", "silent", "lost", "bad_gateway", "late")
# Over a real proxy: an answer that comes in time, one that comes when it is waited for no more, and four bytes a second.
SlowLink = Literal["slow", "too slow", "trickling"]
_LINKS: Mapping[SlowLink, Mapping[str, float]] = {
    "slow": {"delay": 0.3}, "too slow": {"delay": 1.5}, "trickling": {"rate": 4.0},
}  # fmt: skip
_DRAWN: Sequence[Fault | SlowLink] = (*_FAULTS, *_FAULTS, *_LINKS)
# How long the hub waits for an answer here, in seconds; the real ERP may need longer for an honest one.
_PATIENCE = {"salesforce": 1.0, "kantata": 1.0, "erp-us": 5.0, "erp-de": 5.0}
_CREATING = "/api/v1/workspaces"
_READING = ("read", "login", "get_preferences", "version")
Plan = dict[int, Fault | SlowLink]


@dataclass(slots=True)
class Trouble:
    """One network for all systems. `plan` is the fault of the n-th call from now on, of those alone that change something
    when `changes`; `at` strikes the first call that creates there."""

    links: AsyncExitStack
    plan: Plan = field(default_factory=Plan)
    changes: bool = False
    at: str = ""
    calls: int = 0
    struck: list[str] = field(default_factory=list[str])
    networks: list[FaultyNetwork] = field(default_factory=list[FaultyNetwork])

    def between(self, inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        network = FaultyNetwork(inner, lambda request: request.method != "GET", {})
        self.networks.append(network)
        return _Counted(inner, network, self)

    def fault(self, request: httpx2.Request) -> Fault | SlowLink | None:
        if self.changes and not _changes(request):
            return None
        self.calls += 1
        if self.at and request.method == "POST" and request.url.path == self.at:
            self.at = ""
            return "lost"
        return self.plan.pop(self.calls, None)

    def begin(self, plan: Plan, *, changes: bool = False, at: str = "") -> None:
        self.plan, self.changes, self.at, self.calls, self.struck = plan, changes, at, 0, []

    async def late_ones_arrive(self) -> None:
        """While the hub still waits for what they may have done. Slow links are cut."""
        await self.links.aclose()
        for each in self.networks:
            if each.late:
                await each.deliver()


@dataclass(frozen=True, slots=True)
class _Counted(httpx2.AsyncBaseTransport):
    inner: httpx2.AsyncBaseTransport
    network: FaultyNetwork
    trouble: Trouble

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        fault = self.trouble.fault(request)
        if fault is not None:
            self.trouble.struck.append(f"{fault} {request.method} {request.url.path}")
        match fault:
            case None:
                pass
            case "slow" | "too slow" | "trickling":
                link = slow_link(request.url.host, request.url.port or 80, **_LINKS[fault])
                port = await self.trouble.links.enter_async_context(link)
                request.url = request.url.copy_with(port=port)
            case _:
                self.network.strike(fault, only_changes=False)
        return await self.network.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


def _changes(request: httpx2.Request) -> bool:
    """The ERP is asked by POST as well: the name of its method tells."""
    if request.method == "GET" or request.url.path.endswith("/token"):
        return False
    asked = json.loads(request.content or b"{}")
    return not str(asked.get("method", "")).endswith(_READING)


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, chance = Outcome(), Random(seed)  # noqa: S311 - repeatable
    with (
        tempfile.TemporaryDirectory(prefix="tieout-network-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name), url) as world, AsyncExitStack() as links:
            trouble = Trouble(links)
            world.network = trouble.between
            outcome.saboteurs["a fresh key for every try"] = await _sabotaged(world, trouble)
            await _drawn(world, trouble, outcome, chance, budget, progress)
            await _pairs(world, trouble, outcome, seed, budget, progress)
    return outcome


async def _drawn(
    world: World, trouble: Trouble, outcome: Outcome, chance: Random, budget: Budget, progress: Progress
) -> None:
    goal = budget.goal(_CASES)
    for number in range(goal):
        if budget.over:
            outcome.cut_short = f"{number} of {goal} mixes"
            return
        story = STORIES[number % len(STORIES)]
        plan: Plan = {chance.randint(1, _CALLS): chance.choice(_DRAWN) for _ in range(chance.randint(1, _MOST))}
        await _one(world, story, trouble, outcome, plan)
        progress(number + 1, goal, f"{story.name}: {', '.join(trouble.struck) or 'nothing struck'}")
        outcome.measures["mixes of one to three faults"] = (number + 1, "")


async def _pairs(
    world: World, trouble: Trouble, outcome: Outcome, seed: int, budget: Budget, progress: Progress
) -> None:
    """A won deal, and any two of its calls that change something: every pair of calls, and every pair of faults in turn."""
    await _one(world, STORIES[0], trouble, outcome, {}, changes=True)
    pairs, kinds = list(combinations(range(1, trouble.calls + 1), 2)), list(product(_FAULTS, _FAULTS))
    goal = budget.goal(len(pairs))
    for number in range(goal):
        if budget.over:
            outcome.cut_short = f"{number} of {goal} pairs"
            return
        # A prime step: a share of the walk has pairs from everywhere, and neighbours have other faults.
        (first, second), faults = pairs[(seed + number * 101) % len(pairs)], kinds[(seed + number) % len(kinds)]
        await _one(world, STORIES[0], trouble, outcome, {first: faults[0], second: faults[1]}, changes=True)
        progress(number + 1, goal, f"pairs: {', '.join(trouble.struck)}")
        outcome.measures["pairs of changes by a won deal"] = (number + 1, f"of {len(pairs)}")


async def _one(
    world: World, story: Story, trouble: Trouble, outcome: Outcome, plan: Plan, *, changes: bool = False
) -> None:
    """A story with this trouble, which is over before the hub has come to rest."""
    await world.start(settings=_settings())
    deal = await story.begins(world)
    trouble.begin(plan, changes=changes)
    for _ in range(len(plan) + 1):  # after one fault the hub waits, and meets the next one later
        await settle(world.hub)
        await trouble.late_ones_arrive()
        if not await world.skip():
            break
    struck, calls, trouble.plan = trouble.struck, trouble.calls, {}
    await world.settle()
    trouble.calls = calls
    lost, doubled, evidence = await judged(world, story, deal)
    outcome.real += len(struck)
    outcome.lost += lost
    outcome.doubled += doubled
    outcome.evidence += [f"{each} ({', '.join(struck)})" for each in evidence]


def _settings() -> Mapping[str, Mapping[str, Any]]:
    return {name: {"timeout": seconds} for name, seconds in _PATIENCE.items()}


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
        "arrive when the hub has given them up, within the time that a request may live; or they go over a TCP proxy whose "
        "answer comes late, after the hub has given it up, or four bytes a second. Then any two calls of a won deal that "
        "change something: every pair of them, with every pair of faults in turn. Then the systems are counted."
    ),
    minutes=13,
    run=run,
)
