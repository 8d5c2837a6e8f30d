"""Virtual time for two workers: the hub's own gates and limiter, a vendor that counts, and deals beside a back-fill.

Nothing waits: where the loop would sleep, its clock moves on. What the database does takes some milliseconds, and so does what
lies between a call's leave and its arrival, by chance.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Protocol, cast

import pytest
from pydantic import TypeAdapter
from tests.engine.throttled_psa import NOON, firm_with

from tieout.domain.limits import forecast
from tieout.domain.limits.forecast import Load, Speed
from tieout.domain.limits.grant import Shared
from tieout.domain.limits.pace import Heard, for_persons, measured
from tieout.domain.limits.settings import LimitSettings
from tieout.engine.errand import errand
from tieout.engine.limiter import ConnectionGate, Limiter
from tieout.store import pace
from tieout.store.database import Database

# Places of a worker, of which so many are for back-fill; writes of a deal; seconds between two deals.
_PLACES, _FILLING, _WRITES, _EVERY = 8, 6, 4, 0.5
# Seconds on the network; and after which a refused call comes again.
_NETWORK, _AGAIN = 0.02, 0.05
_SHARED: TypeAdapter[Shared] = TypeAdapter(Shared)


class _Clock(selectors.SelectSelector):
    """Nobody is waited for: what would be slept is passed at once."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for somebody else"
        self.now += max(timeout, 0.0)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Clock()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class Vendor(Protocol):
    """`per_second` is what it carries out in the long run."""

    per_second: float

    def takes(self, now: float) -> bool: ...


@dataclass
class Sliding:
    """So many calls in any so many seconds."""

    calls: int
    seconds: float
    seen: deque[float] = field(default_factory=deque[float])

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds

    def takes(self, now: float) -> bool:
        while self.seen and self.seen[0] <= now - self.seconds:
            self.seen.popleft()
        if len(self.seen) >= self.calls:
            return False
        self.seen.append(now)
        return True


