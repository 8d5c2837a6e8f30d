"""One worker asks for calls to a system: what it gets, given the pace of all and what everybody waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from tieout.domain.limits.pace import (
    Heard,
    Pace,
    Rule,
    allowance,
    asked_for,
    begun,
    heard,
    left,
    refilled,
    returned,
    saved_up,
)
from tieout.domain.limits.settings import LANES, Lane
from tieout.domain.limits.turns import PART_OF_BUDGET, Party, Turns, share_out

# Seconds after which a spent budget is believed no longer: a person's call asks what is left of it by now.
_REPORT_HOLDS = 60.0


@dataclass(frozen=True, slots=True)
class Ask:
    """What one worker tells and wants: answers since it last asked, calls under way, and calls that wait, by lane and entity.

    `spare` is how many more it would have in store for the next moment; `persons` how many calls persons asked for since it last
    asked, and it would have as many in store for them; `unused` is how many of its last store it gives back.
    """

    told: Heard = field(default_factory=Heard)
    in_flight: int = 0
    waiting: Mapping[Party, int] = field(default_factory=dict[Party, int])
    spare: int = 0
    persons: int = 0
    unused: int = 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers share about one system."""

    pace: Pace = field(default_factory=Pace)
    turns: Turns = field(default_factory=Turns)


@dataclass(frozen=True, slots=True)
class Grant:
    """The calls that may begin now, and how many more for whoever comes within the next moment, or for a person alone."""

    calls: Counter[Party]
    spare: int
    persons: int
    shared: Shared


def grant(
    shared: Shared, rule: Rule, ask: Ask, others: Mapping[Party, int], others_in_flight: int, now: float,
    lanes: Collection[Lane] = LANES,
) -> Grant:  # fmt: skip
    """What the asking worker gets. What is the others' turn is left to them, as they ask within a tick.

    `others` are the calls that wait at other workers; `lanes` those that this hour allows. A store is given from what nobody
    waits for, half of it at most; for persons also from what is kept for them.
    """
    in_flight = ask.in_flight + others_in_flight
    pace = heard(shared.pace, rule, ask.told, in_flight + ask.told.accepted + ask.told.refused, now)
    pace = asked_for(returned(pace, ask.unused), ask.persons, now)
    allowed = [lane for lane in lanes if not spent(pace, rule, lane, now)]
    everybody = Counter(
        {party: n for party, n in (Counter(ask.waiting) + Counter(others)).items() if party[0] in allowed}
    )
    pace = refilled(pace, rule, everybody.total(), in_flight, now)
    room = allowance(pace, rule, in_flight, now)
    kept = saved_up(pace, rule, in_flight)
    all_given, turns = _given(shared.turns, everybody, room, kept)
    mine = Counter({
        party: min(ask.waiting[party], ceil(n * ask.waiting[party] / everybody[party]))
        for party, n in all_given.items() if ask.waiting.get(party)
    })  # fmt: skip
    _, turns = share_out(shared.turns, mine, mine.total())
    spare = min(ask.spare, max(room - everybody.total(), 0) // 2) if len(allowed) == len(LANES) else 0
    persons = min(ask.persons, kept, room - all_given.total()) if not spare and "interactive" in allowed else 0
    pace = replace(begun(pace, mine.total() + spare + persons, now), busy=in_flight + everybody.total() > 0)
    return Grant(mine, spare, persons, Shared(pace, turns))


def _given(turns: Turns, waiting: Counter[Party], room: int, kept: int) -> tuple[Counter[Party], Turns]:
    """Up to `room` calls, of which `kept` are for persons alone: whoever waits at a screen finds some left."""
    given, turns = share_out(turns, waiting, max(room - kept, 0))
    persons = Counter({party: n for party, n in (waiting - given).items() if party[0] == "interactive"})
    more, turns = share_out(turns, persons, room - given.total())
    return given + more, turns


def spent(pace: Pace, rule: Rule, lane: Lane, now: float) -> bool:
    """Whether a lane has used its part of the reported budget."""
    if pace.budget is None or (lane == "interactive" and now - pace.budget.at > _REPORT_HOLDS):
        return False
    part = Rule(rule.per_second, rule.at_once, rule.share * PART_OF_BUDGET[lane])
    return left(pace, part) == 0
