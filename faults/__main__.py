"""Breaks things and counts: `python -m faults [NAME …] --minutes 60 --seed N`, all benches when no name is given.

Ends with 1 when anything was lost or doubled, a saboteur was not noticed, or a bench failed or was cut short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults import report
from faults.bench import Bench, Budget, Outcome
from faults.benches import benches
from faults.progress import on_stderr

# Beyond its budget a bench may finish the fault it is at; then it is told to stop, and then it is stopped.
_GRACE, _GOODBYE = 180.0, 30.0


def main(arguments: Sequence[str]) -> int:
    known = benches()
    asked = _parser(known).parse_args(arguments)
    unknown = sorted(set(asked.names) - known.keys())
    if unknown:
        sys.stderr.write(f"There is no bench {', '.join(unknown)}. There are {', '.join(known)}.\n")
        return 2
    if asked.one is not None:
        return _one(known[asked.names[0]], asked)
    return _all([known[name] for name in asked.names or known], asked)


def _parser(known: dict[str, Bench]) -> argparse.ArgumentParser:
    names = "\n".join(f"  {each.name:<16} {each.title}" for each in known.values())
    parser = argparse.ArgumentParser(
        prog="python -m faults", description=f"Breaks Tieout on purpose and counts what was lost or doubled.\n\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bench; left out, all of them")
    parser.add_argument("--minutes", type=float, default=60, help="for all benches together (60)")
    parser.add_argument("--seed", type=int, default=2026, help="the same seed injects the same faults (2026)")
    parser.add_argument(
        "--no-report", action="store_true", help="leave faults/results.json and docs/fault-report.md alone"
    )
    for hidden, kind in (("--one", Path), ("--seconds", float), ("--share", float)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    return parser


def _all(chosen: Sequence[Bench], asked: argparse.Namespace) -> int:
    """One after the other; what one does not use of its time is left to those after it."""
    share = min(1.0, asked.minutes / sum(each.minutes for each in chosen))
    ends, wrong = time.monotonic() + 60 * asked.minutes, 0
    results = report.load()
    for number, bench in enumerate(chosen):
        left = max(0.0, ends - time.monotonic())
        seconds = left * bench.minutes / sum(each.minutes for each in chosen[number:])
        sys.stderr.write(f"· {bench.name} ({', '.join(bench.proves)}), up to {seconds / 60:.1f} min\n")
        told = _in_its_own_process(bench, seconds, share, asked.seed)
        wrong += bool(told["complaints"])
        for line in report.lines(told):
            sys.stderr.write(f"  {line}\n")
        if not asked.no_report:
            report.keep(results, bench.name, told)
    if not asked.no_report:
        report.write(results, benches())
    return 1 if wrong else 0


def _in_its_own_process(bench: Bench, seconds: float, share: float, seed: int) -> dict[str, Any]:
    """What it told, with what is to be complained of; a bench that says nothing has failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tieout-faults-") as folder:
        file = Path(folder) / "told.json"
        child = subprocess.Popen(
            [
                sys.executable, "-W", "ignore", "-m", "faults", bench.name, "--one", str(file),
                "--seconds", f"{seconds:.1f}", "--share", f"{share:.6f}", "--seed", str(seed),
            ],
            stdin=subprocess.DEVNULL, stdout=sys.stderr,
        )  # fmt: skip
        _ended(child, seconds + _GRACE)
        told: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    if not told:
        told = _shown(Outcome(), failed=f"it ended with {child.returncode} and told nothing")
    return {**told, "seed": seed, "share": share, "took": time.monotonic() - began}


def _ended(child: subprocess.Popen[bytes], patience: float) -> None:
    """Waits; a child that outlives its time is interrupted, so that it can tidy up, and then killed."""
    for seconds, then in ((patience, signal.SIGINT), (_GOODBYE, signal.SIGKILL), (None, signal.SIGKILL)):
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(then)
        else:
            return


def _one(bench: Bench, asked: argparse.Namespace) -> int:
    """In the child: runs the bench and writes down what it came to, whatever that is."""
    outcome, failed = Outcome(), ""
    try:
        outcome = run(bench, Budget(asked.seconds, asked.share), asked.seed)
    except KeyboardInterrupt:
        failed = "it did not end in its time"
    except Exception as fault:  # a bench that fails says so in the report
        traceback.print_exc()
        failed = f"{type(fault).__name__}: {fault}"[:2000]
    asked.one.write_text(json.dumps(_shown(outcome, failed)))
    return 1 if failed else 0


def run(bench: Bench, budget: Budget, seed: int) -> Outcome:
    """Runs a bench here, whatever colour it has."""
    found = bench.run(budget, seed, on_stderr(bench.name))
    return found if isinstance(found, Outcome) else asyncio.run(_awaited(found))


async def _awaited(found: Any) -> Outcome:
    return await found


def _shown(outcome: Outcome, failed: str = "") -> dict[str, Any]:
    complaints = [f"it failed: {failed}"] if failed else outcome.complaints
    return {**asdict(outcome), "complaints": complaints}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
