"""Finds out what a run would do, without doing it: the flow itself decides, on real sources, and nothing it writes stays.

The hub's own books are changed in a transaction that is rolled back; a write to a target system is noted instead of sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, cast

from tieout.connectors.contract import Claim, Operation, Receipt, Sink, Write
from tieout.domain.identity import effect_key
from tieout.domain.plan import NEW, Act, End, PlannedDocument, PlannedItem, PlannedWrite, changes
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient, explain
from tieout.engine.configuration import Configuration
from tieout.engine.effects import Context, Effects
from tieout.engine.execution import SystemsFor
from tieout.engine.generation import Generation
from tieout.engine.journal import OnDone, nothing_more, receipt_of
from tieout.engine.permit import Permit, content_of
from tieout.engine.run import Arrived, Calendar, Clock, Flow, Held, Ignored, Later, Waiting
from tieout.store import effects, firm, messages, plans, runs
from tieout.store.database import Database
from tieout.store.journal import Standing

# A flow that needs longer than this for its decision cannot be planned.
_PATIENCE = 60.0


class Unforeseen(Exception):
    """What comes next depends on the answer of a target that has not been asked to do anything."""


class _Answer(Mapping[str, Any]):
    """The answer of a write that was not sent: nobody can know what stands in it."""

    def __getitem__(self, key: str) -> NoReturn:
        raise Unforeseen(f"what the target makes of it ({key}) decides what comes next")

    def __iter__(self) -> Iterator[str]:
        raise Unforeseen("what the target answers decides what comes next")

    def __len__(self) -> NoReturn:
        raise Unforeseen("what the target answers decides what comes next")


class RehearsedEffects(Effects):
    """Notes every write instead of sending it. `again` names a step whose repeatable writes would be sent once more."""

    def __init__(self, database: Database, clock: Clock, context: Context, again: str = "") -> None:
        super().__init__(database, clock, context, permit=Permit(0, {}, again))
        self.writes: list[PlannedWrite] = []

    async def perform(
        self, sink: Sink, write: Write, on_done: OnDone = nothing_more, looked: Standing | None = None
    ) -> Receipt:
        operation = sink.operation(write.operation)
        key = effect_key(sink.name, write.operation, write.subject, write.version)
        async with self._database.transaction() as tx:
            known = await effects.get(tx, key)
            if await firm.connection_state(tx, sink.name) == "paused":
                raise Transient(f"{sink.name} is paused")
            earlier = await effects.newest(tx, sink.name, write.operation, write.subject)
        if known is not None and known["state"] == "done" and not self.repeats(operation):
            self._note(sink, operation, write, "skip")
            return receipt_of(known["receipt"])
        if known is not None and known["state"] in ("sent", "unknown"):
            self._note(sink, operation, write, "ask")
        else:
            makes = bool(operation.creates) and (earlier is None or earlier["state"] != "done")
            self._note(sink, operation, write, "create" if makes else "update")
        receipt = Receipt(NEW + write.subject, _parts(write.body), _Answer())
        async with self._database.transaction() as tx:
            await on_done(tx, receipt)
        return receipt

    def found(self, sink: Sink, write: Write) -> None:
        self._note(sink, sink.operation(write.operation), write, "skip")

    def _note(self, sink: Sink, operation: Operation, write: Write, act: Act) -> None:
        self.writes.append(
            PlannedWrite(
                connection=sink.name,
                operation=operation.name,
                does=operation.does,
                subject=write.subject,
                guarantee=operation.guarantee.value,
                act=act,
                content=content_of(write),
                undo=operation.undo,
                money=operation.money is not Claim.UNTOUCHED,
                step=self.step,
            )
        )


def _parts(body: Mapping[str, Any]) -> dict[str, str]:
    """What a target would tell of the parts, by our keys: lists of parts name them `key` or `uuid`."""
    found: dict[str, str] = {}
    for value in body.values():
        for part in cast("list[Any]", value) if isinstance(value, list | tuple) else ():
            if isinstance(part, Mapping):
                named = cast(Mapping[str, Any], part)
                key = named.get("uuid") or named.get("key")
                if key:
                    found[str(key)] = NEW + str(key)
    return found


class RehearsedRun(Generation):
    """A generation that tells which runs it would start."""

    starts: list[str]

    async def start(
        self, flow: str, subject: str, version: str, *, lane: str, engagement: str | None = None, joins: bool = False
    ) -> None:
        self.starts.append(f"{flow} {subject}")


class Rehearser:
    """Rehearses runs; needs the flows, the systems to read from, and a database whose changes it rolls back."""

    def __init__(
        self, database: Database, clock: Clock, calendar: Calendar, flows: Sequence[Flow], systems_for: SystemsFor
    ) -> None:
        self._database = database
        self._clock = clock
        self._calendar = calendar
        self._flows = {each.name: each for each in flows}
        self._systems_for = systems_for

    async def rehearse(self, run_id: str, configuration: Configuration, again: str = "") -> PlannedItem:
        """What the run would do if it began now with this configuration."""
        async with self._database.trial() as trial:
            async with trial.transaction() as tx:
                row = await runs.get(tx, run_id)
                assert row is not None, f"there is no run {run_id}"
                contents = self._flows[row["flow"]].contents
                came = [Arrived.of(each) for each in await messages.of_run(tx, run_id, contents=contents)]
            noted = RehearsedEffects(trial, self._clock, Context(row["id"], row["entity"], row["engagement"]), again)
            run = RehearsedRun(trial, self._clock, self._calendar, row, came, noted)
            run.starts = []
            ended: Exception | None = None
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._flows[row["flow"]].body(run, self._systems_for(noted, trial, configuration))
            except Exception as how:  # every way a flow can end is told in the plan
                ended = how
            async with trial.transaction() as tx:
                documents = await plans.new_documents(tx)
        return _item(run, row, noted.writes, documents, ended)


def _item(
    run: RehearsedRun,
    row: Mapping[str, Any],
    writes: Sequence[PlannedWrite],
    documents: Sequence[Mapping[str, Any]],
    how: Exception | None,
) -> PlannedItem:
    end, why, problems = _end(how)
    amount = run.amount.rounded() if run.amount else None
    return PlannedItem(
        run=run.id,
        flow=row["flow"],
        subject=row["subject"],
        title=run.title,
        entity=run.row["entity"],
        engagement=run.row["engagement"],
        amount=str(amount.amount) if amount else "0",
        currency=amount.currency if amount else "",
        end=end,
        why=why,
        problems=tuple(f"{each.code}: {explain(each).what}" for each in (*run.warnings, *problems)),
        writes=tuple(writes),
        documents=tuple(
            PlannedDocument(
                kind=each["kind"],
                key=each["key"],
                version=each["version"],
                changes=changes(each["before"], each["body"]),
            )
            for each in documents
        ),
        starts=tuple(run.starts),
    )


def _end(how: Exception | None) -> tuple[End, str, Sequence[Problem]]:
    """How it would end, why in words, and what would keep it waiting."""
    if how is None:
        return "done", "", ()
    if isinstance(how, Held | Rejected):
        return "held", "", how.problems
    if isinstance(how, Misconfigured):
        return "later", str(how.args[0]), ()
    for kinds, end in _ENDS:
        if isinstance(how, kinds):
            return end, str(how), ()
    return "fault", f"{type(how).__name__}: {how}"[:300], ()


_ENDS: tuple[tuple[tuple[type[Exception], ...], End], ...] = (
    ((Ignored,), "ignored"),
    ((Waiting,), "waiting"),
    ((Unforeseen,), "open"),
    ((Later, Transient, Conflict), "later"),
)
