"""The short walk of F9: a share of the lies, told about the emulated systems; the real ERP is for the full walk."""

from __future__ import annotations

import pytest
from faults.bench import Budget
from faults.benches.lies import SABOTEURS, emulated, walk

pytestmark = pytest.mark.anyio


async def test_a_lying_system_never_gets_a_wrong_done() -> None:
    outcome = await walk(emulated(), Budget(120, share=0.3), 5, lambda done, goal, what: None)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.saboteurs == dict.fromkeys(SABOTEURS, True)
    assert outcome.real > 50
