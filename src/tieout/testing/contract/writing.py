"""What every write promises: no effect before it is sent, the declared class, the system's own words when it refuses."""

from __future__ import annotations

from typing import Any

from tieout.connectors.contract import AlreadyThere, Guarantee, Receipt, Sink, Write
from tieout.domain.problems import Misconfigured, Rejected
from tieout.testing.contract.bench import Broken, Sample, Trial, outcome, promise, proof, told


async def preparing_changes_nothing_and_gives_the_same_bytes(trial: Trial) -> None:
    sample = await trial.sample()
    before = len(trial.network.calls)
    first = await trial.sink.prepare(sample.write)
    second = await trial.sink.prepare(sample.write)
    promise(first == second, f"the same write was prepared as different bytes:\n{first!r}\n{second!r}")
    changing = [each for each in trial.network.calls[before:] if each.changes]
    promise(not changing, f"preparing sent {changing}")
    found = await sample.seen()
    promise(not found, f"preparing had an effect: {found}")


async def what_was_sent_is_there_and_is_found(trial: Trial) -> None:
    sample = await trial.sample()
    absent = sample.absent or sample.write
    nothing = await trial.sink.find(absent)
    promise(nothing is None, f"{absent.subject} is not there, and find tells {nothing}")
    receipt = await sent(trial, sample)
    await whole(sample, "after one sending")
    if not trial.sink.operation(trial.subject).can_be_asked:
        return
    found = await trial.sink.find(sample.write)
    promise(proof(found) == proof(receipt), f"send told {proof(receipt)}, find tells {proof(found)}")


async def the_declared_guarantee_is_true(trial: Trial) -> None:
    """Proves what the class claims: A and B the same state, C a refusal of the second one, D that it can be found."""
    sample = await trial.sample()
    sink = trial.sink
    request = await sink.prepare(sample.write)
    first = await sink.send(sample.write.operation, request)
    state = await whole(sample, "after one sending")
    again = await outcome(sink.send(sample.write.operation, request))
    match sink.operation(trial.subject).guarantee:
        case Guarantee.KEY | Guarantee.UPSERT:
            promise(isinstance(again, Receipt), f"the same bytes again: {told(again)}")
            promise(proof(again) == proof(first), f"first {proof(first)}, again {proof(again)}")
            promise(await sample.seen() == state, "the same bytes again made another state")
        case Guarantee.UNIQUE:
            promise(
                isinstance(again, AlreadyThere), f"a unique field of ours did not refuse the second one: {told(again)}"
            )
            await whole(sample, "after the second sending")
            found = await sink.find(sample.write)
            promise(proof(found) == proof(first), f"first {proof(first)}, what is there {proof(found)}")
        case Guarantee.LOOK_UP:
            await _only_looking_up_helps(trial, sample, first, again)
        case Guarantee.NONE:
            pass


async def it_makes_what_it_says(trial: Trial) -> None:
    """As many records more of the kind that the operation creates as the sample makes; of all that any write creates, no other."""
    sample = await trial.sample()
    creates = trial.sink.operation(trial.subject).creates
    before = await trial.bench.counted()
    promise(not creates or creates in before, f"the census knows no “{creates}”: it counts {sorted(before)}")
    await sent(trial, sample)
    after = await trial.bench.counted()
    others = {each.creates for each in trial.bench.spec.writes.values()} - {creates}
    watched = others if creates else before.keys()
    more = {kind: after[kind] - before[kind] for kind in sorted(watched & before.keys()) if after[kind] > before[kind]}
    promise(not more, f"it says that it creates {creates or 'nothing'}, and there are more: {more}")
    if creates:
        made = after[creates] - before[creates]
        promise(
            made == sample.whole,
            f"it says that it creates {creates}, {sample.whole} of them, and there are {made} more",
        )


async def money_moves_only_where_a_second_time_is_stopped(trial: Trial) -> None:
    operation = trial.sink.operation(trial.subject)
    promise(
        not operation.risks_a_second_claim,
        f"it moves money with class {operation.guarantee.value}: an answer that is lost may have it moved twice",
    )


async def _only_looking_up_helps(trial: Trial, sample: Sample, first: Receipt, again: Any) -> None:
    promise(
        isinstance(again, Receipt),
        f"the same bytes again: {told(again)}; an operation whose target refuses the second one has class C",
    )
    found = await trial.sink.find(sample.write)
    promise(proof(found) == proof(first), f"first {proof(first)}, what is found {proof(found)}")
    bare = await trial.sink.find(Write(trial.subject, sample.write.subject, sample.write.version, {}))
    promise(
        bare is not None and bare.id == first.id,
        f"the engine's second look knows the subject alone; with it, find tells {bare}",
    )


async def a_late_twin_is_why_the_engine_waits(trial: Trial) -> None:
    """For class D: a request that arrives late makes a second one, and a second look tells of it."""
    sample = await trial.sample()
    sink, operation = trial.sink, sample.write.operation
    request = await sink.prepare(sample.write)
    trial.network.strike("late")
    await outcome(sink.send(operation, request))
    promise(trial.network.late == 1, "no changing request was held back: the bench's network does not know it")
    await sink.send(operation, request)
    await whole(sample, "while the first request is on its way")
    await trial.network.deliver()
    there = await sample.seen()
    bare = await sink.find(Write(trial.subject, sample.write.subject, sample.write.version, {}))
    promise(bare is not None and bool(bare.others), f"of the second one, the engine's second look is told {bare}")
    promise(
        len(there) == 2 * sample.whole,
        f"the late request did not make a second one, so the operation deserves a better class than D: {there}",
    )


async def a_refusal_quotes_the_system(trial: Trial) -> None:
    sample = await trial.sample()
    try:
        await trial.sink.send(sample.refused.operation, await trial.sink.prepare(sample.refused))
    except Rejected as refused:
        quotes = " | ".join(each.quote for each in refused.problems)
    except Exception as other:
        raise Broken(f"a value that the system refuses: {told(other)}") from other
    else:
        raise Broken("a value that the system refuses was written")
    promise(sample.refusal in quotes, f"“{sample.refusal}” is not in what is quoted: “{quotes}”")


async def a_stranger_writes_nothing(trial: Trial) -> None:
    sample = await trial.sample()
    request = await trial.sink.prepare(sample.write)
    stranger: Sink = trial.bench.stranger()
    result = await outcome(stranger.send(trial.subject, request))
    await stranger.close()
    promise(isinstance(result, Misconfigured), f"a stranger met {told(result)}")
    found = await sample.seen()
    promise(not found, f"a stranger wrote {found}")


async def sent(trial: Trial, sample: Sample) -> Receipt:
    return await trial.sink.send(sample.write.operation, await trial.sink.prepare(sample.write))


async def whole(sample: Sample, when: str) -> list[Any]:
    """What is there of the effect, which must be all of it, once."""
    found = list(await sample.seen())
    promise(len(found) == sample.whole, f"{sample.whole} should be there {when}, and are {len(found)}: {found}")
    return found
