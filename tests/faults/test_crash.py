"""The short walk of F1: the hub dies at some network calls of every flow."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Bench, Budget
from faults.benches import crash, crash_billing

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


@pytest.mark.parametrize(("bench", "share"), [(crash.BENCH, 0.05), (crash_billing.BENCH, 0.02)])
def test_a_hub_that_dies_at_a_network_call_leaves_one_of_everything(bench: Bench, share: float) -> None:
    outcome = run(bench, Budget(240, share=share), seed=3)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.real >= 4
