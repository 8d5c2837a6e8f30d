"""What every write promises when a call breaks: no receipt without proof, unknown where the effect may be there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from tieout.connectors.contract import Guarantee, OutcomeUnknown, Receipt
from tieout.domain.problems import Conflict, Misconfigured, Rejected, Transient
from tieout.testing.contract.bench import Sample, Trial, outcome, promise, told
from tieout.testing.contract.network import AWAY, CARRIED_OUT, LIES, UNANSWERED, Fault
from tieout.testing.contract.striking import Strike, at_every_call, turns
from tieout.testing.contract.writing import sent, whole

_REPEATABLE = (Guarantee.KEY, Guarantee.UPSERT)
_NAMED = (Transient, OutcomeUnknown, Rejected, Conflict, Misconfigured)


async def a_lost_answer_is_unknown_and_the_effect_is_there(trial: Trial) -> None:
    changes = sum(await _calls_of_a_send(trial))
    for fault in ("lost", "garbled") if trial.bench.dear else CARRIED_OUT:
        sample, result = await _struck(trial, fault, changes)
        promise(isinstance(result, OutcomeUnknown), f"{fault}: {told(result)}, and the effect may be there")
        await whole(sample, f"after a request whose answer was {fault}")


async def a_timeout_before_the_effect_is_unknown_and_nothing_is_there(trial: Trial) -> None:
    sample, result = await _struck(trial, "silent", 1)
    promise(isinstance(result, OutcomeUnknown), f"nobody can know whether it was done: {told(result)}")
    found = await sample.seen()
    promise(not found, f"the request never arrived, and there is {found}")


async def a_system_that_is_away_is_tried_again(trial: Trial) -> None:
    """Whichever call of a send breaks: never a receipt, never a refusal, and unknown when the effect is there."""
    async for strike, seen in _every_call_of_a_send(trial, (*AWAY, *UNANSWERED)):
        promise(isinstance(strike.result, Transient | OutcomeUnknown), f"send, {strike}")
        _not_denied(trial, strike, seen)


async def an_answer_that_proves_nothing_is_no_receipt(trial: Trial) -> None:
    async for strike, seen in _every_call_of_a_send(trial, LIES):
        promise(isinstance(strike.result, _NAMED), f"send, {strike}")
        _not_denied(trial, strike, seen)


async def a_failed_look_up_is_no_answer(trial: Trial) -> None:
    """Neither "there" nor "not there": the one loses the effect, the other doubles it."""
    sample = await trial.sample()
    await sent(trial, sample)
    async for strike in at_every_call(trial, (*AWAY, *UNANSWERED, *LIES), lambda: trial.sink.find(sample.write)):
        allowed = Transient | Misconfigured | Rejected if strike.fault in LIES else Transient
        promise(isinstance(strike.result, allowed), f"find, {strike}")
    found = await outcome(trial.sink.find(sample.write))
    promise(isinstance(found, Receipt), f"find without a fault: {told(found)}")


async def what_cannot_be_prepared_is_tried_again(trial: Trial) -> None:
    sample = await trial.sample()
    async for strike in at_every_call(trial, (*AWAY, *UNANSWERED), lambda: trial.sink.prepare(sample.write)):
        promise(isinstance(strike.result, Transient), f"prepare, {strike}")


def _not_denied(trial: Trial, strike: Strike, seen: Sequence[Any]) -> None:
    """Whoever says that it certainly had no effect, while it is there, has it made a second time."""
    if isinstance(strike.result, OutcomeUnknown):
        return
    repeatable = trial.sink.operation(trial.subject).guarantee in _REPEATABLE
    promise(not seen or repeatable, f"send, {strike}, and the effect is there: {seen}")


async def _struck(trial: Trial, fault: Fault, at: int) -> tuple[Sample, Any]:
    """A fresh write whose changing request suffers the fault: the first, or the one that makes the effect whole."""
    sample = await trial.sample()
    request = await trial.sink.prepare(sample.write)
    trial.network.strike(fault, at=at)
    result = await outcome(trial.sink.send(trial.subject, request))
    promise(not trial.network.calm(), "no changing request was sent: the bench's network does not know it")
    return sample, result


async def _calls_of_a_send(trial: Trial) -> Sequence[bool]:
    """The requests of a send in their order: whether each changes something."""
    shapes = trial.bench.shapes
    if trial.subject not in shapes:
        sample = await trial.sample()
        request = await trial.sink.prepare(sample.write)
        before = len(trial.network.calls)
        await trial.sink.send(trial.subject, request)
        shapes[trial.subject] = [each.changes for each in trial.network.calls[before:]]
    return shapes[trial.subject]


async def _every_call_of_a_send(
    trial: Trial, faults: Sequence[Fault]
) -> AsyncGenerator[tuple[Strike, Sequence[Any]], None]:
    """Each fault at each call of a send. A subject is used again as long as nothing has happened to it."""
    sample: Sample | None = None
    request = b""
    for at, changes in enumerate(await _calls_of_a_send(trial), 1):
        for fault in turns(trial, faults, at, changes=changes):
            if sample is None:
                sample = await trial.sample()
                request = await trial.sink.prepare(sample.write)
            trial.network.strike(fault, at=at, only_changes=False)
            result = await outcome(trial.sink.send(trial.subject, request))
            struck, seen = not trial.network.calm(), await sample.seen()
            if struck:
                yield Strike(fault, at, result), seen
            if seen:
                sample = None
