"""One generation of a run as its flow sees it: steps and what they tell, holds, approvals, other runs (engine.run.Run)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar

from tieout.domain.identity import content_hash
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.engine.costs import Costs
from tieout.engine.courtesy import Courtesy
from tieout.engine.effects import Effects
from tieout.engine.errand import Errand, for_entity
from tieout.engine.run import Arrived, Calendar, Clock, Held, Ignored, Waiting
from tieout.store import holds, messages, runs
from tieout.store.database import Database

P = ParamSpec("P")
T = TypeVar("T")


class Generation:
    """The Run that a flow is given (engine.run.Run)."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        calendar: Calendar,
        row: dict[str, Any],
        arrived: Sequence[Arrived],
        effects: Effects,
        courtesy: Courtesy | None = None,
    ) -> None:
        """With `courtesy` its steps give way to persons."""
        self.id: str = row["id"]
        self.subject: str = row["subject"]
        self.version: str = row["version"]
        self.messages = arrived
        self.row = row
        self.story: list[runs.Step] = []
        self.title: str = row["subject"]
        self.amount: Money | None = None
        self.effects = effects
        self.warnings: list[Problem] = []
        self.errand = Errand("master")
        self.costs = Costs(row["flow"], len(arrived), effects.rows, clock())
        self._courtesy = courtesy or Courtesy()
        self._database = database
        self._clock = clock
        self._began = clock()
        self._today = calendar()

    def now(self) -> datetime:
        return self._began

    def today(self) -> date:
        return self._today

    async def step(self, title: str, act: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._courtesy.give()
        started, self.effects.step = self._clock(), title
        try:
            with self._courtesy.working():
                result = await act(*args, **kwargs)
        except asyncio.CancelledError:
            self.story.append(runs.Step(title, started, self._clock(), "cut off"))
            raise
        except Exception as wrong:
            self.story.append(runs.Step(title, started, self._clock(), type(wrong).__name__, str(wrong)[:500]))
            raise
        self.story.append(runs.Step(title, started, self._clock(), "done"))
        await self.costs.learn(self._database, self.errand.calls, self._clock())
        return result

    async def about(
        self, *, title: str, entity: str | None = None, engagement: str | None = None, amount: Money | None = None
    ) -> None:
        self.title, self.amount = title, amount
        self.row["entity"] = entity or self.row["entity"]
        self.row["engagement"] = engagement or self.row["engagement"]
        self.effects.about(entity=entity, engagement=engagement)
        if entity:
            for_entity(entity)
        await self.effects.journal.tell((self.id, entity, engagement))

    async def hold(self, problems: Sequence[Problem]) -> None:
        if problems:
            raise Held(problems)

    def warn(self, problems: Sequence[Problem]) -> None:
        self.warnings.extend(problems)

    async def stand(self, flow: str, subject: str, problems: Sequence[Problem]) -> None:
        row = {**self.row, "flow": flow, "subject": subject}
        async with self._database.transaction() as tx:
            await holds.open_holds(tx, row, problems, title=self.title, amount=None, now=self._clock(), standing=True)

    async def approval(
        self, title: str, terms: Sequence[str], *, requested_by: str, of: Sequence[str] = (), gate: str = ""
    ) -> str:
        if not terms:
            return ""
        async with self._database.transaction() as tx:
            found = await holds.request_approval(
                tx, self.row, title=title, terms=terms, terms_hash=content_hash(list(terms)), amount=self.amount,
                requested_by=requested_by, of=of, gate=gate, now=self.now(),
            )  # fmt: skip
        if found["state"] == "open":
            raise Waiting(f"{title}: approval A-{found['id']}")
        return "" if found["state"] == "approved" else f"{title}: {found['decided_by']} said no: {found['reason']}"

    async def decision(self, code: str) -> str | None:
        return await self.effects.journal.decision((self.subject, code))

    async def settle(self, which: Sequence[Arrived], state: Literal["done", "held", "ignored"], reason: str) -> None:
        async with self._database.transaction() as tx:
            await messages.settle(tx, [each.id for each in which], state, reason, self.now())

    async def wake(self, flow: str, engagement: str) -> None:
        held = await self.effects.journal.held((flow, engagement))
        if held:
            async with self._database.transaction() as tx:
                woken = [each for each in held if await runs.release(tx, each, self._clock(), False)]
                await messages.release(tx, woken)

    async def start(
        self, flow: str, subject: str, version: str, *, lane: str, engagement: str | None = None, joins: bool = False
    ) -> None:
        async with self._database.transaction() as tx:
            if joins and await runs.unbegun(tx, flow, lane, subject=subject, backfill=self.row["backfill"]):
                return
            await runs.queue(
                tx, run_id(flow, subject, version), flow=flow, subject=subject, version=version, lane=lane,
                engagement=engagement, now=self._clock(), backfill=self.row["backfill"],
            )  # fmt: skip

    def ignore(self, reason: str) -> NoReturn:
        raise Ignored(reason)


def run_id(flow: str, subject: str, version: str) -> str:
    """Flow, business key and source version: the engine's id is the idempotency key."""
    return f"{flow}:{subject}:{version}"
