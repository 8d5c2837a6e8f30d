"""Measures and writes down: `python -m benchmarks [NAME[=COUNT[,MORE=COUNT]] …]`, all of them when no name is given.

Each benchmark runs in a process of its own; the results of those that did not run this time are kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict

from . import (
    billing,
    bounded,
    conservation,
    deals,
    doorbell,
    events,
    invoiced,
    kickoff,
    largest,
    lineage,
    month_end,
    packs,
    report,
    throttled,
    volume,
)
from .ground import ground
from .machine import machine, postgres_of
from .measuring import Figure

BENCHMARKS: Mapping[str, Callable[..., Awaitable[list[Figure]]]] = {
    "kickoff": kickoff.measure,
    "billing": billing.measure,
    "tryton": volume.against_tryton,
    "null-erp": volume.against_null,
    "lineage": lineage.measure,
    "evidence": packs.measure,
    "conservation": conservation.measure,
    "doorbell": doorbell.measure,
    "W1": events.measure,
    "W2": month_end.measure,
    "month": invoiced.measure,
    "W3": deals.measure,
    "W4": bounded.measure,
    "throttled": throttled.measure,
    "largest": largest.measure,
}
_ONE = "--one"


def main(arguments: list[str]) -> int:
    if arguments[:1] == [_ONE]:
        sys.stdout.write(json.dumps(asyncio.run(_measured(arguments[1]))) + "\n")
        return 0
    unknown = sorted({each.partition("=")[0] for each in arguments} - BENCHMARKS.keys())
    if unknown:
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}. There are {', '.join(BENCHMARKS)}.\n")
        return 2
    results = report.load()
    here = machine() | {"postgres": asyncio.run(_postgres())}
    failed = [name for name in arguments or BENCHMARKS if not _run(name, results, here)]
    return 1 if failed else 0


def _run(name: str, results: dict[str, object], here: Mapping[str, object]) -> bool:
    """Runs one in a process of its own and writes the results down at once."""
    sys.stderr.write(f"· {name} …\n")
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", _ONE, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"✗ {name} failed\n")
        return False
    told = json.loads(done.stdout.splitlines()[-1])
    report.keep(results, name, told, here)
    for line in report.lines(told):
        sys.stderr.write(f"  {line}\n")
    return True


async def _measured(name: str) -> dict[str, object]:
    began, load = time.perf_counter(), os.getloadavg()[0]
    which, _, said = name.partition("=")
    parts = [each.rpartition("=") for each in said.split(",") if each]
    count = [int(size) for more, _, size in parts if not more]
    figures = await BENCHMARKS[which](*count, **{more: int(size) for more, _, size in parts if more})
    return {
        "took": time.perf_counter() - began,
        "load": [round(each, 1) for each in (load, os.getloadavg()[0])],
        "figures": [asdict(each) | {"ratio": each.ratio} for each in figures],
    }


async def _postgres() -> str:
    async with ground() as on:
        return await postgres_of(on.database)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
