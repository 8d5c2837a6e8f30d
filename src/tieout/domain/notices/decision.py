"""Whether there is something to say about a cause now: at once for a few reasons only, once per cause, again when it grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tieout.domain.money import Money
from tieout.domain.notices.message import Event
from tieout.domain.notification import Reason

# Due so soon that somebody must have it, unless the rule says another span.
DUE_SOON = timedelta(hours=4)
# The due date is what was promised; so long before it the promise is about to break, whoever has the hold.
PROMISE = timedelta(hours=1)
# Longer than any target needs to answer or to be asked again.
UNKNOWN = timedelta(minutes=30)
# A source that has not been read to its end for so long is silent.
SILENCE = timedelta(minutes=15)

# A channel that cannot edit hears of a cause again when it is ten times as large.
_GROWTH = 10
# A channel that edits is not asked to more often than this.
_EDIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """One cause as it stands now, for one rule: `reason` is None while nothing about it is urgent.

    `count` counts what hangs on it (holds, or changes with an unknown outcome); `first` is the hold to open.
    """

    cause: str
    reason: Reason | None
    count: int
    since: datetime
    code: str = ""
    first: int | None = None
    due_at: datetime | None = None
    amounts: tuple[Money, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    owner: str = ""
    unowned: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What was last said about a cause: `reason`, `count` and `amounts` as they were then."""

    reason: Reason
    count: int
    amounts: tuple[Money, ...]
    at: datetime


def word(standing: Standing | None, said: Said | None, *, edits: bool, now: datetime) -> Event | None:
    """What there is to say; None when there is nothing. `edits` says that the channel can change what it said before."""
    if said is None:
        return "opened" if standing is not None and standing.reason is not None else None
    if standing is None:
        return "ended" if edits else None
    worse = standing.reason == "promise" and said.reason == "unowned"
    if worse or standing.count >= said.count * _GROWTH:
        return "changed"
    other = (standing.count, standing.amounts) != (said.count, said.amounts)
    return "changed" if edits and other and now - said.at >= _EDIT else None
