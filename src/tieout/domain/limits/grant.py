"""One worker asks for calls to a system: what it gets, given the pace of all and what everybody waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil

from tieout.domain.limits.pace import Heard, Pace, Rule, allowance, begun, heard, left, refilled
from tieout.domain.limits.settings import LANES, Lane
from tieout.domain.limits.turns import PART_OF_BUDGET, Party, Turns, share_out


@dataclass(frozen=True, slots=True)
class Ask:
    """What one worker tells and wants: answers since it last asked, calls under way, and calls that wait, by lane and entity."""

    told: Heard = field(default_factory=Heard)
    in_flight: int = 0
    waiting: Mapping[Party, int] = field(default_factory=dict[Party, int])


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers share about one system."""

    pace: Pace = field(default_factory=Pace)
    turns: Turns = field(default_factory=Turns)


def grant(
    shared: Shared, rule: Rule, ask: Ask, others: Mapping[Party, int], others_in_flight: int, now: float,
    lanes: Collection[Lane] = LANES,
) -> tuple[Counter[Party], Shared]:  # fmt: skip
    """The calls that the asking worker may begin now. What is the others' turn is left to them, as they ask within a tick.

    `others` are the calls that wait at other workers; `lanes` those that this hour allows.
    """
    in_flight = ask.in_flight + others_in_flight
    pace = heard(shared.pace, ask.told, in_flight + ask.told.accepted + ask.told.refused, now)
    allowed = [lane for lane in lanes if not _spent(pace, rule, lane)]
    everybody = Counter(
        {party: n for party, n in (Counter(ask.waiting) + Counter(others)).items() if party[0] in allowed}
    )
    pace = refilled(pace, rule, everybody.total(), in_flight, now)
    all_given, _ = share_out(shared.turns, everybody, allowance(pace, rule, in_flight, now))
    mine = Counter({
        party: min(ask.waiting[party], ceil(n * ask.waiting[party] / everybody[party]))
        for party, n in all_given.items() if ask.waiting.get(party)
    })  # fmt: skip
    _, turns = share_out(shared.turns, mine, mine.total())
    return mine, Shared(begun(pace, mine.total()), turns)


def _spent(pace: Pace, rule: Rule, lane: Lane) -> bool:
    """Whether a lane has used its part of the reported budget."""
    part = Rule(rule.per_second, rule.at_once, rule.share * PART_OF_BUDGET[lane])
    return left(pace, part) == 0
