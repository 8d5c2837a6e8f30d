"""Makes each effect happen once: the key and the bytes are committed before the call, and a lost answer is a state.

The engine, not the connector, decides what an unknown outcome means, by the guarantee class of the operation (settling.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from tieout.connectors.contract import AlreadyThere, Guarantee, Operation, OutcomeUnknown, Receipt, Sink, Write
from tieout.domain.identity import content_hash, effect_key
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient
from tieout.engine.errand import Leave, at_once
from tieout.engine.journal import Journal, OnDone, Proof, nothing_more, receipt_of
from tieout.engine.permit import Permit
from tieout.engine.run import Clock, Later, NotPlanned, Row
from tieout.engine.settling import (
    Accept,
    Heard,
    Hold,
    Known,
    LookUp,
    RecordDone,
    RecordRefused,
    RecordUnknown,
    Send,
    Wait,
    content_version,
    next_act,
    outlived,
    quiet_at,
    standing,
)
from tieout.store import effects
from tieout.store.database import Database, Tx
from tieout.store.journal import Claim, Standing
from tieout.store.memory import Gap, Memory

# For so long after the database came back, class E waits for a person.
_CAREFUL = timedelta(hours=24)
# The step of a run that is being done; of steps that go side by side, each has its own.
_STEP: ContextVar[str] = ContextVar("step", default="")


@dataclass(frozen=True, slots=True)
class Context:
    """On whose behalf effects are made.

    With a `worker`, an effect is claimed only as long as this worker still has this generation of the run.
    """

    run_id: str
    entity: str | None = None
    engagement: str | None = None
    generation: int = 0
    worker: str = ""


@dataclass(frozen=True, slots=True)
class _Effect:
    """One effect at work."""

    sink: Sink
    operation: Operation
    write: Write
    key: str
    on_done: OnDone


class Effects:
    """The one way to change a target system: it obeys what `engine.settling` decides.

    `sabotage` brings known bugs back, so that the suite can prove that it would catch them: `mark_first` records an
    effect as done before it is sent, `fresh_key` forgets that an effect was sent before, `no_fence` sends whoever else is
    on the effect, `look_at_once` asks a target without waiting for what may still arrive, `no_second_look` does not
    search it once more, `stale_key` believes that a target knows a key for ever, `zombie` goes
    on with a run that another worker has, `old_claim` sends long after the claim, `late_content` sends a newer content
    while an older one may still arrive, `beyond_plan` writes what a confirmed plan did not show,
    `believe_twice` takes what a person said of one sending for the next one too, `sure_of_memory` sends what the
    database does not know, although it came back from a failover or a restore; one more is the journal's.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        context: Context,
        sabotage: frozenset[str] = frozenset(),
        permit: Permit | None = None,
        leave: Leave = at_once,
        journal: Journal | None = None,
    ) -> None:
        self.step = ""
        self.moved = False  # whether this life has made anything true in a target
        self.rows: Counter[str] = Counter()  # and how many rows of batches, in each
        self._database = database
        self.journal = journal or Journal(database, sabotage)
        self._clock = clock
        self._context = context
        self._sabotage = sabotage
        self._permit = permit
        self._leave = leave

    @property
    def step(self) -> str:
        return _STEP.get()

    @step.setter
    def step(self, title: str) -> None:
        _STEP.set(title)

    def about(self, *, entity: str | None = None, engagement: str | None = None) -> None:
        context = self._context
        self._context = replace(context, entity=entity or context.entity, engagement=engagement or context.engagement)

    async def keep(
        self, sink: Sink, operation: str, subject: str, body: Mapping[str, Any], ids: Mapping[str, str]
    ) -> None:
        """Makes a repeatable update's newest content true; nothing is sent when the target has confirmed it already.

        For updates of class B, whose contents may come back (on hold, ready, on hold): each change counts one up.
        """
        print_ = content_hash([body, ids])[:16]
        told = await self.journal.contents((sink.name, operation, subject))
        newest, gap = told.newest.stored, self._gap(told.newest.memory)
        forgotten = newest is not None and gap is not None and newest["sent_at"] <= gap.until
        known = None if newest is None or forgotten else (newest["version"], newest["state"])
        version = content_version(known, told.count, print_)
        if version is None:
            assert newest is not None
            version = newest["version"]
            if not self.repeats(sink.operation(operation)):
                self.found(sink, Write(operation, subject, version, body, ids))
                return
        others = [_standing(each) for each in told.open if each["version"] != version]
        quiet = quiet_at(others, sink.operation(operation).settle, self._sabotage)
        if quiet is not None and quiet > self._clock():
            raise Later(quiet, f"an older content of {operation} {subject} may still arrive at {sink.name}")
        stored = newest if newest is not None and newest["version"] == version else None

        async def supersede(tx: Tx, receipt: Receipt) -> None:
            await effects.supersede(tx, sink.name, operation, subject, version, self._clock())

        older = told.count > (stored is not None)
        write = Write(operation, subject, version, body, ids)
        await self.perform(sink, write, supersede if older else nothing_more, replace(told.newest, stored=stored))

    def repeats(self, operation: Operation) -> bool:
        """Whether a write that is done is to be sent once more: a person asked for this step again, and it makes no second."""
        asked = self._permit is not None and self._permit.again != "" and self._permit.again == self.step
        return asked and operation.guarantee is Guarantee.UPSERT

    def found(self, sink: Sink, write: Write) -> None:
        """There is nothing to do for this write: the target has confirmed it."""

    async def made(self, sink: Sink, operation: str, subject: str) -> bool:
        """Whether the target confirmed this operation on the subject: it is ours, not somebody else's."""
        async with self._database.statement() as tx:
            newest = await effects.newest(tx, sink.name, operation, subject)
        return newest is not None and newest["state"] == "done"

    async def in_doubt(self, sink: Sink, operation: str, subject: str) -> bool:
        """Whether nobody knows yet what came of this operation on the subject."""
        async with self._database.statement() as tx:
            newest = await effects.newest(tx, sink.name, operation, subject)
        return newest is not None and newest["state"] in ("sent", "unknown")

    async def perform(
        self, sink: Sink, write: Write, on_done: OnDone = nothing_more, looked: Standing | None = None
    ) -> Receipt:
        """The effect's receipt, whether it happened just now or in an earlier life of this run.

        `looked` is how it stands, where somebody has looked already.

        Raises Later while the outcome is unknown or another run is on the same effect, Rejected when the target refused
        or cannot be asked, and what the connector raises otherwise.
        """
        operation = sink.operation(write.operation)
        effect = _Effect(
            sink, operation, write, effect_key(sink.name, write.operation, write.subject, write.version), on_done
        )
        stored = await self._stored(effect, looked)
        claim = stored["attempts"] + 1 if stored else 1
        heard, told = _by_a_person(stored)
        while True:
            act = next_act(operation, self._known(effect, stored), heard, self._clock(), self._sabotage)
            match act:
                case Accept():
                    assert stored is not None
                    return receipt_of(stored["receipt"])
                case Wait():
                    raise Later(act.until, _why(act, effect))
                case Hold():
                    assert stored is not None
                    raise Rejected(_nobody_knows(effect, stored))
                case LookUp():
                    found = await sink.find(write)
                    heard, told = (*heard, Heard.FOUND if found else Heard.ABSENT), found or told
                case Send():
                    word, told = await self._send(effect, stored, act)
                    heard = (*heard, word)
                case RecordDone():
                    assert isinstance(told, Receipt)
                    return await self._done(effect, told, act.look_again_at)
                case RecordUnknown():
                    assert isinstance(told, Exception)
                    await self._mark(effect.key, "unknown", str(told), claim)
                    if act.until is None:
                        raise told
                    raise Later(act.until, f"outcome of {operation.name} unknown: {told}") from told
                case RecordRefused():
                    assert isinstance(told, Exception)
                    await self._mark(effect.key, "refused", str(told), claim)
                    raise _refusal(effect, told)

    async def _stored(self, effect: _Effect, looked: Standing | None) -> Row | None:
        found = looked or await self.journal.look((effect.key, effect.sink.name))
        if found.paused:
            raise Transient(f"{effect.sink.name} is paused", 60)
        gap = self._gap(found.memory)
        return found.stored if gap is None else await self._doubted(effect, found.stored, gap)

    def _gap(self, known: Memory) -> Gap | None:
        """Between which moments the database may have forgotten something. Raises Transient until that is known."""
        if "sure_of_memory" in self._sabotage:
            return None
        if known.moved:
            raise Transient(
                "the database came back from a failover or a restore: first it is seen what it may not know", 5
            )
        return known.gap

    async def _doubted(self, effect: _Effect, stored: Row | None, gap: Gap) -> Row | None:
        """An effect that the database may have forgotten is one whose outcome is unknown: it was sent at the gap's end.

        Where the target knows us by a key, an id or a unique field, it is sent again in any case. Class E can only be held,
        and is, for a day.
        """
        if stored is not None and stored["state"] in ("sent", "unknown"):
            return {**stored, "sent_at": max(stored["sent_at"], gap.until)}
        guarantee, careful = effect.operation.guarantee, self._clock() < gap.until + _CAREFUL
        known = stored is not None and (stored["state"] != "refused" or stored["sent_at"] > gap.until)
        if known or not (guarantee is Guarantee.LOOK_UP or (guarantee is Guarantee.NONE and careful)):
            return stored
        request = await effect.sink.prepare(effect.write)
        await self._claim(effect, stored, Send(kept=False, claimed_as="unknown"), request, gap.until)
        async with self._database.transaction() as tx:
            return await effects.get(tx, effect.key)

    async def _send(self, effect: _Effect, stored: Row | None, act: Send) -> tuple[Heard, Receipt | Exception | None]:
        """Claims the effect and sends it, when it is the connection's turn: a claim is not kept while it waits."""
        self._check_permit(effect)
        request = bytes(stored["request"]) if act.kept and stored else await effect.sink.prepare(effect.write)
        async with self._leave(effect.sink.name):
            claimed_at = self._clock()
            if not await self._claim(effect, stored, act, request, claimed_at):
                return Heard.OVERTAKEN, None
            return await self._attempt(effect, request, claimed_at)

    async def _attempt(
        self, effect: _Effect, request: bytes, claimed_at: datetime
    ) -> tuple[Heard, Receipt | Exception | None]:
        """One sending: what came of it, in a word and as the connector told it."""
        if outlived(claimed_at, self._clock(), self._sabotage):
            return Heard.AWAY, Transient(f"the hub stood still before it sent {effect.operation.name}")
        try:
            return Heard.ANSWERED, await effect.sink.send(effect.operation.name, request)
        except AlreadyThere as there:
            return Heard.TAKEN, there
        except OutcomeUnknown as unknown:
            return Heard.LOST, unknown
        except (Transient, Misconfigured) as away:
            return Heard.AWAY, away
        except (Rejected, Conflict) as refused:
            return Heard.REFUSED, refused

    def _known(self, effect: _Effect, stored: Row | None) -> Known | None:
        """What is known of the effect; one that is to be sent once more counts as never sent, and is claimed as it stands."""
        if stored is not None and stored["state"] == "done" and self.repeats(effect.operation):
            return None
        return _known(stored)

    def _check_permit(self, effect: _Effect) -> None:
        """Raises NotPlanned for a write that the confirmed plan did not show, or showed with another content."""
        if self._permit is None or "beyond_plan" in self._sabotage:
            return
        if not self._permit.allows(effect.sink.name, effect.write):
            facts = {**_facts(effect), "plan": f"P-{self._permit.plan}", "link": f"/plans/P-{self._permit.plan}"}
            raise NotPlanned([Problem("plan.moved", facts)])

    async def _claim(self, effect: _Effect, stored: Row | None, act: Send, request: bytes, now: datetime) -> bool:
        """Commits key and bytes before the call; False when somebody else has the effect, or the run, by now.

        A worker that was taken for dead and goes on decides with what it read before its run was given to another.
        """
        context = self._context
        claim = Claim(
            effect.key,
            connection=effect.sink.name,
            operation=effect.operation.name,
            guarantee=effect.operation.guarantee.value,
            subject=effect.write.subject,
            version=effect.write.version,
            run_id=context.run_id,
            entity=context.entity,
            engagement=context.engagement,
            request=request,
            state=act.claimed_as,
            now=now,
            generation=context.generation,
            worker=context.worker if "zombie" not in self._sabotage else "",
            before=standing(_known(stored)),
            fenced=not {"no_fence", "fresh_key"} & self._sabotage,
            forget="believe_twice" not in self._sabotage,
        )
        return await self.journal.claim(claim)

    async def _mark(self, key: str, state: str, detail: str, claim: int) -> None:
        """`claim` is the sending that this is about: another one since then has the say."""
        async with self._database.transaction() as tx:
            await effects.settled(tx, key, state, now=self._clock(), detail=detail, claim=claim)

    async def _done(self, effect: _Effect, receipt: Receipt, look_again_at: datetime | None) -> Receipt:
        """The receipt and what it teaches our own books become true together; the first receipt stays."""
        first = await self.journal.receive(Proof(effect.key, receipt, self._clock(), look_again_at, effect.on_done))
        if first is receipt:
            self.moved = True
            if effect.operation.batch > 1:
                self.rows[effect.sink.name] += _rows(effect.write)
        return first


