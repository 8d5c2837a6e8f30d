"""The fault benches' runner: it counts honestly, stops what hangs, and lets nothing that failed pass."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.bench import Bench, Budget, Outcome, Progress
from faults.benches import benches

from faults import __main__ as runner
from faults import lanes, report

pytestmark = pytest.mark.anyio
BENCH = Bench("toy", "Nothing is lost.", ("F1",), "A toy is broken.", 1, lambda budget, seed, progress: Outcome(real=3))
GOOD = {"simulated": 0, "real": 3, "lost": 0, "doubled": 0, "saboteurs": {"hasty": True}}


def told(tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the bench writes down in its own process."""
    monkeypatch.setattr(runner, "benches", lambda: {bench.name: bench})
    file = tmp_path / "told.json"
    runner.main([bench.name, "--one", str(file), "--seconds", "5", "--share", "0.5", "--seed", "7"])
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lost": 2}, "2 lost"),
        ({"doubled": 1}, "1 doubled"),
        ({"saboteurs": {"hasty": False}}, "the saboteur “hasty” was not noticed"),
        ({"cut_short": "31 of 50 cuts"}, "cut short: 31 of 50 cuts"),
        ({"real": 0}, "not one fault was injected"),
    ],
)
def test_whatever_is_wrong_is_complained_of(wrong: dict[str, Any], words: str) -> None:
    assert Outcome(**GOOD).complaints == []
    assert Outcome(**{**GOOD, **wrong}).complaints == [words]


def test_what_was_skipped_is_no_complaint_and_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skipping = replace(BENCH, run=lambda budget, seed, progress: Outcome(skipped="needs root"))
    found = told(tmp_path, skipping, monkeypatch)
    assert found["complaints"] == []
    assert list(report.lines(found)) == ["· skipped: needs root"]


def test_a_bench_of_either_colour_is_given_its_budget_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
        return Outcome(real=budget.goal(50), measures={"seed": (seed, "")})

    found = told(tmp_path, replace(BENCH, run=run), monkeypatch)
    assert (found["real"], found["measures"]) == (25, {"seed": [7, ""]})
    assert told(tmp_path, BENCH, monkeypatch)["real"] == 3


def test_a_bench_that_fails_is_a_failure_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
        raise ValueError("no such table")

    assert told(tmp_path, replace(BENCH, run=run), monkeypatch)["complaints"] == [
        "it failed: ValueError: no such table"
    ]


@pytest.mark.parametrize(("complaints", "code"), [([], 0), (["1 lost"], 1)])
def test_the_command_ends_with_1_and_says_why_when_anything_is_to_be_complained_of(
    complaints: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tell(*_: object, **__: object) -> dict[str, Any]:
        return {**GOOD, "skipped": "", "measures": {}, "evidence": [], "complaints": complaints}

    monkeypatch.setattr(runner, "benches", lambda: {"toy": BENCH})
    monkeypatch.setattr(lanes.Walk, "one", tell)
    assert runner.main(["toy", "--no-report"]) == code
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("✗")] == ["✗ toy: 1 lost"] * code
    assert runner.main(["toys", "--no-report"]) == 2


def walk(seconds: float, heard: list[str]) -> lanes.Walk:
    return lanes.Walk(seconds, 1, 1, lambda bench, told: heard.append(bench.name))


async def test_a_bench_that_dies_without_a_word_has_failed() -> None:
    found = await walk(1, []).one(replace(BENCH, name="nobody"), 1)
    assert found["complaints"] == ["it failed: it ended with 2 and told nothing"]


@pytest.mark.parametrize(
    "program", ["import time; time.sleep(60)", "import signal, time; signal.pthread_sigmask(0, [2]); time.sleep(60)"]
)
async def test_a_bench_that_does_not_end_is_ended(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_GOODBYE", 0.2)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=subprocess.DEVNULL)
    await lanes.ended(child, 0.3)
    assert child.returncode is not None
    assert child.returncode < 0


FIRM = [
    replace(BENCH, name=name, minutes=minutes, alone=name == "quiet")
    for name, minutes in (("short", 2), ("quiet", 5), ("long", 9), ("middle", 6), ("other", 1))
]


def test_what_measures_time_runs_alone_and_the_others_two_at_a_time_the_longest_first() -> None:
    alone, beside = lanes.lanes(FIRM)
    assert [each.name for each in alone] == ["quiet"]
    assert [[each.name for each in lane] for lane in beside] == [["long"], ["middle", "short", "other"]]
    assert lanes.minutes_of(FIRM) == 5 + 9


async def test_nobody_runs_beside_a_bench_that_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    busy: set[str] = set()
    seen: dict[str, set[str]] = {}

    async def one(self: lanes.Walk, bench: Bench, seconds: float, *, beside: bool = False) -> dict[str, Any]:
        busy.add(bench.name)
        await asyncio.sleep(0.01)
        seen[bench.name] = busy - {bench.name}
        assert beside is (bench.name != "quiet")
        assert seconds >= 59 * bench.minutes
        busy.remove(bench.name)
        return {}

    heard: list[str] = []
    monkeypatch.setattr(lanes.Walk, "one", one)
    await walk(60 * 14, heard).all(FIRM)
    assert heard[0] == "quiet"
    assert seen["quiet"] == set()
    assert seen["long"] == {"middle"}
    assert sorted(heard) == sorted(each.name for each in FIRM)


def test_the_report_says_what_was_found_and_what_was_not_run() -> None:
    outcome = {**GOOD, "skipped": "", "measures": {"stall": [4.2, "s"]}, "evidence": [], "complaints": []}
    found = {**outcome, "day": "2026-11-26", "tieout": "1", "commit": "abc", "seed": 7, "share": 1, "took": 60}
    on = dict.fromkeys(("cores", "processor", "memory_gb", "system", "python", "postgres"), "x")
    other = replace(BENCH, name="other")
    page = "\n".join(report.page({"machine": on, "benches": {"toy": found}}, {"toy": BENCH, "other": other}))
    assert "| toy | F1 | 0 | 3 | 0 | 0 | 1 of 1 | ✓ |" in page
    assert "- stall: 4.2 s" in page
    assert "seed 7, the full walk, 1.0 min: 0 faults simulated, 3 real." in page
    assert "Not run yet: **other**." in page


@pytest.mark.parametrize("bench", benches().values(), ids=benches().keys())
def test_every_bench_says_what_it_is(bench: Bench) -> None:
    assert bench.title.endswith(".")
    assert bench.about.endswith(".")
    assert bench.minutes > 0
    assert all(each in {f"F{number}" for number in range(1, 21)} for each in bench.proves)
