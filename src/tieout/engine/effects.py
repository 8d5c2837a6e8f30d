"""Makes each effect happen once: the key and the bytes are committed before the call, and a lost answer is a state.

The engine, not the connector, decides what an unknown outcome means, by the guarantee class of the operation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from tieout.connectors.contract import AlreadyThere, Guarantee, Operation, OutcomeUnknown, Receipt, Sink, Write
from tieout.domain.identity import content_hash, effect_key
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient
from tieout.engine.run import Clock, Later
from tieout.store import effects, firm
from tieout.store.database import Database, Tx

# What becomes true in our own books in the transaction that records the receipt.
OnDone = Callable[[Tx, Receipt], Awaitable[None]]

_RETRY = timedelta(seconds=2)


async def nothing_more(tx: Tx, receipt: Receipt) -> None:
    """For effects that teach the hub nothing beyond their receipt."""


@dataclass(frozen=True, slots=True)
class Context:
    """On whose behalf effects are made."""

    run_id: str
    entity: str | None = None
    engagement: str | None = None


class Effects:
    """The one way to change a target system.

    `sabotage` brings known bugs back, so that the suite can prove that it would catch them: `mark_first` records an
    effect as done before it is sent, `fresh_key` forgets that an effect was sent before, `look_at_once` asks a target of
    class D without waiting for what may still arrive.
    """

    def __init__(
        self, database: Database, clock: Clock, context: Context, sabotage: frozenset[str] = frozenset()
    ) -> None:
        self._database = database
        self._clock = clock
        self._context = context
        self._sabotage = sabotage

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
        async with self._database.transaction() as tx:
            newest = await effects.newest(tx, sink.name, operation, subject)
            if newest is not None and newest["version"].endswith(print_) and newest["state"] == "done":
                return
            if newest is not None and newest["version"].endswith(print_):
                version = newest["version"]
            else:
                version = f"{await effects.count(tx, sink.name, operation, subject) + 1:06}#{print_}"
        await self.perform(sink, Write(operation, subject, version, body, ids))
        async with self._database.transaction() as tx:
            await effects.supersede(tx, sink.name, operation, subject, version, self._clock())

    async def made(self, sink: Sink, operation: str, subject: str) -> bool:
        """Whether the target confirmed this operation on the subject: it is ours, not somebody else's."""
        async with self._database.transaction() as tx:
            newest = await effects.newest(tx, sink.name, operation, subject)
        return newest is not None and newest["state"] == "done"

    async def perform(self, sink: Sink, write: Write, on_done: OnDone = nothing_more) -> Receipt:
        """The effect's receipt, whether it happened just now or in an earlier life of this run.

        Raises Later while the outcome is unknown or another run is on the same effect, Rejected when the target refused
        or cannot be asked, and what the connector raises otherwise.
        """
        operation = sink.operation(write.operation)
        key = effect_key(sink.name, write.operation, write.subject, write.version)
        async with self._database.transaction() as tx:
            known = None if "fresh_key" in self._sabotage else await effects.get(tx, key)
            if await firm.connection_state(tx, sink.name) == "paused":
                raise Transient(f"{sink.name} is paused", 60)
        if known is not None and known["state"] == "done":
            return receipt_of(known["receipt"])
        if known is not None and known["state"] in ("sent", "unknown"):
            found = await self._settle_unknown(sink, write, operation, known, on_done)
            if found is not None:
                return found
            return await self._send(sink, write, operation, key, bytes(known["request"]), known, on_done)
        return await self._send(sink, write, operation, key, await sink.prepare(write), known, on_done)

    async def _settle_unknown(
        self, sink: Sink, write: Write, operation: Operation, known: Mapping[str, Any], on_done: OnDone
    ) -> Receipt | None:
        """None when the same bytes are to be sent again."""
        match operation.guarantee:
            case Guarantee.KEY | Guarantee.UPSERT | Guarantee.UNIQUE:
                return None
            case Guarantee.LOOK_UP:
                settled_at = known["sent_at"] + operation.settle
                if self._clock() < settled_at and "look_at_once" not in self._sabotage:
                    raise Later(settled_at, f"outcome of {operation.name} unknown, {sink.name} is asked again")
                found = await sink.find(write)
                if found is not None:
                    await self._done(sink, operation, known["key"], found, on_done)
                return found
            case Guarantee.NONE:
                raise Rejected(_unknown(sink, operation, write))

    async def _send(
        self,
        sink: Sink,
        write: Write,
        operation: Operation,
        key: str,
        request: bytes,
        known: Mapping[str, Any] | None,
        on_done: OnDone,
    ) -> Receipt:
        if not await self._claim(sink, write, operation, key, request, known):
            raise Later(self._clock() + _RETRY, f"another run is on {operation.name} {write.subject}")
        try:
            receipt = await sink.send(operation.name, request)
        except AlreadyThere as there:
            receipt = await self._what_is_there(sink, write, operation, key, there)
        except OutcomeUnknown as unknown:
            await self._mark(key, "unknown", str(unknown))
            raise Later(
                self._clock() + max(operation.settle, _RETRY), f"outcome of {operation.name} unknown: {unknown}"
            ) from unknown
        except (Transient, Rejected, Conflict, Misconfigured) as refused:
            await self._mark(key, "refused", str(refused))
            raise
        await self._done(sink, operation, key, receipt, on_done)
        return receipt

    async def _claim(
        self,
        sink: Sink,
        write: Write,
        operation: Operation,
        key: str,
        request: bytes,
        known: Mapping[str, Any] | None,
    ) -> bool:
        """Commits key and bytes before the call; False when somebody else moved this effect since it was looked at."""
        async with self._database.transaction() as tx:
            await effects.lock_subject(tx, sink.name, key)
            now = await effects.get(tx, key)
            if _standing(now) != _standing(known) and "fresh_key" not in self._sabotage:
                return False
            await effects.sending(
                tx,
                key,
                connection=sink.name,
                operation=operation.name,
                guarantee=operation.guarantee.value,
                subject=write.subject,
                version=write.version,
                run_id=self._context.run_id,
                entity=self._context.entity,
                engagement=self._context.engagement,
                request=request,
                state="done" if "mark_first" in self._sabotage else "sent",
                now=self._clock(),
            )
        return True

    async def _what_is_there(
        self, sink: Sink, write: Write, operation: Operation, key: str, there: AlreadyThere
    ) -> Receipt:
        found = await sink.find(write)
        if found is None:
            facts = {"system": sink.name, "action": operation.does, "subject": write.subject, "amount": "", "link": ""}
            await self._mark(key, "refused", str(there))
            raise Rejected(Problem("target.refused", facts, quote=str(there))) from there
        return found

    async def _mark(self, key: str, state: str, detail: str) -> None:
        async with self._database.transaction() as tx:
            await effects.settled(tx, key, state, now=self._clock(), detail=detail)

    async def _done(self, sink: Sink, operation: Operation, key: str, receipt: Receipt, on_done: OnDone) -> None:
        """The receipt and what it teaches our own books become true together."""
        now = self._clock()
        late = operation.guarantee is Guarantee.LOOK_UP
        async with self._database.transaction() as tx:
            await effects.settled(
                tx,
                key,
                "done",
                now=now,
                receipt=asdict(receipt),
                look_again_at=now + operation.settle if late else None,
            )
            await on_done(tx, receipt)


def receipt_of(stored: Mapping[str, Any]) -> Receipt:
    return Receipt(stored["id"], stored["parts"], stored["answer"])


def _standing(known: Mapping[str, Any] | None) -> tuple[str, int] | None:
    return None if known is None else (known["state"], known["attempts"])


def _unknown(sink: Sink, operation: Operation, write: Write) -> Problem:
    facts = {"system": sink.name, "action": operation.does, "subject": write.subject, "link": ""}
    return Problem("target.unknown", facts)
