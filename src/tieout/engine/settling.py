"""What follows for an effect, decided without I/O: from its class, what the books know of it, and what the target said.

The shell that obeys is `engine.effects`; the simulation (`tieout.testing.simulation`) obeys the same decisions in virtual
time, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from tieout.connectors.contract import Guarantee, Operation

State = Literal["sent", "unknown", "done", "refused", "superseded"]
# How soon a run comes back that met another one on its effect, or whose operation needs no time to settle.
RETRY = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Known:
    """What the books say of an effect.

    `sent_at` is its newest sending; `doubtful_since` the first sending of which nobody knows what became.
    """

    state: State
    attempts: int
    sent_at: datetime
    doubtful_since: datetime


class Heard(Enum):
    """What one call of this life of the run came to."""

    ANSWERED = "answered"  # the target proved that it is done
    LOST = "lost"  # sent, and no answer that can be believed
    AWAY = "away"  # this sending certainly had no effect, and the same bytes may do later
    REFUSED = "refused"  # this sending certainly had no effect, and its bytes will not do
    TAKEN = "taken"  # a unique field of ours refused a second one
    FOUND = "found"  # a look-up told of it
    ABSENT = "absent"  # a look-up told that it is not there
    OVERTAKEN = "overtaken"  # the claim failed: somebody else moved the effect since it was looked at


@dataclass(frozen=True, slots=True)
class Accept:
    """It is done, as the books say."""


@dataclass(frozen=True, slots=True)
class Send:
    """Claim it in the books, commit, then send: exactly the bytes that are kept, or newly prepared ones."""

    kept: bool
    claimed_as: State
    doubtful_since: datetime


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the target what is there."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done until then."""

    until: datetime
    why: Literal["unknown", "overtaken"]


@dataclass(frozen=True, slots=True)
class RecordDone:
    """Write down the receipt; search the target once more at `look_again_at`."""

    look_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordUnknown:
    """Write down that the outcome is unknown, and come back then; without a moment the call's own error says when."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """Write down that it certainly was not done, and say so."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nobody can know but a person who looks: never send again without one."""


Act = Accept | Send | LookUp | Wait | RecordDone | RecordUnknown | RecordRefused | Hold


def next_act(
    operation: Operation,
    known: Known | None,
    heard: tuple[Heard, ...],
    now: datetime,
    sabotage: frozenset[str] = frozenset(),
) -> Act:
    """The next act of a run on an effect that the books knew as `known` when this life began.

    `heard` is what the calls of this life came to, in their order. `sabotage` brings known bugs back (engine.effects).
    """
    if "fresh_key" in sabotage:
        known = None
    if heard:
        return _after(operation, known, heard, now, sabotage)
    if known is not None and known.state == "done":
        return Accept()
    if known is not None and in_doubt(known):
        return _in_doubt(operation, known, now, sabotage)
    return _send(known, now, sabotage, kept=False)


def _in_doubt(operation: Operation, known: Known, now: datetime, sabotage: frozenset[str]) -> Act:
    """A request is out of which nobody knows what became."""
    if operation.guarantee is not Guarantee.NONE and not _by_search(operation, known, now, sabotage):
        return _send(known, now, sabotage, kept=True)
    if not operation.can_be_asked:
        return Hold()
    settled_at = known.sent_at + operation.settle
    if now < settled_at and "look_at_once" not in sabotage:
        return Wait(settled_at, "unknown")
    return LookUp()


def _after(
    operation: Operation, known: Known | None, heard: tuple[Heard, ...], now: datetime, sabotage: frozenset[str]
) -> Act:
    match heard[-1]:
        case Heard.OVERTAKEN:
            return Wait(now + RETRY, "overtaken")
        case Heard.TAKEN:
            return LookUp()
        case Heard.ABSENT if Heard.TAKEN not in heard:
            return _send(None, now, sabotage, kept=True)
        case Heard.ANSWERED | Heard.FOUND:
            again = _by_search(operation, known, now, sabotage) and "no_second_look" not in sabotage
            return RecordDone(now + operation.settle if again else None)
        case Heard.LOST:
            wait = operation.settle if _by_search(operation, known, now, sabotage) else RETRY
            return RecordUnknown(now + max(wait, RETRY))
        case _:
            return _not_done(known, heard)


def _not_done(known: Known | None, heard: tuple[Heard, ...]) -> Act:
    """This sending certainly had no effect; that the target was away tells nothing of a sending before it."""
    earlier = known is not None and in_doubt(known) and Heard.ABSENT not in heard
    return RecordUnknown(None) if earlier and heard[-1] is Heard.AWAY else RecordRefused()


def in_doubt(known: Known) -> bool:
    """Whether a request is out of which nobody knows what became."""
    return known.state in ("sent", "unknown")


def moved(before: Known | None, after: Known | None, sabotage: frozenset[str] = frozenset()) -> bool:
    """The fence: whether somebody else was on the effect between the look at it and the claim."""
    if {"no_fence", "fresh_key"} & sabotage:
        return False
    return _standing(before) != _standing(after)


def _standing(known: Known | None) -> tuple[State, int] | None:
    return None if known is None else (known.state, known.attempts)


def _send(known: Known | None, now: datetime, sabotage: frozenset[str], *, kept: bool) -> Send:
    """`known` is what a doubt goes back to; without it, this sending is the first one that may be in doubt."""
    since = known.doubtful_since if known is not None and in_doubt(known) else now
    return Send(kept, "done" if "mark_first" in sabotage else "sent", since)


def _by_search(operation: Operation, known: Known | None, now: datetime, sabotage: frozenset[str]) -> bool:
    """Whether only a search can tell: class D, and class A when the target may have forgotten the key."""
    if operation.guarantee is Guarantee.KEY and known is not None and in_doubt(known):
        return now >= known.doubtful_since + operation.horizon and "stale_key" not in sabotage
    return operation.guarantee is Guarantee.LOOK_UP
