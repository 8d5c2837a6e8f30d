"""Crash anywhere in a kickoff: every network call is a moment at which the hub dies, before it leaves or after it took effect."""

from __future__ import annotations

from tests.flows.world import World

from faults.bench import Bench, Budget, Outcome, Progress
from faults.dying import mortal_world, walk
from faults.stories import EARLY_START, HOLD_STATUS, KICKOFF, abandon, judged, works
from tieout.testing.crash import When

_ABOUT = 470
_CREATING = "POST /api/v1/workspaces"


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome = Outcome()
    async with mortal_world() as world:
        outcome.saboteurs["done before it is sent"] = await _sabotaged(world, "mark_first", "before", 0)
        outcome.saboteurs["a fresh key for every try"] = await _sabotaged(world, "fresh_key", "after", 2)
        await walk(world, (KICKOFF, EARLY_START, HOLD_STATUS), _ABOUT, budget, seed, outcome, progress)
    return outcome


async def _sabotaged(world: World, bug: str, when: When, expected: int) -> bool:
    """Whether it is noticed that the project is lost, or doubled."""
    await world.start(frozenset({bug}))
    deal = await KICKOFF.begins(world)
    world.fuse.light(0, when, _CREATING)
    assert not await works(world), "the saboteur's hub never made a project"
    await world.start(frozenset({bug}))
    await world.settle()
    found = (await deal.counts())["psa projects"]
    lost, doubled, _ = await judged(world, KICKOFF, deal)
    await world.start()
    await abandon(world, deal)
    return found == expected and bool(lost + doubled)


BENCH = Bench(
    name="crash",
    title="The hub dies at every network call of a kickoff, and its successor ends with exactly one of everything.",
    proves=("F1",),
    about=(
        "A won deal, work before the signature, and a hold that is shown on its project, each with the Salesforce and Kantata "
        "sandboxes and a real Tryton. The hub ends at the n-th network call, before it leaves or after the other side has "
        "carried it out, for every n; the next hub goes on with the same database. Then each system is asked how many there "
        "are of what there must be one of, and the law of conservation is asked for."
    ),
    minutes=18,
    run=run,
)
