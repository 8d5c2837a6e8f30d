"""How a run ends, decided without I/O: done, given up, waiting for a person or a moment, or to be begun again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tieout.domain.problems import Conflict, Misconfigured, NoLeave, Rejected, Transient
from tieout.engine.run import Held, Ignored, Later, Waiting

# A fault of ours is tried this often before it becomes a hold; a partner that is away is waited for.
FAULTS = 3
# A run at which so many workers ended is not begun again. One may be a power cut and two bad luck, or the fault of a
# neighbour in the same process; so every try after the first death is made alone, and what dies then dies of itself.
DEATHS = 3
# What a run may take before it counts as hanging. Runs are short: this is for a slow partner that is asked many times.
LONGEST = timedelta(minutes=10)
_LONGEST_WAIT = timedelta(minutes=5)


class Poison(Exception):
    """Too many workers ended while they were at this run: it is not begun again."""


class Hung(Exception):
    """The run did not end in its time and was cut off, in the step that it names."""

    def __init__(self, step: str, after: timedelta) -> None:
        super().__init__(f"not ended after {after.total_seconds():g} s" + (f", in “{step}”" if step else ""))


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
    about: Literal["document", "approval", "connection", "fault", "poison", "hung"]


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
        case Poison():
            return Stop("held", "poison")
        case Later():
            return Again(how.at, reset=True)
        case NoLeave():
            return Again(now + timedelta(seconds=how.after), reset=True)
        case Transient() | Conflict():
            asked = timedelta(seconds=getattr(how, "after", None) or 0.0)
            return Again(now + max(asked, back_off(attempts)))
        case _:
            about = "hung" if isinstance(how, Hung) else "fault"
            return Again(now + back_off(attempts)) if attempts < FAULTS else Stop("held", about)


def back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=0.5 * 2 ** min(attempts, 12)), _LONGEST_WAIT)