def _rows(write: Write) -> int:
    """How many rows a batch carries."""
    return max((len(cast("list[Any]", each)) for each in write.body.values() if isinstance(each, list)), default=1)


def _known(stored: Row | None) -> Known | None:
    return None if stored is None else _standing(stored)


def _standing(stored: Row) -> Known:
    return Known(stored["state"], stored["attempts"], stored["sent_at"], stored["planned_at"])


def _by_a_person(stored: Row | None) -> tuple[tuple[Heard, ...], Receipt | Exception | None]:
    """What somebody who looked into the target said of an effect in doubt counts as what a look-up tells."""
    said = stored["answered"] if stored is not None and stored["state"] in ("sent", "unknown") else None
    if said is None:
        return (), None
    return ((Heard.FOUND,), Receipt(said["record"])) if said["there"] else ((Heard.ABSENT,), None)


def _why(act: Wait, effect: _Effect) -> str:
    if act.why == "overtaken":
        return f"another run is on {effect.operation.name} {effect.write.subject}"
    return f"outcome of {effect.operation.name} unknown, {effect.sink.name} is asked again"


def _refusal(effect: _Effect, told: Exception) -> Exception:
    """What the connector raised; a unique field that refuses what is not there is a refusal like any other."""
    if not isinstance(told, AlreadyThere):
        return told
    facts = {**_facts(effect), "amount": ""}
    refused = Rejected(Problem("target.refused", facts, quote=str(told)))
    refused.__cause__ = told
    return refused


def _nobody_knows(effect: _Effect, stored: Row) -> Problem:
    """With the evidence that whoever looks in the target needs: when it was sent, and the digest of the exact bytes."""
    evidence = {
        "first_sent": stored["planned_at"].isoformat(),
        "last_sent": stored["sent_at"].isoformat(),
        "digest": sha256(stored["request"]).hexdigest(),
    }
    return Problem("target.unknown", {**_facts(effect), **evidence})


def _facts(effect: _Effect) -> dict[str, str]:
    return {
        "system": effect.sink.name,
        "action": effect.operation.does,
        "subject": effect.write.subject,
        "link": "",
    }
