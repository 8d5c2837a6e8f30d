"""The short walk of F14: months end in every zone, the database's clock goes back, and a worker's own is wrong."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.clock import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_nobody_goes_by_a_clock() -> None:
    outcome = run(BENCH, Budget(120, share=0.2), seed=1)
    assert outcome.complaints == [], outcome.evidence
    if "deals won" not in outcome.measures:
        pytest.skip(outcome.evidence[-1])
    assert outcome.measures["deals won"][0] == 16
    assert len(outcome.saboteurs) == 5
