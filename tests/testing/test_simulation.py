"""The engine's decisions in virtual time (F19): whatever strikes, nothing is lost and nothing doubled, and each known bug shows."""

from __future__ import annotations

from collections import Counter

import pytest

from tieout.testing.simulation.scenario import Trouble, drawn
from tieout.testing.simulation.search import BEYOND, SABOTEURS, first_broken, judged, shortest, told

WORLDS = 400


def test_whatever_strikes_nothing_is_lost_and_nothing_is_doubled() -> None:
    struck: Counter[Trouble] = Counter()
    for seed in range(WORLDS):
        verdict = judged(drawn(seed))
        assert not verdict.laws, told(shortest(drawn(seed)))
        struck += verdict.struck
    assert set(struck) == set(Trouble) - {Trouble.VERY_LATE}, "every trouble must strike"
    assert sum(struck.values()) > 10 * WORLDS


def test_a_target_that_breaks_its_promise_is_found_out() -> None:
    """A request that arrives later than the target promised makes a second one, and the second look tells a person."""
    struck: Counter[Trouble] = Counter()
    for seed in range(WORLDS):
        verdict = judged(drawn(seed, beyond=True))
        assert not verdict.laws, told(shortest(drawn(seed, beyond=True)))
        struck += verdict.struck
    assert struck[Trouble.VERY_LATE] > WORLDS / 20


@pytest.mark.parametrize("saboteur", SABOTEURS)
def test_a_saboteur_is_caught_and_its_story_is_short(saboteur: str) -> None:
    sabotage = frozenset({saboteur})
    found = first_broken(range(1000), sabotage, beyond=saboteur in BEYOND)
    assert found is not None
    short = shortest(found, sabotage)
    assert judged(short, sabotage).laws
    assert len(short.at_calls) + len(short.at_commits) <= len(found.at_calls) + len(found.at_commits)
    assert told(short, sabotage) == told(short, sabotage), "the same world has the same story"


def test_the_same_seed_is_the_same_world() -> None:
    assert told(drawn(7)) == told(drawn(7))
    assert told(drawn(7)) != told(drawn(8))
