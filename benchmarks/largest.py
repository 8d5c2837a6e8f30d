"""The largest firm, simulated: the last evening of a month of 300,000 consultants, three shards, an ERP that takes 15 calls at once.

Nothing is called: time is a number. What decides is the hub's own limiter (`domain/limits`); how fast a page path is, is what
W2 last measured, and how long an array takes in the ERP is assumed and said with the figure.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tieout.domain.limits.grant import Ask, Grant, Shared, grant
from tieout.domain.limits.pace import Heard, Rule
from tieout.domain.limits.turns import Party

from . import report
from .measuring import Figure, percentile

CONSULTANTS, SHARDS = 300_000, 3
# Three entries a day and person for 22 days; four of ten are approved in the last hour (docs/scaling.md).
_ENTRIES_EACH, _LAST_HOUR, _HOUR = 66, 0.4, 3600.0
# Seconds between two looks of the limiter; lines of an array; calls that the ERP takes at once, and beyond which it
# refuses.
_TICK, _ARRAY, _AT_ONCE = 0.05, 500, 15
# Assumed: seconds that an array and that a deal's call take in the ERP, and one deal for each shard every so many seconds.
_ARRAY_TAKES, _CALL_TAKES, _DEAL_EVERY, _CALLS = 12.0, 0.4, 30.0, 4
_DELIVERY: Party = ("billing", "all")
_PERSON: Party = ("interactive", "all")


async def measure(consultants: int = CONSULTANTS, learned: int = 0) -> list[Figure]:
    """With `learned`, the folder says nothing of the ERP's limit."""
    rate, rule = _page_path(), Rule(at_once=None if learned else _AT_ONCE)
    entries = int(consultants * _ENTRIES_EACH * _LAST_HOUR / SHARDS)
    shards = [Evening(entries, rate, rule, seed) for seed in range(SHARDS)]
    for each in shards:
        each.pass_by()
    idle = [wait for seed in range(SHARDS) for wait in Evening(0, rate, rule, seed).pass_by()]
    slowest = max(shards, key=lambda each: each.now)
    most = _ARRAY * _AT_ONCE / _ARRAY_TAKES
    ideal = max(at + entries * (1 - _approved(at)) / most for at in range(int(_HOUR) + 1))
    deals = [wait for each in shards for wait in each.waits]
    calls, refused = sum(each.calls for each in shards), sum(each.refused for each in shards)
    assert all(each.delivered == entries for each in shards)
    return [
        Figure(
            f"simulated: {SHARDS} shards, {entries:,} entries approved in each within an hour → their ERPs", slowest.now, "s", ideal,
            f"{_AT_ONCE} arrays of {_ARRAY} at once as soon as there is one, {_ARRAY_TAKES:g} s each (assumed)", {},
            {"entries/s that a page path takes (W2)": rate, "most that waited for the page path": slowest.most_unread,
             "most that waited for the ERP": slowest.most_undelivered, "refused, %": 100 * refused / calls},
        ),
        Figure(
            "simulated: a deal's calls beside it, p95", percentile(deals, 0.95), "s", percentile(idle, 0.95),
            "the same on a quiet evening", {}, {"count": len(deals), "worst": max(deals)},
        ),
    ]  # fmt: skip


def _page_path() -> float:
    """Entries a second, as W2 last measured them."""
    told: Any = report.load()["benchmarks"]
    return told["W2=100000"]["figures"][0]["value"]


@dataclass
class Evening:
    """One shard: approvals come, one page path reads and prices them, arrays go to the ERP as its limiter lets them."""

    entries: int
    rate: float
    rule: Rule
    seed: int
    now: float = 0.0
    delivered: int = 0
    calls: int = 0
    refused: int = 0
    most_unread: int = 0
    most_undelivered: int = 0
    waits: list[float] = field(default_factory=list[float])
    _shared: Shared = field(default_factory=Shared)
    _under_way: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    _heard: Heard = field(default_factory=Heard)

    def pass_by(self) -> list[float]:
        """Until everything is in the ERP and an hour is over; the waits of deals."""
        chance, read, sent, deals = Random(self.seed), 0.0, 0, list[tuple[float, int]]()  # noqa: S311 - repeatable on purpose
        next_deal = chance.expovariate(1 / _DEAL_EVERY)
        while self.now < _HOUR or self.delivered < self.entries:
            self.now += _TICK
            approved = self.entries * _approved(self.now)
            read = min(approved, read + self.rate * _TICK)
            if next_deal <= self.now < _HOUR:
                deals.append((self.now, _CALLS))
                next_deal += chance.expovariate(1 / _DEAL_EVERY)
            waiting = int(read) - sent
            arrays = waiting // _ARRAY + (self.now >= _HOUR and waiting % _ARRAY > 0)
            self._answers(deals)
            given = self._leave({_DELIVERY: arrays, _PERSON: sum(calls > 0 for _, calls in deals)})
            for _ in range(given.calls[_PERSON]):
                deals = self._call_for_a_deal(deals)
            for _ in range(given.calls[_DELIVERY]):
                sent += self._send(min(_ARRAY, int(read) - sent))
            self.most_unread = max(self.most_unread, int(approved - read))
            self.most_undelivered = max(self.most_undelivered, int(read) - self.delivered)
        return self.waits

    def _leave(self, waiting: Mapping[Party, int]) -> Grant:
        wanted = {party: count for party, count in waiting.items() if count}
        ask = Ask(self._heard, len(self._under_way), wanted)
        found = grant(self._shared, self.rule, ask, {}, 0, self.now)
        self._shared, self._heard = found.shared, Heard()
        return found

    def _answers(self, deals: list[tuple[float, int]]) -> None:
        """What the ERP has carried out by now; a deal's next call waits for its last one."""
        accepted = 0
        while self._under_way and self._under_way[0][0] <= self.now:
            _, lines = heapq.heappop(self._under_way)
            self.delivered += max(lines, 0)
            accepted += 1
            if lines < 0:
                self._answered_to_a_deal(deals)
        self._heard = Heard(accepted, self._heard.refused, crowded=self._heard.crowded)

    def _answered_to_a_deal(self, deals: list[tuple[float, int]]) -> None:
        for number, (began, calls) in enumerate(deals):
            if calls < 0:
                if calls == -1:
                    self.waits.append(self.now - began)
                    del deals[number]
                else:
                    deals[number] = (began, -calls - 1)
                return

    def _call_for_a_deal(self, deals: list[tuple[float, int]]) -> list[tuple[float, int]]:
        """Calls left below zero say that one of them is under way."""
        number = next(number for number, (_, calls) in enumerate(deals) if calls > 0)
        if self._begin(_CALL_TAKES, -1):
            began, calls = deals[number]
            deals[number] = (began, -calls)
        return deals

    def _send(self, lines: int) -> int:
        return lines if self._begin(_ARRAY_TAKES, lines) else 0

    def _begin(self, takes: float, lines: int) -> bool:
        """Whether the ERP takes the call: with 15 under way it refuses."""
        self.calls += 1
        if len(self._under_way) >= _AT_ONCE:
            self.refused += 1
            self._heard = Heard(self._heard.accepted, self._heard.refused + 1, crowded=True)
            return False
        heapq.heappush(self._under_way, (self.now + takes, lines))
        return True


def _approved(now: float) -> float:
    """Which part of the hour's approvals has come: most of them towards its end."""
    return min(now / _HOUR, 1.0) ** 2
