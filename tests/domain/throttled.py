"""Virtual time: worker processes with callers, and a system that carries out 100 calls a second and pays for refusing, too."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tieout.domain.limits.grant import Ask, Shared, grant
from tieout.domain.limits.pace import Heard, Rule
from tieout.domain.limits.turns import Party

TICK = 0.1
LATENCY = 0.1
Act = Callable[[], None]


@dataclass
class System:
    """Capacity in calls per second; a refused call costs `refusal` of a real one. `burst` seconds of capacity are saved up."""

    capacity: float = 100.0
    refusal: float = 0.3
    burst: float = 0.2
    most_at_once: int | None = None
    says_when: float | None = None
    room: float = 0.0
    at: float = 0.0
    at_once: int = 0
    accepted: int = 0
    refused: int = 0

    def takes(self, now: float) -> bool:
        self.room = min(self.room + (now - self.at) * self.capacity, self.burst * self.capacity)
        self.at = now
        if self.room >= 1 and (self.most_at_once is None or self.at_once < self.most_at_once):
            self.room -= 1
            self.accepted += 1
            self.at_once += 1
            return True
        self.room = max(self.room - self.refusal, 0.0)
        self.refused += 1
        return False

    @property
    def wasted(self) -> float:
        return self.refused / (self.accepted + self.refused)


@dataclass
class World:
    """Moments and what happens at them, in order."""

    now: float = 1.0
    _next: list[tuple[float, int, Act]] = field(default_factory=list)
    _count: int = 0

    def at(self, moment: float, act: Act) -> None:
        self._count += 1
        heapq.heappush(self._next, (moment, self._count, act))

    def run(self, until: Callable[[], bool], longest: float) -> None:
        while self._next and not until() and self.now < longest:
            self.now, _, act = heapq.heappop(self._next)
            act()


@dataclass
class Process:
    """A worker process: its callers take work from the firm's queue, wait for leave, call, and come back with a refused call."""

    callers: int
    waiting: dict[Party, deque[float]] = field(default_factory=dict)
    in_flight: int = 0
    accepted: int = 0
    refused: int = 0
    wait: float | None = None

    def busy(self) -> int:
        return self.in_flight + sum(map(len, self.waiting.values()))


class Adaptive:
    """200 callers in 25 processes behind the limiter. `alone` (a saboteur) gives each process a pace of its own; `no_lanes`
    (another one) takes everything for one lane."""

    def __init__(
        self, system: System, backlog: Counter[Party], *, processes: int = 25, callers: int = 8, rule: Rule | None = None,
        alone: bool = False, no_lanes: bool = False, seed: int = 1,
    ) -> None:  # fmt: skip
        self.world, self.system, self.rule = World(), system, rule or Rule()
        self.backlog, self.no_lanes = backlog, no_lanes
        self.processes = [Process(callers) for _ in range(processes)]
        self.shared = [Shared() for _ in self.processes] if alone else [Shared()]
        self.done: Counter[Party] = Counter()
        self.waits: dict[Party, list[float]] = {}
        self.random = random.Random(seed)
        for number in range(processes):
            self.world.at(1 + self.random.random() * TICK, lambda number=number: self._tick(number))

    def run(self, longest: float = 2000) -> float:
        """How many seconds it took."""
        total = self.backlog.total()
        self.world.run(lambda: self.done.total() >= total, longest)
        return self.world.now - 1

    def rings(self, party: Party, every: float, until: float) -> None:
        """Calls of another lane come one by one, to any process, beside its callers' work."""

        def ring() -> None:
            process = self.random.choice(self.processes)
            process.waiting.setdefault(party, deque()).append(self.world.now)
            if self.world.now < until:
                self.world.at(self.world.now + every, ring)

        self.world.at(self.world.now + every, ring)

    def _tick(self, number: int) -> None:
        process, now = self.processes[number], self.world.now
        self._take_work(process)
        mine = len(self.shared) > 1
        others = Counter[Party]() if mine else self._waiting_at(each for each in self.processes if each is not process)
        in_flight = 0 if mine else sum(each.in_flight for each in self.processes) - process.in_flight
        told = Heard(process.accepted, process.refused, process.wait, self.system.most_at_once is not None)
        process.accepted = process.refused = 0
        process.wait = None
        which = number if mine else 0
        found = grant(
            self.shared[which],
            self.rule,
            Ask(told, process.in_flight, self._waiting_at([process])),
            others,
            in_flight,
            now,
        )
        self.shared[which] = found.shared
        for party, n in found.calls.items():
            for _ in range(n):
                self._begin(process, party)
        self.world.at(now + TICK, lambda: self._tick(number))

    def _take_work(self, process: Process) -> None:
        while process.busy() < process.callers and self.backlog.total():
            party = self.random.choices(list(self.backlog), list(self.backlog.values()))[0]
            self.backlog[party] -= 1
            process.waiting.setdefault(party, deque()).append(self.world.now)

    def _waiting_at(self, processes) -> Counter[Party]:
        found: Counter[Party] = Counter()
        for each in processes:
            for party, calls in each.waiting.items():
                if calls:
                    found[("backfill", "") if self.no_lanes else party] += len(calls)
        return found

    def _begin(self, process: Process, party: Party) -> None:
        if self.no_lanes:  # whoever came first
            party = min(
                (each for each in process.waiting if process.waiting[each]), key=lambda each: process.waiting[each][0]
            )
        since = process.waiting[party].popleft()
        process.in_flight += 1
        taken = self.system.takes(self.world.now)
        self.world.at(self.world.now + LATENCY, lambda: self._answered(process, party, since, taken))

    def _answered(self, process: Process, party: Party, since: float, taken: bool) -> None:
        process.in_flight -= 1
        if taken:
            self.system.at_once -= 1
            process.accepted += 1
            self.done[party] += 1
            self.waits.setdefault(party, []).append(self.world.now - since)
            self._take_work(process)
        else:
            process.refused += 1
            process.wait = self.system.says_when
            process.waiting.setdefault(party, deque()).appendleft(since)


class BackingOff:
    """The saboteur: no limiter; each refused call waits by itself, twice as long each time, up to a minute."""

    def __init__(self, system: System, calls: int, *, callers: int = 200) -> None:
        self.world, self.system, self.left, self.done, self.calls = World(), system, calls, 0, calls
        for _ in range(callers):
            self.world.at(1.0, lambda: self._call(0))

    def run(self, longest: float = 2000) -> float:
        self.world.run(lambda: self.done >= self.calls, longest)
        return self.world.now - 1

    def _call(self, tries: int) -> None:
        if tries == 0:
            if not self.left:
                return
            self.left -= 1
        if self.system.takes(self.world.now):
            self.world.at(self.world.now + LATENCY, self._answered)
        else:
            self.world.at(self.world.now + min(0.1 * 2**tries, 60), lambda: self._call(tries + 1))

    def _answered(self) -> None:
        self.done += 1
        self.system.at_once -= 1
        self._call(0)
