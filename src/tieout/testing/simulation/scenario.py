"""What goes wrong in one simulated world, drawn from a seed and written down, so that it can be replayed and made shorter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from tieout.connectors.contract import Guarantee


class Trouble(Enum):
    """What strikes at one moment of a life: at a commit of the hub's books or at a call to the target."""

    LOST = "the answer is lost"
    GARBLED = "an answer that proves nothing"
    SILENT = "the request is lost"
    LATE = "the request arrives late"
    VERY_LATE = "the request arrives later than promised"
    AWAY = "no connection"
    BUSY = "asks to slow down"
    UNAVAILABLE = "503 without an effect"
    REFUSED = "refuses what the write says"
    CONFLICT = "somebody changed the record first"
    STRANGER = "credentials are refused"
    DIES_BEFORE = "the worker dies before it"
    DIES_AFTER = "the worker dies after it"
    STALLS = "the worker stalls, is taken for dead, and goes on"
    BUG = "a fault of ours"


# Which trouble strikes at calls and at commits, and how often beside the others.
_AT_CALLS = {
    Trouble.LOST: 8,
    Trouble.GARBLED: 3,
    Trouble.SILENT: 5,
    Trouble.LATE: 8,
    Trouble.AWAY: 4,
    Trouble.BUSY: 3,
    Trouble.UNAVAILABLE: 3,
    Trouble.REFUSED: 2,
    Trouble.CONFLICT: 2,
    Trouble.STRANGER: 2,
    Trouble.DIES_BEFORE: 3,
    Trouble.DIES_AFTER: 3,
    Trouble.STALLS: 2,
}
_AT_COMMITS = {Trouble.DIES_BEFORE: 6, Trouble.DIES_AFTER: 6, Trouble.STALLS: 5, Trouble.BUG: 1}
# Trouble ends at some moment: who is never well cannot be served.
_TROUBLED_CALLS = 12
_TROUBLED_COMMITS = 30
# (subject, moment) → what strikes then.
Troubles = Mapping[tuple[int, int], Trouble]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A state of a subject's record reaches the hub: `at` seconds, in whatever order, perhaps twice."""

    at: float
    subject: int
    version: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world. `subjects` are created under these guarantees; `changes` are the seconds at which each record changes.

    All of them are about one customer, who is created under the guarantee `customer` by whoever comes first.
    Troubles strike at the n-th call or commit of a subject, counted over all lives of its runs.
    """

    seed: int
    customer: Guarantee
    subjects: tuple[Guarantee, ...]
    changes: tuple[tuple[float, ...], ...]
    arrivals: tuple[Arrival, ...]
    at_calls: Troubles = field(default_factory=dict[tuple[int, int], Trouble])
    at_commits: Troubles = field(default_factory=dict[tuple[int, int], Trouble])


def drawn(seed: int, *, beyond: bool = False) -> Scenario:
    """The world of a seed: one to four subjects, a few changes of each, and trouble at some of its moments or at most.

    With `beyond` the target may also break its own promise (`VERY_LATE`): then a double must be told, not avoided.
    """
    chance = Random(seed)  # noqa: S311 - the same seed, the same world
    customer = chance.choice([each for each in Guarantee if each is not Guarantee.NONE])
    subjects = tuple(chance.choice(list(Guarantee)) for _ in range(chance.randint(1, 4)))
    changes = tuple(_changes(chance) for _ in subjects)
    often = {**_AT_CALLS, **({Trouble.VERY_LATE: 8} if beyond else {})}
    return Scenario(
        seed,
        customer,
        subjects,
        changes,
        _arrivals(chance, changes),
        _troubles(chance, len(subjects), _TROUBLED_CALLS, often, chance.choice((0.2, 0.5, 0.8))),
        _troubles(chance, len(subjects), _TROUBLED_COMMITS, _AT_COMMITS, chance.choice((0.0, 0.05, 0.2))),
    )


def _troubles(chance: Random, subjects: int, moments: int, often: Mapping[Trouble, int], share: float) -> Troubles:
    kinds, weights = list(often), list(often.values())
    return {
        (subject, moment): chance.choices(kinds, weights)[0]
        for subject in range(subjects)
        for moment in range(moments)
        if chance.random() < share
    }


def _changes(chance: Random) -> tuple[float, ...]:
    """The record is there at the beginning, and changes up to three times, now and then in the same minute."""
    return (0.0, *sorted(chance.choice((5.0, 60.0, 3600.0)) * chance.random() for _ in range(chance.randint(0, 3))))


def _arrivals(chance: Random, changes: tuple[tuple[float, ...], ...]) -> tuple[Arrival, ...]:
    """Every state may arrive late, twice, out of order or not at all; the sweep brings the last one in the end."""
    found: list[Arrival] = []
    for subject, moments in enumerate(changes):
        for version, at in enumerate(moments):
            for _ in range(chance.choice((0, 1, 1, 2))):
                found.append(Arrival(at + chance.choice((0.5, 20.0, 300.0)) * chance.random(), subject, version))
        found.append(Arrival(moments[-1] + 300.0, subject, len(moments) - 1))
    return tuple(sorted(found, key=lambda each: (each.at, each.subject, each.version)))
