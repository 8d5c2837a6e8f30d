"""How far a sweep has come: a moment to read on from, or a place within the very first sweep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tieout.domain.identity import content_hash

# A transaction may commit after a later one's stamp was seen: every sweep reads this much again (T57).
OVERLAP = timedelta(minutes=5)
# Stamps are whole seconds, and an answer tells what was there when the org began to look: at most so long before.
_ANSWER = timedelta(minutes=2)
NEVER = "1970-01-01T00:00:00.000+0000"


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since` is a SOQL instant. `seen` is a digest of what stood after it when it was last read: while the digest is the
    same, nothing has to be read again. During the first sweep `after` is the last id read and `upto` its beginning.
    """

    since: str = ""
    seen: str = ""
    after: str = ""
    upto: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        return cls(*(text or "").split("|"))

    def __str__(self) -> str:
        return "|".join((self.since, self.seen, self.after, self.upto))


def before(stamp: str) -> str:
    """The SOQL instant one overlap before a record's stamp (2026-05-01T21:13:13.000+0000)."""
    moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z")
    return (moment - OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def follows(stamp: str, since: str) -> bool:
    """Whether a record's stamp is at or after a SOQL instant; both are UTC and in whole seconds."""
    return stamp[:19] >= since[:19]


def certain(stamp: str, now: datetime) -> bool:
    """Whether nothing new can bear a record's stamp any more, as seen by an answer that the org gave at `now`."""
    return stamp[:19] < (now - _ANSWER).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def digest(listing: Iterable[tuple[str, str]], since: str) -> str:
    """What stood at or after `since`, of a list of (id, stamp)."""
    return content_hash(sorted(each for each in listing if follows(each[1], since)))[:20]


def onward(stamps: Sequence[str], since: str) -> str:
    """Where a plain sweep goes on: one overlap before the newest stamp, never before the moment it began at."""
    return max(before(max(stamps, default=NEVER)), since)
