"""The short walk of F19: some thousand faults in virtual time, and every known bug found and told in short."""

from __future__ import annotations

from faults.bench import Budget
from faults.benches.simulation import BENCH
from faults.benches.simulation import run as simulate


def test_worlds_of_another_seed_break_no_law() -> None:
    progress: list[int] = []
    outcome = simulate(Budget(120, share=0.005), 2, lambda done, goal, what: progress.append(done))
    assert outcome.complaints == [], outcome.evidence
    assert outcome.simulated >= 3_000
    assert progress
    assert BENCH.name == "simulation"
