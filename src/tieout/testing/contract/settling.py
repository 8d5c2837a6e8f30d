"""What the engine makes of an operation's class: whatever broke, exactly one is there in the end, and it is known which."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tieout.connectors.contract import Guarantee, Receipt, Sink
from tieout.domain.problems import Rejected, Transient
from tieout.engine.effects import Context, Effects
from tieout.engine.run import Later
from tieout.store import firm
from tieout.testing.contract.bench import Broken, Sample, Trial, outcome, promise, proof, told
from tieout.testing.contract.network import Fault
from tieout.testing.contract.writing import whole
from tieout.testing.crash import Crashed

_FAULTS: tuple[Fault, ...] = ("lost", "silent", "garbled", "late", "killed_before", "killed_after", "unavailable")
_FEW: tuple[Fault, ...] = ("lost", "late", "killed_before", "killed_after")
_PATIENCE = timedelta(seconds=3)


@dataclass
class Moment:
    """The hub's clock, which the checks move."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 2, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at


async def whatever_breaks_there_is_exactly_one_in_the_end(trial: Trial) -> None:
    await _known(trial)
    for fault in _FEW if trial.bench.dear else _FAULTS:
        await ends_with_one(trial, fault)


async def ends_with_one(trial: Trial, fault: Fault) -> None:
    """The changing request suffers the fault; the run comes back too early, then when it was told to, then once more."""
    sample, clock = await trial.sample(), Moment()
    effects = _effects(trial, clock, "contract")
    sink = trial.sink
    operation = sink.operation(trial.subject)
    trial.network.strike(fault)
    first = await _life(effects, sink, sample)
    promise(isinstance(first, Later | Transient | Crashed), f"{fault}: {told(first)}")
    promise(not trial.network.calm(), "no changing request was sent: the bench's network does not know it")
    if operation.guarantee is Guarantee.NONE and not isinstance(first, Transient):
        await _a_person_decides(effects, sink, sample, fault, clock)
        await trial.network.deliver()
        return
    before = len(trial.network.calls)
    early = await _life(effects, sink, sample)
    if operation.guarantee is Guarantee.LOOK_UP and fault != "unavailable":
        promise(isinstance(early, Later), f"{fault}: asked again at once, class D: {told(early)}")
        promise(len(trial.network.calls) == before, "class D was looked up before its request can have died")
    await trial.network.deliver()
    _wait(trial, clock, operation.settle)
    receipt = await _life(effects, sink, sample)
    promise(isinstance(receipt, Receipt), f"{fault}: the run ended with {told(receipt)}")
    await whole(sample, f"after “{fault}” and as many lives as it took")
    if operation.can_be_asked:
        await _same_as_found(sink, sample, receipt)
    before = len(trial.network.calls)
    promise(proof(await effects.perform(sink, sample.write)) == proof(receipt), "a later life knows another receipt")
    promise(len(trial.network.calls) == before, "what is done was sent again")


async def three_runs_at_once_make_one(trial: Trial) -> None:
    await _known(trial)
    sample, clock = await trial.sample(), Moment()
    sink = trial.sink
    runs = [_effects(trial, clock, f"contract-{number}") for number in range(3)]
    results = await asyncio.gather(*(outcome(each.perform(sink, sample.write)) for each in runs))
    for each in results:
        promise(isinstance(each, Receipt | Later), f"beside two others, a run met {told(each)}")
    _wait(trial, clock, sink.operation(trial.subject).settle)
    receipts = [await outcome(each.perform(sink, sample.write)) for each in runs]
    promise(all(isinstance(each, Receipt) for each in receipts), f"three runs ended with {receipts}")
    promise(len({str(proof(each)) for each in receipts}) == 1, f"three runs know {receipts}")
    await whole(sample, "after three runs at once")


async def _known(trial: Trial) -> None:
    """The engine's books know the connection."""
    spec, clock = trial.bench.spec, Moment()
    connection = (trial.sink.name, spec.kind, spec.roles[0], None)
    async with trial.database.transaction() as tx:
        await firm.apply(tx, content={}, entities=(), connections=[connection], actor="contract", now=clock())


async def _same_as_found(sink: Sink, sample: Sample, receipt: Receipt) -> None:
    found = await sink.find(sample.write)
    promise(proof(found) == proof(receipt), f"the books know {proof(receipt)}, the target {proof(found)}")


async def _a_person_decides(effects: Effects, sink: Sink, sample: Sample, fault: Fault, clock: Moment) -> None:
    second = await _life(effects, sink, sample)
    if isinstance(second, Later):  # another run may still be told the answer
        clock.at = second.at
        second = await _life(effects, sink, sample)
    if not isinstance(second, Rejected) or second.problems[0].code != "target.unknown":
        raise Broken(f"{fault}: class E cannot be asked, so a person must look: {told(second)}")
    found = await sample.seen()
    promise(len(found) <= sample.whole, f"class E was done twice: {found}")


def _effects(trial: Trial, clock: Moment, run: str) -> Effects:
    return Effects(trial.database, clock, Context(run), trial.sabotage)


def _wait(trial: Trial, clock: Moment, settle: timedelta) -> None:
    clock.at += settle + _PATIENCE
    trial.bench.forward(settle + _PATIENCE)


async def _life(effects: Effects, sink: Sink, sample: Sample) -> Any:
    """One life of a run, which may end with the process."""
    try:
        return await outcome(effects.perform(sink, sample.write))
    except Crashed as crashed:
        return crashed
