"""How a run ends: each way a flow can stop, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tieout.domain.problems import Conflict, Misconfigured, NoLeave, Problem, Rejected, Transient
from tieout.engine.ending import FAULTS, Again, End, Hung, Over, Poison, Stop, back_off, end_of
from tieout.engine.run import Held, Ignored, Later, Waiting

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
REFUSED = Problem(
    "target.refused", {"system": "erp", "action": "create", "subject": "P-1", "amount": "", "link": ""}, quote="No."
)


@pytest.mark.parametrize(
    ("how", "end"),
    [
        (None, Over("done")),
        (Ignored("an echo"), Over("ignored")),
        (Held([REFUSED]), Stop("held", "document")),
        (Rejected(REFUSED), Stop("held", "document")),
        (Waiting("approval A-1"), Stop("waiting", "approval")),
        (Misconfigured("wrong password", "erp"), Stop("held", "connection")),
        (Later(NOON + timedelta(hours=1), "unknown"), Again(NOON + timedelta(hours=1), reset=True)),
        (Transient("away"), Again(NOON + back_off(1))),
        (Transient("slow down", 60), Again(NOON + timedelta(minutes=1))),
        (Transient("slow down", 0.1), Again(NOON + back_off(1))),
        (NoLeave("at its limit", 600), Again(NOON + timedelta(minutes=10), reset=True)),
        (Conflict("somebody else"), Again(NOON + back_off(1))),
    ],
)
def test_every_way_a_flow_can_stop_has_its_end(how: Exception | None, end: End) -> None:
    assert end_of(how, 1, NOON) == end


def test_a_fault_of_ours_is_tried_a_few_times_and_then_a_person_has_the_word() -> None:
    wrong = KeyError("nobody thought of it")
    assert [end_of(wrong, each, NOON) for each in range(1, FAULTS)] == [
        Again(NOON + back_off(1)),
        Again(NOON + back_off(2)),
    ]
    assert end_of(wrong, FAULTS, NOON) == Stop("held", "fault")


def test_a_partner_that_is_away_is_waited_for_however_long_it_takes() -> None:
    assert end_of(Transient("away"), 10_000, NOON) == Again(NOON + timedelta(minutes=5))
    waits = [back_off(each) for each in range(1, 20)]
    assert waits == sorted(waits)


def test_what_hangs_is_tried_a_few_times_and_what_kills_is_not_begun_again() -> None:
    hung = Hung("work", timedelta(minutes=10))
    assert end_of(hung, FAULTS - 1, NOON) == Again(NOON + back_off(FAULTS - 1))
    assert end_of(hung, FAULTS, NOON) == Stop("held", "hung")
    assert end_of(Poison("3 workers ended at it"), 1, NOON) == Stop("held", "poison")
