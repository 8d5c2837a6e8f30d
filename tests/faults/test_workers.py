"""The short walk of F11 and of workers that are killed under load."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.workers import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_killed_workers_and_poison_lose_and_double_nothing() -> None:
    outcome = run(BENCH, Budget(240, share=0.1), seed=1)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.measures["workers killed at work"] == (3, "")
    assert outcome.measures["workers that died of them"] == (1, "")
