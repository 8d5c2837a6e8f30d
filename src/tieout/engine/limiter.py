"""Waits for leave to call a system: one gate per connection in each process, all gates of a connection share one pace.

A process asks the database for all calls that wait in it at once, and while nobody else waits for some more in store, so
that a run that calls again and again does not ask each time. What a process that ended had under way ends with its lease
(store.pace).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

import structlog
from pydantic import TypeAdapter

from tieout.domain.firm import Firm
from tieout.domain.limits.grant import Ask, Grant, Shared, grant, spent
from tieout.domain.limits.pace import Budget, Heard, Rule, per_second
from tieout.domain.limits.settings import LANES, Lane, LimitSettings
from tieout.domain.limits.turns import Party
from tieout.domain.problems import NoLeave
from tieout.engine.errand import current
from tieout.engine.run import Clock
from tieout.store import pace
from tieout.store.database import Database

log = structlog.get_logger(__name__)

# The longest seconds between two questions of one process that does not get all that it asks for; for a person; and while it only
# waits.
TICK, _SOON, _BEAT = 0.1, 0.02, 1.0
# Leave in store is given back after this many seconds without a call.
_KEPT = 0.2
_MOST_IN_STORE = 50
# A call that has waited so long is told to come again: it keeps a place in a worker. And when, if nobody knows.
PATIENCE, _AGAIN = 30.0, 1.0
# Nobody sleeps for longer: the firm may have changed its windows meanwhile.
_LONGEST = 900.0
_SHARED: TypeAdapter[Shared] = TypeAdapter(Shared)


@dataclass(slots=True)
class _Leave:
    """A call that may go at once, because its turn came before the effect was claimed."""

    gate: ConnectionGate
    used: bool = False


_LEAVE: ContextVar[_Leave | None] = ContextVar("leave", default=None)


class ConnectionGate:
    """The gate of one connection in this process (connectors.contract.Gate)."""

    def __init__(
        self,
        database: Database,
        connection: str,
        process: str,
        settings: Callable[[], LimitSettings],
        local: Callable[[], datetime],
        sabotage: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._connection = connection
        self._process = process
        self._settings = settings
        self._local = local
        self._sabotage = sabotage
        self._waiting: dict[Party, deque[asyncio.Future[None]]] = {}
        self._closed: dict[Lane, NoLeave] = {}
        self._store = 0
        self._for_persons = 0  # what is in store besides, for persons alone
        self._in_flight = 0
        self._begun: Counter[Lane] = Counter()
        self._told = Heard()
        self._news = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._tick = TICK

    async def enter(self) -> None:
        """Returns when it is this call's turn. Raises NoLeave when that takes too long, or is known to."""
        mine, held = current(), _LEAVE.get()
        if held is not None and held.gate is self:
            self._in_flight += held.used  # a further call of one sending: what was claimed is not kept waiting
            mine.calls[self._connection] += held.used
            held.used = True
            return
        if "no_limiter" in self._sabotage:
            self._in_flight += 1
            return
        who: Party = ("backfill", "") if "one_lane" in self._sabotage else mine.party
        self._refuse_at_this_hour(who[0])
        self._begun[who[0]] += 1
        if not self._taken_from_store(who[0]):
            await self._turn(who)
        mine.calls[self._connection] += 1

    def leave(self, told: Heard) -> None:
        self._in_flight -= 1
        self._told = together(self._told, told)
        self._ask_soon()

    @asynccontextmanager
    async def ahead(self) -> AsyncGenerator[None, None]:
        """Waits for leave first: the calls within the block are not kept waiting."""
        await self.enter()
        leave = _Leave(self)
        token = _LEAVE.set(leave)
        try:
            yield
        finally:
            _LEAVE.reset(token)
            if not leave.used:
                self._in_flight -= 1
                self._store += 1

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._told != Heard():
            with contextlib.suppress(Exception):  # without the database nobody will know
                await self._ask()

    def _refuse_at_this_hour(self, lane: Lane) -> None:
        settings, moment = self._settings(), self._local()
        if lane not in settings.lanes_at(moment):
            opens = settings.opens(lane, moment)
            why = f"{self._connection} is not called for {lane} before {opens:%a %H:%M}"
            raise NoLeave(why, min((opens - moment).total_seconds(), _LONGEST))

    def _taken_from_store(self, lane: Lane) -> bool:
        if lane in self._closed or not (self._store or (lane == "interactive" and self._for_persons)):
            return False
        if self._store:
            self._store -= 1
        else:
            self._for_persons -= 1
        self._in_flight += 1
        return True

    async def _turn(self, who: Party) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        self._ask_soon()
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except TimeoutError:
            raise NoLeave(f"{self._connection} is at its limit", _AGAIN) from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._in_flight -= 1  # its turn had come
                self._store += 1
            raise
        finally:
            if turn in self._waiting[who]:
                self._waiting[who].remove(turn)

    # -- asking

    def _ask_soon(self) -> None:
        self._news.set()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_until_idle())

    async def _ask_until_idle(self) -> None:
        """Asks while calls wait, are under way, or have told something that nobody else knows yet."""
        while True:
            try:
                await self._ask()
            except Exception:  # the database may be restarting; whoever waits goes on waiting, or loses patience
                log.warning("the pace is not known", connection=self._connection, exc_info=True)
            if self._anybody():
                asked = asyncio.get_running_loop().time()
                await self._pause(self._tick, lambda: self._anybody("interactive"))
                await asyncio.sleep(max(asked + _SOON - asyncio.get_running_loop().time(), 0.0))
            elif self._store or self._for_persons:
                await self._pause(_KEPT, self._anybody)
            elif self._told != Heard() or self._in_flight:
                await self._pause(_BEAT, lambda: self._anybody() or self._told != Heard())
                await self._pause(TICK, self._anybody)
            else:
                return

    async def _pause(self, seconds: float, pressing: Callable[[], bool]) -> None:
        """Until then, or until somebody waits who cannot."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not pressing() and (left := until - clock()) > 0:
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    def _anybody(self, lane: Lane | None = None) -> bool:
        return any(turns for who, turns in self._waiting.items() if lane in (None, who[0]))

    async def _ask(self) -> None:
        told, self._told = self._told, Heard()
        begun, self._begun = self._begun, Counter()
        unused, self._store, self._for_persons = self._store + self._for_persons, 0, 0
        waiting = Counter({who: len(turns) for who, turns in self._waiting.items() if turns})
        ask = Ask(told, self._in_flight, waiting, min(2 * begun.total(), _MOST_IN_STORE), begun["interactive"], unused)
        found = Grant(Counter(), 0, 0, Shared())

        def decide(now: pace.Standing) -> pace.Said:
            nonlocal found
            found = self._decide(now, ask)
            return pace.Said(
                _SHARED.dump_python(found.shared, mode="json"),
                self._in_flight + found.calls.total() + found.spare + found.persons,
                {"/".join(who): n for who, n in (waiting - found.calls).items() if who[0] not in self._closed},
                told.accepted,
                told.refused,
                found.shared.pace.used,
            )

        try:
            await pace.ask(self._database, self._connection, self._process, decide)
        except BaseException:
            self._told = together(told, self._told)
            raise
        self._store += found.spare
        self._for_persons += found.persons
        self._hand_out(found.calls)
        self._send_away()

    def _decide(self, now: pace.Standing, ask: Ask) -> Grant:
        """What this process gets, and which lanes get nothing for now."""
        settings, moment = self._settings(), self._local()
        shared, rule = _SHARED.validate_python(now.shared), rule_of(settings, moment)
        if settings.per_day is not None and ask.told.budget is None:
            counted = replace(shared.pace, budget=Budget(now.day, settings.per_day, now.now))
            shared = replace(shared, pace=counted)
        others: Counter[Party] = Counter()
        for each in now.others:
            others.update({_party(name): n for name, n in each["waiting"].items()})
        in_flight = sum(each["in_flight"] for each in now.others)
        found = grant(shared, rule, ask, others, in_flight, now.now, settings.lanes_at(moment))
        self._closed = self._told_to_wait(found.shared, rule, now.now)
        self._tick = tick(per_second(found.shared.pace, rule), 1 + len(now.others))
        return found

    def _told_to_wait(self, shared: Shared, rule: Rule, now: float) -> dict[Lane, NoLeave]:
        """The lanes that would wait for too long, and what they are told."""
        quiet = shared.pace.quiet_until - now
        if quiet > PATIENCE:
            alone = NoLeave(f"{self._connection} asks to be left alone for {quiet:.0f} s", min(quiet, _LONGEST))
            return dict.fromkeys(LANES, alone)
        return {
            lane: NoLeave(f"{self._connection} has no calls left for {lane} today", _LONGEST if lane != "interactive" else 60)
            for lane in LANES
            if spent(shared.pace, rule, lane, now)
        }  # fmt: skip

    def _hand_out(self, calls: Counter[Party]) -> None:
        for who, n in calls.items():
            turns = self._waiting[who]
            for _ in range(n):
                while turns and turns[0].done():
                    turns.popleft()
                if turns:
                    self._in_flight += 1
                    turns.popleft().set_result(None)
                else:
                    self._store += 1

    def _send_away(self) -> None:
        for who, turns in self._waiting.items():
            while who[0] in self._closed and turns:
                turn = turns.popleft()
                if not turn.done():
                    turn.set_exception(self._closed[who[0]])


class Limiter:
    """The gates of all connections in this process.

    `sabotage` brings known bugs back: `no_limiter` calls whenever somebody wants to, `one_lane` takes everything for back-fill.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        firm: Callable[[], Firm],
        process: str,
        sabotage: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._clock = clock
        self._firm = firm
        self._process = process
        self._sabotage = sabotage
        self._gates: dict[str, ConnectionGate] = {}

    def gate(self, connection: str) -> ConnectionGate:
        if connection not in self._gates:
            self._gates[connection] = ConnectionGate(
                self._database, connection, self._process, lambda: self._firm().limits(connection), self._local,
                self._sabotage,
            )  # fmt: skip
        return self._gates[connection]

    def _local(self) -> datetime:
        """The time on the firm's own walls."""
        return self._clock().astimezone(ZoneInfo(self._firm().time_zone))

    @asynccontextmanager
    async def ahead(self, connection: str) -> AsyncGenerator[None, None]:
        """Leave for what the block sends. Raises NoLeave."""
        async with self.gate(connection).ahead():
            yield

    async def close(self) -> None:
        for each in self._gates.values():
            await each.close()
        with contextlib.suppress(Exception):  # without the database its leave ends by itself
            await pace.leave(self._database, self._process)


def tick(rate: float, processes: int) -> float:
    """Seconds until a process asks again for calls that wait. Two or three ask more often, and not for less than a call: what
    few questions give at once is a burst, and a system that counts by the second has no room for one at its full rate."""
    return min(TICK, max(TICK * max(processes, 2) / 4, 1 / rate))


def rule_of(settings: LimitSettings, moment: datetime) -> Rule:
    """Our share of what the firm says that the vendor allows; `moment` is in the firm's time zone."""
    share = settings.share_at(moment)
    return Rule(
        per_second=settings.per_second and settings.per_second * share,
        at_once=settings.at_once_at(moment),
        share=share,
    )


def together(one: Heard, other: Heard) -> Heard:
    """What was heard first, and what after it."""
    waits = [each for each in (one.wait, other.wait) if each is not None]
    return Heard(
        one.accepted + other.accepted,
        one.refused + other.refused,
        max(waits, default=None),
        one.crowded or other.crowded,
        one.down or other.down,
        other.budget or one.budget,
    )


def _party(name: str) -> Party:
    lane, _, entity = name.partition("/")
    return cast(Lane, lane), entity
