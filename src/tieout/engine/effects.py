"""Makes each effect happen once: the key and the bytes are committed before the call, and a lost answer is a state.

The engine, not the connector, decides what an unknown outcome means, by the guarantee class of the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from tieout.connectors.contract import AlreadyThere, Guarantee, Operation, OutcomeUnknown, Receipt, Sink, Write
from tieout.domain.identity import effect_key
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient
from tieout.engine.run import Clock, Later
from tieout.store import crosswalk, effects
from tieout.store.database import Database

# (kind, business key, record id): what a receipt teaches the crosswalk.
Link = tuple[str, str, str]
Teach = Callable[[Receipt], Sequence[Link]]

_RETRY = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Context:
    """On whose behalf effects are made."""

    run_id: str
    entity: str | None = None
    engagement: str | None = None


class Effects:
    """The one way to change a target system."""

    def __init__(self, database: Database, clock: Clock, context: Context) -> None:
        self._database = database
        self._clock = clock
        self._context = context

    def about(self, *, entity: str | None = None, engagement: str | None = None) -> None:
        context = self._context
        self._context = replace(context, entity=entity or context.entity, engagement=engagement or context.engagement)

    async def perform(self, sink: Sink, write: Write, teach: Teach) -> Receipt:
        """The effect's receipt, whether it happened just now or in an earlier life of this run.

        Raises Later while the outcome is unknown, Rejected when the target refused or cannot be asked, and what the
        connector raises otherwise.
        """
        operation = sink.operation(write.operation)
        key = effect_key(sink.name, write.operation, write.subject, write.version)
        async with self._database.transaction() as tx:
            await effects.lock_subject(tx, sink.name, key)
            known = await effects.get(tx, key)
        if known is not None and known["state"] == "done":
            return receipt_of(known["receipt"])
        if known is not None and known["state"] in ("sent", "unknown"):
            found = await self._settle_unknown(sink, write, operation, known, teach)
            if found is not None:
                return found
            return await self._send(sink, write, operation, key, bytes(known["request"]), teach)
        return await self._send(sink, write, operation, key, await sink.prepare(write), teach)

    async def _settle_unknown(
        self, sink: Sink, write: Write, operation: Operation, known: Mapping[str, Any], teach: Teach
    ) -> Receipt | None:
        """None when the same bytes are to be sent again."""
        match operation.guarantee:
            case Guarantee.KEY | Guarantee.UPSERT | Guarantee.UNIQUE:
                return None
            case Guarantee.LOOK_UP:
                settled_at = known["sent_at"] + operation.settle
                if self._clock() < settled_at:
                    raise Later(settled_at, f"outcome of {operation.name} unknown, {sink.name} is asked again")
                found = await sink.find(write)
                if found is not None:
                    await self._done(sink, operation, known["key"], found, teach)
                return found
            case Guarantee.NONE:
                raise Rejected(_unknown(sink, operation, write))

    async def _send(
        self, sink: Sink, write: Write, operation: Operation, key: str, request: bytes, teach: Teach
    ) -> Receipt:
        async with self._database.transaction() as tx:
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
                now=self._clock(),
            )
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
        await self._done(sink, operation, key, receipt, teach)
        return receipt

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

    async def _done(self, sink: Sink, operation: Operation, key: str, receipt: Receipt, teach: Teach) -> None:
        """The receipt and what it teaches the crosswalk become true together."""
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
            for kind, business, record in teach(receipt):
                await crosswalk.link(tx, kind, business, sink.name, record, now)


def receipt_of(stored: Mapping[str, Any]) -> Receipt:
    return Receipt(stored["id"], stored["parts"], stored["answer"])


def _unknown(sink: Sink, operation: Operation, write: Write) -> Problem:
    facts = {"system": sink.name, "action": operation.does, "subject": write.subject, "link": ""}
    return Problem("target.unknown", facts)
