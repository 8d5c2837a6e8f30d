"""Breaks things and counts: `python -m faults [NAME …] --minutes 60 --seed N`, all benches when no name is given.

Ends with 1 when anything was lost or doubled, a saboteur was not noticed, or a bench failed or was cut short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults import report
from faults.bench import Bench, Budget, Outcome
from faults.benches import benches
from faults.lanes import Told, Walk, minutes_of, shown
from faults.progress import on_stderr


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
    parser.add_argument("--beside", action="store_true", help=argparse.SUPPRESS)
    return parser


def _all(chosen: Sequence[Bench], asked: argparse.Namespace) -> int:
    """Every outcome is said and kept at once; what is to be complained of is said once more at the end."""
    results, wrong = report.load(), dict[str, list[str]]()

    def hear(bench: Bench, told: Told) -> None:
        if told["complaints"]:
            wrong[bench.name] = told["complaints"]
        for line in report.lines(told):
            sys.stderr.write(f"  {bench.name}: {line}\n")
        if not asked.no_report:
            report.keep(results, bench.name, told)

    share = min(1.0, asked.minutes / minutes_of(chosen))
    asyncio.run(Walk(60 * asked.minutes, share, asked.seed, hear).all(chosen))
    if not asked.no_report:
        report.write(results, benches())
    for name, complaints in wrong.items():
        sys.stderr.write(f"✗ {name}: {'; '.join(complaints)}\n")
    return 1 if wrong else 0


def _one(bench: Bench, asked: argparse.Namespace) -> int:
    """In the child: runs the bench and writes down what it came to, whatever that is."""
    outcome, failed = Outcome(), ""
    try:
        outcome = run(bench, Budget(asked.seconds, asked.share), asked.seed, beside=asked.beside)
    except KeyboardInterrupt:
        failed = "it did not end in its time"
    except Exception as fault:  # a bench that fails says so in the report
        traceback.print_exc()
        failed = f"{type(fault).__name__}: {fault}"[:2000]
    asked.one.write_text(json.dumps(shown(outcome, failed)))
    return 1 if failed else 0


def run(bench: Bench, budget: Budget, seed: int, *, beside: bool = False) -> Outcome:
    """Runs a bench here, whatever colour it has; `beside` another one, which shows its progress on the same terminal."""
    found = bench.run(budget, seed, on_stderr(bench.name, beside=beside))
    return found if isinstance(found, Outcome) else asyncio.run(_awaited(found))


async def _awaited(found: Any) -> Outcome:
    return await found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
