"""Looks for a world that breaks a law, and makes it as short as it can before it tells its story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tieout.testing.simulation.law import broken
from tieout.testing.simulation.scenario import Arrival, Scenario, Trouble, Troubles, drawn
from tieout.testing.simulation.world import Restless, World

# How a saboteur is looked for: in worlds in which the target keeps its promise, except for this one.
BEYOND = ("no_second_look",)
SABOTEURS = (
    "mark_first",
    "fresh_key",
    "look_at_once",
    "no_fence",
    "no_second_look",
    "stale_key",
    "wall_clock",
    "zombie",
    "old_claim",
    "late_content",
    "blind_mark",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a scenario: the laws it broke, what struck, and its story when it was to be told."""

    laws: list[str]
    struck: Counter[Trouble]
    story: list[str]

    @property
    def doubled(self) -> int:
        return sum("doubled" in each or "times without" in each for each in self.laws)


def judged(scenario: Scenario, sabotage: frozenset[str] = frozenset(), *, telling: bool = False) -> Verdict:
    world = World(scenario, sabotage, telling=telling)
    try:
        world.run()
    except Restless as restless:
        return Verdict([str(restless)], world.struck, world.story)
    return Verdict(broken(world), world.struck, world.story)


def first_broken(
    seeds: Iterable[int], sabotage: frozenset[str] = frozenset(), *, beyond: bool = False
) -> Scenario | None:
    """The first world of these seeds that breaks a law."""
    worlds = (drawn(seed, beyond=beyond) for seed in seeds)
    return next((each for each in worlds if judged(each, sabotage).laws), None)


def shortest(scenario: Scenario, sabotage: frozenset[str] = frozenset()) -> Scenario:
    """The same world with as little in it as still breaks a law: nothing can be taken away any more."""
    while True:
        for smaller in _smaller(scenario):
            if judged(smaller, sabotage).laws:
                scenario = smaller
                break
        else:
            return scenario


def told(scenario: Scenario, sabotage: frozenset[str] = frozenset()) -> str:
    """The story of a world, for a person: what was drawn, what happened, which law it broke."""
    verdict = judged(scenario, sabotage, telling=True)
    classes = ", ".join(f"S{number} {each.value}" for number, each in enumerate(scenario.subjects))
    return "\n".join((f"seed {scenario.seed}: C {scenario.customer.value}, {classes}", *verdict.story, *verdict.laws))


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Whole subjects first, then single arrivals, then single troubles."""
    for subject in range(len(scenario.subjects)):
        if any(each.subject == subject for each in scenario.arrivals):
            yield replace(scenario, arrivals=tuple(each for each in scenario.arrivals if each.subject != subject))
    for number, each in enumerate(scenario.arrivals):
        if not _last(scenario.arrivals, each):
            yield replace(scenario, arrivals=scenario.arrivals[:number] + scenario.arrivals[number + 1 :])
    for at_calls in _less(scenario.at_calls):
        yield replace(scenario, at_calls=at_calls)
    for at_commits in _less(scenario.at_commits):
        yield replace(scenario, at_commits=at_commits)


def _last(arrivals: tuple[Arrival, ...], arrival: Arrival) -> bool:
    """A subject whose newest state never arrives is not late but lost: that one stays."""
    return arrival.at == max(each.at for each in arrivals if each.subject == arrival.subject)


def _less(troubles: Troubles) -> Iterator[Troubles]:
    """Halves first, then one by one."""
    keys = list(troubles)
    for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]) if len(keys) > 3 else ():
        yield {each: troubles[each] for each in half}
    for gone in keys:
        yield {each: trouble for each, trouble in troubles.items() if each != gone}
