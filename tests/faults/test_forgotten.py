"""The short walk of F3 and F4: what the database forgot is found in the systems, and nothing is made twice."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.forgotten import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_what_was_forgotten_is_found_and_nothing_is_doubled() -> None:
    outcome = run(BENCH, Budget(280, share=0.1), seed=1)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["effects forgotten in failovers"][0] > 0
