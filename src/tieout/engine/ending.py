"""How a run ends, decided without I/O: done, given up, waiting for a person or a moment, or to be begun again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tieout.domain.problems import Conflict, Misconfigured, Rejected, Transient
from tieout.engine.run import Held, Ignored, Later, Waiting

# A fault of ours is tried this often before it becomes a hold; a partner that is away is waited for.
FAULTS = 3
_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is to be done."""

    state: Literal["done", "ignored"]


@dataclass(frozen=True, slots=True)
class Again:
    """The next generation begins at a moment; with `reset` the attempts made so far are forgotten."""

    at: datetime
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """A person has the word: on the document (`held`), on an approval, on the connection, or on a fault of ours."""

    state: Literal["held", "waiting"]
    about: Literal["document", "approval", "connection", "fault"]


End = Over | Again | Stop


def end_of(how: Exception | None, attempts: int, now: datetime) -> End:
    """What follows when a run ended like this at its `attempts`-th attempt (the first is 1)."""
    match how:
        case None:
            return Over("done")
        case Ignored():
            return Over("ignored")
        case Held() | Rejected():
            return Stop("held", "document")
        case Waiting():
            return Stop("waiting", "approval")
        case Misconfigured():
            return Stop("held", "connection")
        case _:
            return _again(how, attempts, now)


def _again(how: Exception, attempts: int, now: datetime) -> End:
    match how:
        case Later():
            return Again(how.at, reset=True)
        case Transient() | Conflict():
            asked = timedelta(seconds=getattr(how, "after", None) or 0.0)
            return Again(now + max(asked, back_off(attempts)))
        case _:
            return Again(now + back_off(attempts)) if attempts < FAULTS else Stop("held", "fault")


def back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=0.5 * 2 ** min(attempts, 12)), _LONGEST_WAIT)
