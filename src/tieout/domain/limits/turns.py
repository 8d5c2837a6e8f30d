"""Whose turn it is: lanes by weight, legal entities within a lane alike, and nobody waits for ever.

Start-time fair queueing: each lane, and each entity in a lane, has a clock that a call moves on, the less the more it weighs;
who is furthest behind is next. Who comes after a rest begins at the present, so rest saves nothing up, and a lane that asks
for less than its share is served at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tieout.domain.limits.settings import Lane

WEIGHTS: Mapping[Lane, int] = {"interactive": 16, "billing": 8, "master": 4, "backfill": 1}
# How far back a lane must hold of the reported budget, so that what is more pressing finds something left.
PART_OF_BUDGET: Mapping[Lane, float] = {"interactive": 1.0, "billing": 1.0, "master": 0.9, "backfill": 0.8}
# A lane and a legal entity (empty for all).
Party = tuple[Lane, str]


@dataclass(frozen=True, slots=True)
class Turns:
    """Where the clocks stand: by lane, and by lane/entity; `now` is where those stood that were served last, by level."""

    clocks: Mapping[str, float] = field(default_factory=dict[str, float])
    now: Mapping[str, float] = field(default_factory=dict[str, float])


def share_out(turns: Turns, waiting: Mapping[Party, int], room: int) -> tuple[Counter[Party], Turns]:
    """Up to `room` calls to those that wait, and the clocks after it."""
    left: Counter[Party] = Counter({party: count for party, count in waiting.items() if count > 0})
    clocks, now = dict(turns.clocks), dict(turns.now)
    given: Counter[Party] = Counter()
    for lane, entity in left:
        clocks[lane] = max(clocks.get(lane, 0.0), now.get("", 0.0))
        clocks[f"{lane}/{entity}"] = max(clocks.get(f"{lane}/{entity}", 0.0), now.get(lane, 0.0))
    for _ in range(min(room, left.total())):
        asking: set[Lane] = {each for each, _ in left}
        lane = min(asking, key=lambda each: (clocks[each], -WEIGHTS[each]))
        entity = _behind(lane, left, clocks)
        now[""], now[lane] = clocks[lane], clocks[f"{lane}/{entity}"]
        clocks[lane] += 1 / WEIGHTS[lane]
        clocks[f"{lane}/{entity}"] += 1.0
        given[lane, entity] += 1
        left[lane, entity] -= 1
        if not left[lane, entity]:
            del left[lane, entity]
    return given, Turns(clocks, now)


def _behind(lane: Lane, left: Mapping[Party, int], clocks: Mapping[str, float]) -> str:
    """The entity of a lane that is furthest behind."""
    return min((entity for of, entity in left if of == lane), key=lambda each: (clocks[f"{lane}/{each}"], each))
