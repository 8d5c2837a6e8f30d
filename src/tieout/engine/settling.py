"""What follows for an effect, decided without I/O: from its class, what the books know of it, and what the target said.

The shell that obeys is `engine.effects`; the simulation (`tieout.testing.simulation`) obeys the same decisions in virtual
time, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from tieout.connectors.contract import Guarantee, Operation

State = Literal["sent", "unknown", "done", "refused", "superseded"]
# How soon a run comes back that met another one on its effect, or whose operation needs no time to settle.
RETRY = timedelta(seconds=2)
# Between the claim and the sending a worker may stand still for this long; `settle` has room for it.
_CLAIM_HOLDS = timedelta(seconds=2)
# What was sent and cannot be asked for may still be answered to the run that sent it; only then nobody can know.
_ANSWERED_WITHIN = _CLAIM_HOLDS + timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Known:
    """What the books say of an effect.

    `sent_at` is its newest sending, `first_sent_at` its first one.
    """

    state: State
    attempts: int
    sent_at: datetime
    first_sent_at: datetime


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
    claimed_as: State = "sent"


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
    return _send(sabotage, kept=False)


def _in_doubt(operation: Operation, known: Known, now: datetime, sabotage: frozenset[str]) -> Act:
    """A request is out of which nobody knows what became."""
    if operation.guarantee is not Guarantee.NONE and not _by_search(operation, known, now, sabotage):
        return _send(sabotage, kept=True)
    if not operation.can_be_asked:
        answered_by = known.sent_at + _ANSWERED_WITHIN
        return Wait(answered_by, "overtaken") if known.state == "sent" and now < answered_by else Hold()
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
            return _send(sabotage, kept=True)
        case Heard.ANSWERED | Heard.FOUND:
            again = _by_search(operation, known, now, sabotage) and "no_second_look" not in sabotage
            return RecordDone(now + operation.settle if again else None)
        case Heard.LOST:
            wait = operation.settle if _by_search(operation, known, now, sabotage) else RETRY
            return RecordUnknown(now + max(wait, RETRY))
        case _:
            return _not_done(operation, known, heard)


def _not_done(operation: Operation, known: Known | None, heard: tuple[Heard, ...]) -> Act:
    """This sending certainly had no effect, which tells nothing of one before it that is in doubt.

    A target that was away has not judged the bytes. One that refused them gets other ones, except under a key: it belongs
    to these bytes as long as the target may know it.
    """
    earlier = known is not None and in_doubt(known) and Heard.ABSENT not in heard
    same_bytes = heard[-1] is Heard.AWAY or operation.guarantee is Guarantee.KEY
    return RecordUnknown(None) if earlier and same_bytes else RecordRefused()


def in_doubt(known: Known) -> bool:
    """Whether a request is out of which nobody knows what became."""
    return known.state in ("sent", "unknown")


def moved(before: Known | None, after: Known | None, sabotage: frozenset[str] = frozenset()) -> bool:
    """The fence: whether somebody else was on the effect between the look at it and the claim."""
    if {"no_fence", "fresh_key"} & sabotage:
        return False
    return standing(before) != standing(after)


def outlived(claimed_at: datetime, now: datetime, sabotage: frozenset[str] = frozenset()) -> bool:
    """Whether the worker stood still since its claim: others count from the claim, so it must not send any more."""
    return now - claimed_at > _CLAIM_HOLDS and "old_claim" not in sabotage


def quiet_at(others: Iterable[Known], settle: timedelta, sabotage: frozenset[str] = frozenset()) -> datetime | None:
    """When no other content of the same subject can arrive any more, however late; None when none is on its way.

    A target takes what arrives last for the newest. Whatever was sent once and answered is settled; after a second
    sending, the first one may still be on its way.
    """
    if "late_content" in sabotage:
        return None
    doubtful = [each for each in others if each.attempts > 1 or each.state not in ("done", "refused")]
    return max((each.sent_at + settle for each in doubtful), default=None)


def standing(known: Known | None) -> tuple[State, int] | None:
    """What the fence compares: an effect that was sent once more, or of which something became known, has moved."""
    return None if known is None else (known.state, known.attempts)


def _send(sabotage: frozenset[str], *, kept: bool) -> Send:
    return Send(kept, "done" if "mark_first" in sabotage else "sent")


def _by_search(operation: Operation, known: Known | None, now: datetime, sabotage: frozenset[str]) -> bool:
    """Whether only a search can tell: class D, and class A when the target may have forgotten the key."""
    if operation.guarantee is Guarantee.KEY and known is not None and in_doubt(known):
        return now >= known.first_sent_at + operation.horizon and "stale_key" not in sabotage
    return operation.guarantee is Guarantee.LOOK_UP


def content_version(newest: tuple[str, State] | None, changes: int, print_: str) -> str | None:
    """Under which version a repeatable update's content is sent; None when the target has confirmed it already.

    `newest` is the version that was last wanted and what became of it, `changes` how many there were, `print_` the
    fingerprint of the content. Contents may come back (on hold, ready, on hold), so each change counts one up.
    """
    if newest is not None and newest[0].endswith(print_):
        return None if newest[1] == "done" else newest[0]
    return f"{changes + 1:06}#{print_}"
