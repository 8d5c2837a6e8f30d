"""Works off one generation of a run: begins it, lets the flow decide, and writes down how it ended."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from tieout.domain.firm import Firm
from tieout.domain.limits.settings import Lane
from tieout.domain.money import Money
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient
from tieout.engine.configuration import Configuration, configuration_of
from tieout.engine.courtesy import Courtesy
from tieout.engine.effects import Context, Effects
from tieout.engine.ending import DEATHS, LONGEST, Again, Hung, Over, Poison, Stop, end_of
from tieout.engine.errand import Leave, at_once, errand
from tieout.engine.generation import Generation
from tieout.engine.journal import Journal
from tieout.engine.permit import permit_of
from tieout.engine.place import SLOW, SOON, place
from tieout.engine.run import Arrived, Calendar, Clock, Flow, Held, Ignored, Later, Row, Waiting
from tieout.store import firm, forecast, holds, messages, runs
from tieout.store.database import Database, Tx
from tieout.store.endings import Ending

SystemsFor = Callable[[Effects, Database, Configuration], Any]
# Carries out one generation of a run in a process of its own, and returns what that process ended with.
Alone = Callable[[str, int], Awaitable[int]]

log = structlog.get_logger(__name__)
# How many processes of their own a worker gives to runs at the same time, each of which may take as much memory as the worker;
# and to how many that are not slow yet.
_CELLS, _BEGINNING = 40, 4
# Seconds between two tries to reach a database that is away.
_AWAY = 1.0
# What is our own fault, by what it is told as.
_FAULTS = {"fault": "run.failed", "poison": "run.poison", "hung": "run.hung"}


class Executor:
    """Executes runs; any number of them on one database, in any number of processes.

    `longest` is what a run may take, and one that takes longer than `slow` no longer keeps others from being begun, or longer
    than `soon` when it goes alone; `leave` waits for a system's limits. A run at which a worker ended is carried out `alone`;
    without it, here. `sabotage` brings
    known bugs back (see engine.effects, too): `count_no_deaths` begins a run again however many workers ended at it,
    `never_alone` lets one under suspicion work beside others, `keeps_place` lets one that hangs keep its place.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        calendar: Calendar,
        flows: Sequence[Flow],
        systems_for: SystemsFor,
        firm: Callable[[], Firm],
        worker: str,
        sabotage: frozenset[str] = frozenset(),
        longest: timedelta = LONGEST,
        leave: Leave = at_once,
        alone: Alone | None = None,
        slow: timedelta = SLOW,
        soon: timedelta = SOON,
    ) -> None:
        self._database = database
        self._clock = clock
        self._calendar = calendar
        self._cells, self._beginning = asyncio.Semaphore(_CELLS), asyncio.Semaphore(_BEGINNING)
        self._alone = alone if "never_alone" not in sabotage else None
        self._longest = longest
        self._slow, self._soon = (slow, soon) if "keeps_place" not in sabotage else (longest, longest)
        self._leave = leave
        self._flows: Mapping[str, Flow] = {each.name: each for each in flows}
        self._systems_for = systems_for
        self._firm = firm
        self._worker = worker
        self._sabotage = sabotage
        self._journal = Journal(database, sabotage)
        self.courtesy = Courtesy(sabotage)

    async def carry_out(self, run_id: str, generation: int) -> None:
        """Executes, and gives the run back when it could not even begin, or its end not be written down: the database was away."""
        await self._carried([(run_id, generation)], self.execute(run_id, generation))

    async def carry_out_lot(self, lot: str, over: Callable[[int], None]) -> None:
        """The same for a lot of runs side by side. `over` is told how many places they take, below zero, and of each that is
        free again."""
        async with self._database.transaction() as tx:
            found = await runs.of_lot(tx, lot)
        over(-len(found))
        accused = [each for each in found if each["deaths"] and self._alone is not None]
        others = [(each["id"], each["generation"]) for each in found if each not in accused]

        async def alone(run_id: str, generation: int) -> None:
            with place(lambda: over(1), self._slow):
                await self.carry_out(run_id, generation)

        together = [self._carried(others, self._together(others, over))] if others else []
        await asyncio.gather(*together, *(alone(each["id"], each["generation"]) for each in accused))

    async def _together(self, wanted: Sequence[tuple[str, int]], over: Callable[[int], None]) -> None:
        """Takes all of them in one transaction; from there on each is a matter of its own."""
        begun = await self._start(wanted)
        over(len(wanted) - len(begun))

        async def one(row: Row, came: Sequence[Arrived]) -> None:
            with place(lambda: over(1), self._slow):
                await self._carried([(row["id"], row["generation"])], self._go_on(dict(row), came))

        await asyncio.gather(*(one(row, came) for row, came in begun))

    async def _carried(self, which: Sequence[tuple[str, int]], work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as failed:
            log.exception("runs given back", runs=[run_id for run_id, _ in which])
            for run_id, generation in which:
                while True:
                    await asyncio.sleep(_AWAY)
                    if await self._given_back(run_id, generation, f"given back: {type(failed).__name__}"):
                        break

    async def _given_back(self, run_id: str, generation: int, reason: str) -> bool:
        try:
            async with self._database.transaction() as tx:
                await runs.give_back(tx, run_id, generation, self._worker, self._clock(), reason)
        except Exception:  # as long as it takes: nobody else will take this run up
            log.exception("the database is away")
            return False
        return True

    async def execute(self, run_id: str, generation: int) -> None:
        """Safe to call twice or after a crash: a generation that ended, or that a newer one replaced, does nothing."""
        while self._alone is not None and await self._accused(run_id, generation):
            async with self._cells:
                await self._beginning.acquire()
                with place(self._beginning.release, self._soon):
                    ended = await self._alone(run_id, generation)
            if ended:  # perhaps before it had begun, and then nothing has changed
                await asyncio.sleep(_AWAY)
        for row, came in await self._start([(run_id, generation)]):
            await self._go_on(row, came)

    async def _accused(self, run_id: str, generation: int) -> bool:
        async with self._database.statement() as tx:
            return await runs.accused(tx, run_id, generation)

    async def _start(self, wanted: Sequence[tuple[str, int]]) -> list[tuple[dict[str, Any], list[Arrived]]]:
        """Those of the runs that are to be worked off, with their messages."""
        async with self._database.transaction() as tx:
            begun = await runs.start(tx, wanted, self._worker, self._clock())
            contents = {each["id"]: self._flows[each["flow"]].contents for each in begun}
            came = await messages.of_runs(tx, contents) if begun else {}
        return [(each, [Arrived.of(message) for message in came[each["id"]]]) for each in begun]

    async def _go_on(self, row: dict[str, Any], came: Sequence[Arrived]) -> None:
        configuration, permit = Configuration(self._firm()), None
        if row["as_of"] is not None or row["plan"] is not None:
            async with self._database.transaction() as tx:
                configuration = await configuration_of(tx, row, self._firm)
                permit = await permit_of(tx, row)
        context = Context(row["id"], row["entity"], row["engagement"], row["generation"], self._worker)
        effects = Effects(self._database, self._clock, context, self._sabotage, permit, self._leave, self._journal)
        courtesy = self.courtesy if self._flows[row["flow"]].page > 1 else None
        run = Generation(self._database, self._clock, self._calendar, row, came, effects, courtesy)
        try:
            await self._work(run, configuration)
        except Exception as ended:  # every way a flow can end is written down below; nothing is swallowed
            await self._ended(run, ended)
        else:
            await self._ended(run, None)

    async def _work(self, run: Generation, configuration: Configuration) -> None:
        """Lets the flow do its work, in its time, unless it has been the death of too many workers."""
        if run.row["deaths"] >= DEATHS and "count_no_deaths" not in self._sabotage:
            raise Poison(f"{run.row['deaths']} workers ended at it")
        time, flow = asyncio.timeout(self._longest.total_seconds()), self._flows[run.row["flow"]]
        try:
            async with time:
                systems = self._systems_for(run.effects, self._database, configuration)
                lane: Lane = "backfill" if run.row["backfill"] else flow.errand
                with errand(lane, run.row["entity"]) as run.errand, self.courtesy.whose(lane):
                    await flow.body(run, systems)
        except TimeoutError as late:
            if not time.expired():
                raise
            if run.effects.moved:
                raise Later(self._clock(), "there is more to do than fits into one go") from late
            raise Hung(run.effects.step, self._longest) from late

    async def _ended(self, run: Generation, how: Exception | None) -> None:
        """Writes the end down, unless another worker took the run over meanwhile and has the say."""
        now, row = self._clock(), run.row
        if how is not None and _is_fault(how):
            log.error("run failed", run=run.id, error="".join(traceback.format_exception(how))[-4000:])
        end = end_of(how, row["attempts"], now)
        costs = run.costs.news(run.errand.calls, over=isinstance(end, Over))
        if isinstance(end, Over) and not run.warnings:
            await self._journal.end(
                Ending(
                    run.id, row["generation"], row["worker"], row["flow"], row["subject"], end.state, str(how or ""), now,
                    run.story, costs,
                )
            )  # fmt: skip
            return
        async with self._database.transaction() as tx:
            if not await runs.still_mine(tx, run.id, row["generation"], row["worker"]):
                return
            await runs.steps(tx, run.id, row["generation"], run.story)
            await forecast.learn(tx, [(row["flow"], costs)], now)
            match end:
                case Over(state):
                    await self._over(tx, run, state, str(how or ""), now)
                case Again(at, reset):
                    await runs.again(tx, run.id, at=at, state="retrying", reason=_reason(how), reset=reset)
                case Stop(state, about):
                    await self._stop(tx, run, state, about, how, now)

    async def _over(self, tx: Tx, run: Generation, state: str, reason: str, now: datetime) -> None:
        await runs.end(tx, run.id, state, reason, now)
        await messages.settle_run(tx, run.id, state, reason, now)
        await holds.open_holds(tx, run.row, run.warnings, title=run.title, amount=run.amount, now=now)

    async def _stop(
        self, tx: Tx, run: Generation, state: str, about: str, how: Exception | None, now: datetime
    ) -> None:
        match about:
            case "document":
                problems, amount = getattr(how, "problems", ()), getattr(how, "amount", None)
                await self._wait(tx, run, state, str(how), now, problems, amount)
            case "connection":
                system, reason = _system(how), str(how.args[0]) if how else ""
                await firm.set_connection_state(tx, system, "paused", reason)
                problem = Problem("connection.misconfigured", {"system": system, "reason": reason})
                await self._wait(tx, run, state, reason, now, [problem])
            case "fault" | "poison" | "hung":
                reason = _reason(how)
                facts = {"subject": run.title, "reason": reason[:300], "link": f"/runs/{run.id}"}
                await self._wait(tx, run, state, reason, now, [Problem(_FAULTS[about], facts)])
            case _:
                await self._wait(tx, run, state, str(how), now)

    async def _wait(
        self,
        tx: Tx,
        run: Generation,
        state: str,
        reason: str,
        now: datetime,
        problems: Sequence[Problem] = (),
        amount: Money | None = None,
    ) -> None:
        """Held and waiting runs keep their messages in the conservation law as held: a person has the word."""
        await runs.end(tx, run.id, state, reason, now)
        await messages.settle_run(tx, run.id, "held", reason, now)
        everything = [*run.warnings, *problems]
        await holds.open_holds(tx, run.row, everything, title=run.title, amount=amount or run.amount, now=now)


def _is_fault(how: Exception | None) -> bool:
    """Whether it is none of the ways in which a flow may end."""
    foreseen = (Held, Ignored, Waiting, Later, Rejected, Transient, Conflict, Misconfigured, Poison, Hung)
    return how is not None and not isinstance(how, foreseen)


def _reason(how: Exception | None) -> str:
    return f"{type(how).__name__}: {how}" if _is_fault(how) else str(how or "")


def _system(how: Exception | None) -> str:
    return str(how.args[1]) if how and len(how.args) > 1 else "a system"
