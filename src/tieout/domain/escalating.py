"""When an approval that nobody answers goes on, and to whom: by its gate, in working days; never to who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tieout.domain.firm import ApprovalGate
from tieout.domain.routing import HoldRules
from tieout.domain.working_days import Calendars


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An open approval of a gate. `since` is when it was asked, or went on last; it has gone on `steps` times.

    `barred` are those who cannot give it, by address in small letters: who asked, and who has accepted the same terms.
    """

    gate: str
    entity: str | None
    since: datetime
    steps: int
    barred: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """Where it goes next and when. `people` are those who may answer it then, as well as those who were asked before."""

    at: datetime
    to: str
    people: tuple[str, ...]


def next_step(asked: Unanswered, gates: Sequence[ApprovalGate], rules: HoldRules, calendars: Calendars) -> Step | None:
    """None when the gate says no further step. Where nobody who was asked last can answer, it goes on at once."""
    gate = next((each for each in gates if each.name == asked.gate), None)
    if gate is None or asked.steps >= len(gate.escalation):
        return None
    step = gate.escalation[asked.steps]
    last = gate.escalation[asked.steps - 1].to if asked.steps else gate.team
    hopeless = asked.barred.issuperset(rules.people(last))
    at = asked.since if hopeless else calendars.of(asked.entity).after(asked.since, step.after)
    return Step(at, step.to, tuple(each for each in rules.people(step.to) if each not in asked.barred))
