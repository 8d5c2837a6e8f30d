"""The short walk of F12: a disk that fills up costs answers and no messages."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.disk_full import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


def test_a_disk_that_fills_up_costs_answers_and_no_messages() -> None:
    outcome = run(BENCH, Budget(240, share=0.01), seed=1)
    if outcome.skipped:
        pytest.skip(f"skipped: {outcome.skipped}")
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["messages acknowledged"][0] > 100
    assert outcome.measures["free when the doorbells said no"][0] > 24
