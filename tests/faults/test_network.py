"""The short walk of F5 and F6: some calls of every flow are lost, or arrive as zombies."""

from __future__ import annotations

import pytest
from faults.__main__ import run
from faults.bench import Budget
from faults.benches.network import BENCH

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.tryton]


def test_whatever_the_network_does_one_of_everything_is_there() -> None:
    outcome = run(BENCH, Budget(240, share=0.05), seed=1)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.real >= 12
