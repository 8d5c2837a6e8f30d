"""Kills the hub at one network call after the other of a story, and looks what its successor makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.flows.world import Deal, World, opened_world

from faults.bench import Budget, Outcome, Progress
from faults.stories import Story, judged, works
from tieout.testing.crash import Fuse, When
from tieout.testing.database import fresh_database, migrated_postgres

# Deals that are prepared together: what leads to them is not what is walked.
_TOGETHER = 8
_WHENS: tuple[When, ...] = ("before", "after")


@dataclass(slots=True)
class NetworkFuse(Fuse):
    """Counts network calls alone."""

    def burns(self, when: When, call: str = "") -> bool:
        return Fuse.burns(self, when, call) if call else False


@asynccontextmanager
async def mortal_world() -> AsyncGenerator[World, None]:
    """A firm whose hub dies at network calls."""
    with (
        tempfile.TemporaryDirectory(prefix="tieout-crash-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name), url) as world:
            world.fuse = NetworkFuse()
            yield world


async def walk(
    world: World,
    stories: Sequence[Story],
    about: int,
    budget: Budget,
    seed: int,
    outcome: Outcome,
    progress: Progress,
) -> None:
    """Every call of each story, before it leaves and after it took effect; with a share of the budget, each n-th.

    `about` is what that comes to, for the display alone: the walk ends where the work does.
    """
    step = ceil(1 / budget.share)
    for story in stories:
        for number, when in enumerate(_WHENS):
            first, walked, over = 1 + (seed + number * step // 2) % step, 0, False
            prepared = list[Deal]()
            while not over:
                at = first + walked * step
                if budget.over:
                    outcome.cut_short = f"{story.name}, {when} call {at}"
                    return
                await world.start()
                prepared = prepared or await story.prepares(world, _TOGETHER)
                over = await _killed(world, story, prepared.pop(), at, when, outcome)
                if not over:
                    walked += 1
                    outcome.real += 1
                    progress(outcome.real, max(outcome.real, budget.goal(about)), f"{story.name}, {when} call {at}")
            outcome.measures[f"{story.name}, killed {when} a call"] = (walked, "calls")


async def _killed(world: World, story: Story, deal: Deal, at: int, when: When, outcome: Outcome) -> bool:
    """Whether the work was over before that call."""
    await story.acts(world, deal)
    world.fuse.light(at, when)
    over = await works(world)
    await world.start()
    await world.settle()
    lost, doubled, evidence = await judged(world, story, deal)
    outcome.lost += lost
    outcome.doubled += doubled
    outcome.evidence += evidence
    return over
