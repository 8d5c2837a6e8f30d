"""The short walk of F2: two power cuts lose nothing, and each unsafe setting of the server loses something."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.power_cut import BENCH

pytestmark = pytest.mark.slow


def test_what_was_acknowledged_survives_power_cuts() -> None:
    outcome = run(BENCH, Budget(150, share=0.04), seed=2)
    if outcome.skipped:
        pytest.skip(f"skipped: {outcome.skipped}")
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["power cuts with full durability"] == (2, "")
    assert outcome.measures["messages acknowledged"][0] > 500
    assert len(outcome.saboteurs) == 2
