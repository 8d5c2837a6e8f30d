"""The engine's decisions in virtual time: small worlds by the ten thousand, in which everything that can go wrong does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

from faults.bench import Bench, Budget, Outcome, Progress
from tieout.testing.simulation.scenario import Trouble, drawn
from tieout.testing.simulation.search import BEYOND, SABOTEURS, first_broken, judged, shortest, told

_FAULTS = 600_000
_WORLDS_AT_ONCE = 200
# A saboteur shows within this many worlds, which take a few seconds.
_PATIENCE = 3_000


def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    """Worlds of consecutive seeds until enough has struck; every twentieth has a target that breaks its own promise."""
    outcome, struck = Outcome(), Counter[Trouble]()
    goal, began, worlds = budget.goal(_FAULTS), time.process_time(), 0
    outcome.saboteurs = {each: _caught(each, seed) for each in SABOTEURS}
    seconds = time.process_time() - began
    outcome.measures["saboteurs found and shortened"] = (seconds, "s")
    began = time.process_time()
    for first in _blocks(seed):
        if struck.total() >= goal:
            break
        if budget.over:
            outcome.cut_short = f"{struck.total():,} of {goal:,} faults"
            break
        for each in range(first, first + _WORLDS_AT_ONCE):
            struck += _judge(outcome, each)
        worlds += _WORLDS_AT_ONCE
        progress(struck.total(), goal, f"{worlds:,} worlds")
    outcome.simulated = struck.total()
    seconds = time.process_time() - began
    outcome.measures["worlds"] = (worlds, "")
    outcome.measures["faults per minute of CPU"] = (60 * struck.total() / seconds if seconds else 0, "")
    return outcome


def _blocks(seed: int) -> Iterator[int]:
    return (seed * 1_000_000 + block * _WORLDS_AT_ONCE for block in count())


def _judge(outcome: Outcome, seed: int) -> Counter[Trouble]:
    beyond = seed % 20 == 0
    scenario = drawn(seed, beyond=beyond)
    verdict = judged(scenario)
    outcome.doubled += verdict.doubled
    outcome.lost += len(verdict.laws) - verdict.doubled
    if verdict.laws and len(outcome.evidence) < 3:
        outcome.evidence.append(told(shortest(scenario)))
    return verdict.struck


def _caught(saboteur: str, seed: int) -> bool:
    """Whether the bug shows, and a short world shows it again."""
    sabotage, first = frozenset({saboteur}), seed * 1_000_000
    found = first_broken(range(first, first + _PATIENCE), sabotage, beyond=saboteur in BEYOND)
    return found is not None and bool(judged(shortest(found, sabotage), sabotage).laws)


BENCH = Bench(
    name="simulation",
    title="The engine's decisions hold in virtual time, whatever strikes and in whatever order.",
    proves=("F1", "F5", "F6", "F19"),
    about=(
        "Each world is drawn from a seed: one to four records of a source that change, three workers, and a target with an "
        "operation of every guarantee class. Answers are lost, requests arrive late, workers die or stall and go on, "
        "credentials fail for days, messages come twice and out of order. The same pure functions decide as in the hub "
        "(engine/settling.py, engine/ending.py). When a world has come to rest, everything is there once, says what its "
        "source says, and received = done + held + ignored. A world that fails is shortened and tells its story."
    ),
    minutes=3,
    run=run,
)
