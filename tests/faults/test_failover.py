"""The short walk of F3: a synchronous standby takes over and nothing acknowledged is lost."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.failover import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


def test_a_synchronous_standby_takes_over_without_a_loss() -> None:
    outcome = run(BENCH, Budget(240, share=0.1), seed=1)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["failovers to a synchronous standby"] == (1, "")
    assert outcome.measures["messages acknowledged"][0] > 100
