"""What the hub does by itself, again and again: sweep the sources, answer bells, start what is due, ask how systems are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import structlog

from tieout.connectors.contract import Connector, Health, Sink, Write
from tieout.domain.problems import Misconfigured, NoLeave, Problem, Transient
from tieout.engine.bell import Bell
from tieout.engine.errand import errand
from tieout.engine.generation import run_id
from tieout.engine.intake import Intake
from tieout.engine.journal import receipt_of
from tieout.engine.recollection import recollect
from tieout.engine.run import Calendar, Clock
from tieout.store import effects, escalation, firm, holds, messages, runs, unanswered
from tieout.store.database import Database, Tx, sole

log = structlog.get_logger(__name__)

_LEADER = 7_316_842_002
# Seconds between two looks at the bells when nothing is heard of a ring.
_BELLS = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """A run that the calendar asks for; asked for twice, it is queued once."""

    flow: str
    subject: str
    version: str
    lane: str
    engagement: str | None = None


DueToday = Callable[[Tx, date], Awaitable[Sequence[Start]]]


class Rounds:
    """One process at a time makes the rounds; when it dies, the next one takes over within a second."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        calendar: Calendar,
        intake: Intake,
        connections: Mapping[str, Connector],
        due: DueToday,
        *,
        every: timedelta,
    ) -> None:
        self.bell = Bell(database)
        self._database = database
        self._clock = clock
        self._calendar = calendar
        self._intake = intake
        self._connections = connections
        self._due = due
        self._every = every

    async def forever(self) -> None:
        while True:
            try:
                async with self._database.session() as session:
                    if await sole(session, _LEADER):
                        async with asyncio.TaskGroup() as rounds:
                            for each in (self._bells(), self._sweeps(), self._checks(), self.bell.hear(session)):
                                rounds.create_task(each)
            except Exception:  # the database may be restarting; the loop is what brings the rounds back
                log.exception("the rounds stopped and begin again")
            await asyncio.sleep(1)

    async def sweep(self) -> int:
        """One full round over every source and the calendar; how many messages were new.

        It begins with the question whether the database still knows what it knew.
        """
        await recollect(self._database, self._clock)
        found = [await self._guarded(feed.source.name, self._intake.sweep, feed) for feed in self._intake.feeds]
        await self.start_due()
        return sum(each or 0 for each in found)

    async def answer_bells(self) -> int:
        sources = {feed.source.name: feed.source for feed in self._intake.feeds}
        found = [await self._guarded(name, self._intake.answer_bells, source) for name, source in sources.items()]
        return sum(each or 0 for each in found)

    async def start_due(self) -> None:
        async with self._database.transaction() as tx:
            wanted = [_queued(each) for each in await self._due(tx, self._calendar())]
            if wanted:
                await runs.queue_all(tx, wanted, self._clock())

    async def check(self) -> None:
        """Asks every system how it is and keeps the answer for the console."""
        for name, connection in self._connections.items():
            health = await self._guarded(name, connection.check)
            if health is not None:
                await self._keep(name, health)

    async def mind_holds(self) -> int:
        """Wakes the holds that have slept enough; what is overdue, a hold or an approval, goes on to who is next."""
        async with self._database.transaction() as tx:
            return await escalation.mind(tx, self._clock()) + await unanswered.mind(tx, self._clock())

    async def look_again(self) -> int:
        """Searches once more for what a late request may have made beside a confirmed effect of class D."""
        async with self._database.transaction() as tx:
            waiting = await effects.to_look_at(tx, self._clock(), 50)
        for each in waiting:
            with errand("billing"):
                await self._guarded(each["connection"], self._second_look, each)
        return len(waiting)

    async def _second_look(self, effect: Mapping[str, Any]) -> None:
        sink: Any = self._connections[effect["connection"]]
        first = receipt_of(effect["receipt"]).id
        second = [each for each in await _there(sink, effect) if each != first]
        async with self._database.transaction() as tx:
            await effects.looked_at(tx, effect["key"])
            if second:
                facts = {
                    "system": effect["connection"],
                    "subject": effect["subject"],
                    "first": first,
                    "second": ", ".join(second),
                    "link": f"/runs/{effect['run_id']}",
                }
                row = {**effect, "flow": "look_again", "id": effect["run_id"]}
                problem = Problem("target.doubled", facts)
                await holds.open_holds(tx, row, [problem], title=effect["subject"], amount=None, now=self._clock())

    async def _keep(self, name: str, health: Health) -> None:
        async with self._database.transaction() as tx:
            await firm.record_health(tx, name, asdict(health), self._clock())

    async def _bells(self) -> None:
        while True:
            await self.answer_bells()
            await self.look_again()
            await self.bell.wait(_BELLS)

    async def _sweeps(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(self._every.total_seconds())

    async def _checks(self) -> None:
        while True:
            await self.check()
            await self.mind_holds()
            await asyncio.sleep(60)

    async def _guarded(self, name: str, act: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """One system's trouble is that system's alone: it is noted, and the round goes on."""
        try:
            result = await act(*args)
        except NoLeave:  # its limits keep it from being asked now; that says nothing of how it is
            return None
        except Transient as away:
            await self._keep(name, Health(ok=False, detail=str(away)[:300]))
            return None
        except Misconfigured as wrong:
            await self._stop(name, str(wrong.args[0]))
            return None
        except Exception as fault:  # a source that cannot be read must not stop the others
            log.exception("round failed", connection=name)
            await self._keep(name, Health(ok=False, detail=f"{type(fault).__name__}: {fault}"[:300]))
            return None
        await self._stand(name, [])
        return result

    async def _stop(self, name: str, reason: str) -> None:
        async with self._database.transaction() as tx:
            await firm.set_connection_state(tx, name, "paused", reason)
        await self._keep(name, Health(ok=False, detail=reason[:300]))
        await self._stand(name, [Problem("connection.misconfigured", {"system": name, "reason": reason})])

    async def _stand(self, name: str, problems: Sequence[Problem]) -> None:
        row = {"flow": "intake", "subject": name, "id": "", "entity": None, "engagement": None}
        async with self._database.transaction() as tx:
            await holds.open_holds(tx, row, problems, title=name, amount=None, now=self._clock())


def _queued(due: Start) -> runs.Queued:
    run = run_id(due.flow, due.subject, due.version)
    return runs.Queued(run, due.flow, due.subject, due.version, due.lane, due.engagement)


async def _there(sink: Sink, effect: Mapping[str, Any]) -> Sequence[str]:
    """Every record that the target has under the effect's subject now."""
    found = await sink.find(Write(effect["operation"], effect["subject"], effect["version"], {}))
    return [] if found is None else [found.id, *found.others]


async def at_rest(database: Database) -> bool:
    """Whether nobody makes the rounds now."""
    async with database.session() as session:
        return await sole(session, _LEADER)


async def caught_up(database: Database) -> bool:
    """Nothing waits for the hub itself: no ring, no message, no run, except what waits for a person or a moment."""
    async with database.transaction() as tx:
        return not await runs.unfinished(tx) and not await messages.untaken(tx)
