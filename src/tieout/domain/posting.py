"""On which day a ledger takes a posting: the work keeps its day, and what is posted has one of an open period (T21)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Period:
    """A period of a ledger, from its first day to its last; one that is not open takes no posting."""

    first: date
    last: date
    open: bool


def periods_of(stored: Iterable[Mapping[str, Any]]) -> list[Period]:
    """As the health of a connection keeps them, the earliest first."""
    found = [
        Period(date.fromisoformat(each["first"]), date.fromisoformat(each["last"]), each["open"]) for each in stored
    ]
    return sorted(found, key=lambda each: each.first)


def is_closed(periods: Sequence[Period], day: date) -> bool:
    """Whether the ledger has said so; nothing is closed of which it says nothing."""
    of = [each for each in periods if each.first <= day <= each.last]
    return bool(of) and not any(each.open for each in of)


def posting_day(periods: Sequence[Period], wanted: date) -> date | None:
    """The wanted day, or the first later one that the ledger takes; None where it has no open period from then on."""
    if not is_closed(periods, wanted):
        return wanted
    return next((each.first for each in periods if each.open and each.first > wanted), None)
