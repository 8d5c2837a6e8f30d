"""The short walk of F1: the hub dies at some network calls of every flow."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.crash import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_a_hub_that_dies_at_a_network_call_leaves_one_of_everything() -> None:
    outcome = run(BENCH, Budget(240, share=0.05), seed=3)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.real >= 4
