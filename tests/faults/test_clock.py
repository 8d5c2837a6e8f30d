"""The short walk of F14: a worker whose machine's clock is wrong."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.clock import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_a_worker_does_not_go_by_its_machines_clock() -> None:
    outcome = run(BENCH, Budget(120, share=0.3), seed=1)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["deals won"][0] == 16
