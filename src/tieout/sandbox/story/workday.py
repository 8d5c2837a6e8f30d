"""How somebody's day falls into pieces: odd minutes, some of them not for the customer, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tieout.sandbox.firm import Colleague

_NOTES = (
    "workshop with the client",
    "preparation",
    "analysis",
    "build and test",
    "review",
    "documentation",
    "questions from the client",
)
_INTERNAL = "alignment in the team"
# Whoever sells or leads spends most of the day on that.
_FULL_DAY, _PART_DAY = (425, 505), (65, 155)
_SHORTEST = 20
_MOST_TASKS = 3
_INTERNAL_CHANCE = 0.12


@dataclass(frozen=True, slots=True)
class Piece:
    """Minutes on one of the person's tasks, by its place in their list."""

    task: int
    minutes: int
    billable: bool
    note: str


def workday(chance: Random, person: Colleague, left: Sequence[int]) -> list[Piece]:
    """`left` are the minutes that each task's budget still has. At most one piece for the customer per task."""
    total = chance.randint(*(_PART_DAY if person.sells or person.approves else _FULL_DAY))
    tasks = sorted(chance.sample(range(len(left)), min(_MOST_TASKS, len(left))))
    pieces: list[Piece] = []
    for place, task in enumerate(tasks, 1):
        share = total if place == len(tasks) else round(total * chance.uniform(0.3, 0.6))
        minutes = min(_told(chance, share), left[task])
        total -= minutes
        if minutes >= _SHORTEST:
            pieces.append(Piece(task, minutes, True, chance.choice(_NOTES)))
    if pieces and chance.random() < _INTERNAL_CHANCE:
        room = left[pieces[0].task] - pieces[0].minutes
        minutes = min(_told(chance, chance.randint(20, 45)), room)
        if minutes >= _SHORTEST:
            pieces.append(Piece(pieces[0].task, minutes, False, _INTERNAL))
    return pieces


def _told(chance: Random, minutes: int) -> int:
    """Most people round to five minutes; some write down what the watch said."""
    rounded = 5 * round(minutes / 5)
    return rounded + chance.randint(-2, 3) if chance.random() < 0.3 else rounded