@dataclass
class Fixed:
    """So many calls in each so many seconds by the clock."""

    calls: int
    seconds: float
    window: Counter[int] = field(default_factory=Counter[int])

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds

    def takes(self, now: float) -> bool:
        if self.window[int(now // self.seconds)] >= self.calls:
            return False
        self.window[int(now // self.seconds)] += 1
        return True


@dataclass
class Bucket:
    """So many calls a second, of which so many are saved up."""

    per_second: float
    most: float
    room: float = 0.0
    at: float = 0.0

    def takes(self, now: float) -> bool:
        self.room = min(self.room + (now - self.at) * self.per_second, self.most)
        self.at = now
        if self.room < 1:
            return False
        self.room -= 1
        return True


@dataclass
class Story:
    """Seconds that the back-fill took, calls by whether they were carried out, seconds of each deal alone and beside it, and when a
    forecast at half time said that it would be over."""

    seconds: float
    calls: Counter[bool]
    idle: list[float]
    busy: list[float]
    forecast: float

    @property
    def refused(self) -> float:
        return self.calls[False] / self.calls.total()


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))]


@dataclass
class Firm:
    """Two workers that do what is queued: deals first."""

    vendor: Vendor
    settings: LimitSettings
    chance: Random
    shared: dict[str, Any] = field(default_factory=dict[str, Any])
    processes: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    calls: Counter[bool] = field(default_factory=Counter[bool])
    deals: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    lines: int = 0
    done: int = 0
    filling: int = 0

    async def ask(
        self, _: Database, connection: str, process: str, decide: Callable[[pace.Standing], pace.Said]
    ) -> None:
        """As store.pace does it, one process at a time: nothing is awaited between reading and writing."""
        await self.takes(0.004)
        others = [{"in_flight": n, "waiting": w} for name, (n, w) in self.processes.items() if name != process]
        said = decide(pace.Standing(self.shared, others, asyncio.get_running_loop().time(), 0))
        self.shared, self.processes[process] = dict(said.shared), (said.in_flight, said.waiting)
        await self.takes(0.003)

    async def takes(self, seconds: float) -> None:
        await asyncio.sleep(self.chance.uniform(0.4, 1.0) * seconds + self.chance.expovariate(1 / (0.3 * seconds)))

    async def write(self, gate: ConnectionGate) -> bool:
        """Whether the vendor carried it out."""
        await self.takes(0.008)
        async with gate.ahead():
            await self.takes(0.01)  # the claim
            await gate.enter()
            taken = self.vendor.takes(asyncio.get_running_loop().time())
            await asyncio.sleep(_NETWORK)
            self.calls[taken] += 1
            gate.leave(Heard(accepted=int(taken), refused=int(not taken)))
        await self.takes(0.008)
        return taken

    async def write_until_taken(self, gate: ConnectionGate) -> None:
        if not await self.write(gate):
            await asyncio.sleep(_AGAIN)
            await self.write_until_taken(gate)

    async def place(self, gate: ConnectionGate) -> None:
        while True:
            await self.takes(0.01)
            if self.deals:
                over = self.deals.popleft()
                with errand("interactive", ""):
                    for _ in range(_WRITES):
                        await self.write_until_taken(gate)
                over.set_result(None)
            elif self.lines and self.filling < 2 * _FILLING:
                self.lines, self.filling = self.lines - 1, self.filling + 1
                with errand("backfill", ""):
                    taken = await self.write(gate)
                self.lines, self.filling, self.done = self.lines + (not taken), self.filling - 1, self.done + taken
            else:
                await asyncio.sleep(0.02)

    async def until_done(self, lines: float) -> None:
        for _ in range(100_000):
            if self.done >= lines:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{self.done} of {lines} lines")

    async def work_deals(self, over: Callable[[int], bool]) -> list[float]:
        took: list[float] = []
        clock = asyncio.get_running_loop()
        while not over(len(took)):
            began, deal = clock.time(), clock.create_future()
            self.deals.append(deal)
            await deal
            took.append(clock.time() - began)
            await asyncio.sleep(_EVERY)
        return took

    def ahead(self, lines: int) -> float:
        """Seconds that a forecast says."""
        known, now = _SHARED.validate_python(self.shared).pace, asyncio.get_running_loop().time()
        speed = Speed(measured(known, now) or 0.0, persons=for_persons(known, now))
        found = forecast.forecast([Load("backfill", lines, lines)], speed, self.settings, NOON)
        return found.working.total_seconds()

    async def story(self, lines: int) -> Story:
        loop = asyncio.get_running_loop()
        limiters = [
            Limiter(cast(Database, None), lambda: NOON + timedelta(seconds=loop.time()), lambda: firm_with(self.settings), name)
            for name in ("one", "other")
        ]  # fmt: skip
        places = [asyncio.create_task(self.place(each.gate("kantata"))) for each in limiters for _ in range(_PLACES)]
        idle = await self.work_deals(lambda n: n == 20)
        self.shared, self.lines = {}, lines
        self.calls.clear()
        began = loop.time()
        deals = asyncio.create_task(self.work_deals(lambda _: self.done >= lines))
        await self.until_done(lines / 2)
        said = loop.time() + self.ahead(lines - self.done) - began
        await self.until_done(lines)
        took, calls = loop.time() - began, Counter(self.calls)
        busy = await deals
        for each in places:
            each.cancel()
        await asyncio.gather(*places, return_exceptions=True)
        for each in limiters:
            await each.close()
        return Story(took, calls, idle, busy, said)


@contextmanager
def _virtual() -> Generator[_Loop, None, None]:
    loop = _Loop()
    try:
        yield loop
    finally:
        loop.close()


def backfill(
    vendor: Vendor, lines: int, patch: pytest.MonkeyPatch, settings: LimitSettings | None = None, seed: int = 1
) -> Story:
    """Two workers write so many lines while deals come in one after the other."""
    firm = Firm(vendor, settings or LimitSettings(), Random(seed))

    async def gone(*_: object) -> None:
        return

    patch.setattr(pace, "ask", firm.ask)
    patch.setattr(pace, "leave", gone)
    with _virtual() as loop:
        return loop.run_until_complete(firm.story(lines))
