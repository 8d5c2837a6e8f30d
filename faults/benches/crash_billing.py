"""Crash anywhere in billing: every network call from approved time to its draft invoice is a moment at which the hub dies."""

from __future__ import annotations

from faults.bench import Bench, Budget, Outcome, Progress
from faults.dying import mortal_world, walk
from faults.stories import BILLING

_ABOUT = 260


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome = Outcome()
    async with mortal_world() as world:
        await walk(world, (BILLING,), _ABOUT, budget, seed, outcome, progress)
    return outcome


BENCH = Bench(
    name="crash-billing",
    title="The hub dies at every network call of billing, and its successor ends with one timesheet and one draft invoice.",
    proves=("F1",),
    about=(
        "Approved time of a deal becomes a timesheet and a draft invoice in a real Tryton, and sales and delivery hear of it. "
        "The hub ends at the n-th network call, before it leaves or after the other side has carried it out, for every n, as in "
        "the bench `crash`, whose saboteurs prove this one, too: the calls of the real ERP all look alike from outside."
    ),
    minutes=15,
    run=run,
)
