"""The short walk of F19's second half: a few scripts of another seed, played twice."""

from __future__ import annotations

import pytest
from faults.bench import Budget
from faults.benches.twins import run as play

pytestmark = pytest.mark.anyio


async def test_the_twins_are_alike_at_another_seed() -> None:
    outcome = await play(Budget(120, share=0.02), 3, lambda done, goal, what: None)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.real == outcome.simulated > 50
