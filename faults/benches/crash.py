"""Crash anywhere: every network call of every flow is a moment at which the hub dies, before it leaves or after it took effect."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.flows.world import World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.stories import STORIES, Story, abandon, judged, works
from tieout.testing.crash import Fuse, When
from tieout.testing.database import fresh_database, migrated_postgres

# What a full walk comes to, for the display alone: the walk ends where the work does.
_ABOUT = 600
_CREATING = "POST /api/v1/workspaces"
_WHENS: tuple[When, ...] = ("before", "after")


@dataclass(slots=True)
class NetworkFuse(Fuse):
    """Counts network calls alone."""

    def burns(self, when: When, call: str = "") -> bool:
        return Fuse.burns(self, when, call) if call else False


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, step = Outcome(), ceil(1 / budget.share)
    with (
        tempfile.TemporaryDirectory(prefix="tieout-crash-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name), url) as world:
            world.fuse = NetworkFuse()
            outcome.saboteurs["done before it is sent"] = await _sabotaged(world, "mark_first", "before", 0)
            outcome.saboteurs["a fresh key for every try"] = await _sabotaged(world, "fresh_key", "after", 2)
            for story in STORIES:
                for number, when in enumerate(_WHENS):
                    first = 1 + (seed + number * step // 2) % step
                    walked = await _walk(world, story, when, range(first, 10_000, step), budget, outcome, progress)
                    outcome.measures[f"{story.name}, killed {when} a call"] = (walked, "calls")
                    if outcome.cut_short:
                        return outcome
    return outcome


async def _walk(
    world: World, story: Story, when: When, moments: range, budget: Budget, outcome: Outcome, progress: Progress
) -> int:
    """Kills at each of these calls until the work is over before; how many."""
    for walked, at in enumerate(moments):
        if budget.over:
            outcome.cut_short = f"{story.name}, {when} call {at}"
            return walked
        await world.start()
        deal = await story.begins(world)
        world.fuse.light(at, when)
        over = await works(world)
        await world.start()
        await world.settle()
        lost, doubled, evidence = await judged(world, story, deal)
        outcome.lost += lost
        outcome.doubled += doubled
        outcome.evidence += evidence
        if over:
            return walked
        outcome.real += 1
        progress(outcome.real, max(outcome.real, budget.goal(_ABOUT)), f"{story.name}, {when} call {at}")
    return len(moments)


async def _sabotaged(world: World, bug: str, when: When, expected: int) -> bool:
    """Whether it is noticed that the project is lost, or doubled."""
    story = STORIES[0]
    await world.start(frozenset({bug}))
    deal = await story.begins(world)
    world.fuse.light(0, when, _CREATING)
    assert not await works(world), "the saboteur's hub never made a project"
    await world.start(frozenset({bug}))
    await world.settle()
    found = (await deal.counts())["psa projects"]
    lost, doubled, _ = await judged(world, story, deal)
    await world.start()
    await abandon(world, deal)
    return found == expected and bool(lost + doubled)


BENCH = Bench(
    name="crash",
    title="The hub dies at every network call of every flow, and its successor ends with exactly one of everything.",
    proves=("F1",),
    about=(
        "A won deal, approved time that is billed, work before the signature, and a hold that is shown on its project, each "
        "with the Salesforce and Kantata sandboxes and a real Tryton. The hub ends at the n-th network call, before it "
        "leaves or after the other side has carried it out, for every n; the next hub goes on with the same database. Then "
        "each system is asked how many there are of what there must be one of, and the law of conservation is asked for."
    ),
    minutes=20,
    run=run,
)
