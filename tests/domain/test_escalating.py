"""An approval that nobody answers goes to who is next after working days, and never to who asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tieout.domain.escalating import Step, Unanswered, next_step
from tieout.domain.firm import ApprovalGate, GateEscalation
from tieout.domain.routing import HoldRules, Team
from tieout.domain.working_days import Calendars, WorkingCalendar

KIM, LEE, ANNA, BO = (f"{each}@firm.example" for each in ("kim", "lee", "anna", "bo"))
RULES = HoldRules(teams={"partners": Team(members=(KIM, LEE)), "board": Team(members=(ANNA.title(), LEE), lead=ANNA)})
GATE = ApprovalGate(
    name="The partners",
    team="partners",
    escalation=(GateEscalation(after=2, to="board"), GateEscalation(after=1, to=BO)),
)
THANKSGIVING = WorkingCalendar(name="US", entities=("US",), holidays={date(2026, 11, 26): "Thanksgiving"})
WEDNESDAY = datetime(2026, 11, 25, 15, tzinfo=UTC)


def then(*, gate: ApprovalGate = GATE, **more: Any) -> Step | None:
    asked: dict[str, Any] = {"gate": "The partners", "entity": "US", "since": WEDNESDAY, "steps": 0, "barred": {"x@y"}}
    asked |= more
    unanswered = Unanswered(**{**asked, "barred": frozenset(asked["barred"])})
    return next_step(unanswered, [gate], RULES, Calendars((THANKSGIVING,), {}, "UTC"))


def test_it_goes_on_after_the_working_days_of_its_gate() -> None:
    assert then() == Step(datetime(2026, 11, 30, 15, tzinfo=UTC), "board", (ANNA, LEE))
    assert then(entity="DE") == Step(datetime(2026, 11, 27, 15, tzinfo=UTC), "board", (ANNA, LEE))
    assert then(steps=1) == Step(datetime(2026, 11, 27, 15, tzinfo=UTC), BO, (BO,))


def test_after_the_last_step_it_waits() -> None:
    assert then(steps=2) is None
    assert then(gate=GATE.model_copy(update={"name": "Others"})) is None
    assert then(gate=GATE.model_copy(update={"escalation": ()})) is None


def test_who_asked_and_who_accepted_the_same_terms_are_not_among_those_it_goes_to() -> None:
    step = then(barred={ANNA})
    assert step is not None
    assert step.people == (LEE,)


def test_where_nobody_who_was_asked_can_answer_it_goes_on_at_once() -> None:
    step = then(barred={KIM, LEE})
    assert step == Step(WEDNESDAY, "board", (ANNA,))
    assert then(barred={ANNA, LEE}, steps=1) == Step(WEDNESDAY, BO, (BO,))
