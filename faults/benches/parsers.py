"""Hostile bytes for every place that reads what somebody else wrote: with atheris where it is installed, else by mutation."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random

from faults.bench import Bench, Budget, Outcome, Progress
from faults.parsers import CORPUS, PARSERS, Parser, mutated

_TOO_LONG = 1.0  # seconds
_TOO_MUCH = 200  # MiB on top of what the process has already
# Watching the code costs atheris half a minute of preparation for each parser; `--minutes 20` is worth it.
_SECONDS, _GUIDED = 300.0, 1_200.0
_WORTHWHILE = 30.0
_DONE = re.compile(r"Done (\d+) runs|#(\d+)\s")


def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    """Each parser has the same share of the time. What was kept comes first, always."""
    outcome = Outcome()
    atheris = find_spec("atheris") is not None
    share = min((_GUIDED if atheris else _SECONDS) * budget.share, budget.left) / len(PARSERS)
    guided = atheris and share >= _WORTHWHILE
    outcome.saboteurs = {"a parser that lets an error out": _notices()}
    for number, parser in enumerate(PARSERS.values(), 1):
        for each in parser.corpus():
            _try(outcome, parser, each)
        tried = _guided(outcome, parser, share, seed) if guided else _mutating(outcome, parser, share, seed)
        outcome.simulated += tried + len(parser.corpus())
        progress(number, len(PARSERS), f"{parser.name}: {tried:,} inputs")
    outcome.measures["parsers"] = (len(PARSERS), "")
    outcome.measures["guided by coverage (atheris)"] = (int(guided), "")
    return outcome


def _mutating(outcome: Outcome, parser: Parser, seconds: float, seed: int) -> int:
    chance, corpus, until, tried = Random(f"{seed} {parser.name}"), parser.corpus(), time.monotonic() + seconds, 0  # noqa: S311 - the same seed, the same inputs
    while time.monotonic() < until:
        _try(outcome, parser, mutated(chance, corpus))
        tried += 1
    return tried


def _try(outcome: Outcome, parser: Parser, hostile: bytes) -> None:
    """One input: an error that was not declared, more than a second of CPU or 200 MiB more memory is a failure."""
    before, began = _memory(), time.process_time()
    try:
        parser.feed(hostile)
    except Exception as wrong:  # which one it is, is the finding
        _found(outcome, parser, hostile, f"{type(wrong).__name__}: {wrong}"[:200])
    if (took := time.process_time() - began) > _TOO_LONG:
        _found(outcome, parser, hostile, f"{took:.1f} s")
    if _memory() - before > _TOO_MUCH:
        _found(outcome, parser, hostile, f"{_memory() - before:.0f} MiB")


def _found(outcome: Outcome, parser: Parser, hostile: bytes, what: str) -> None:
    outcome.lost += 1
    if len(outcome.evidence) < 10:
        outcome.evidence.append(f"{parser.name}: {what} on {hostile[:200]!r}")


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _guided(outcome: Outcome, parser: Parser, seconds: float, seed: int) -> int:
    """How many inputs atheris tried. Its own corpus grows in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="tieout-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        shutil.copytree(CORPUS / parser.name, corpus)
        ended = subprocess.run(
            [sys.executable, "-m", "faults.fuzzing", parser.name, str(corpus), f"-max_total_time={max(1, round(seconds))}",
             f"-seed={seed + 1}", "-timeout=5", "-rss_limit_mb=1500", "-max_len=20000", f"-artifact_prefix={folder}/found-"],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        for each in Path(folder).glob("found-*"):
            _try(outcome, parser, each.read_bytes())
            if not outcome.lost:
                _found(outcome, parser, each.read_bytes(), each.name)
        if ended.returncode and not outcome.lost:
            raise RuntimeError(f"{parser.name}: atheris ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    counts = [int(one or other) for one, other in _DONE.findall(ended.stderr)]
    return max(counts, default=0)


def _notices() -> bool:
    """A parser with the oldest bug of all is found out within a thousand inputs."""
    outcome, corpus = Outcome(), [b'{"refs": ["1"]}']
    broken = Parser("broken", lambda hostile: hostile.decode("utf-8"))
    chance = Random(1)  # noqa: S311 - always the same inputs
    for _ in range(1_000):
        _try(outcome, broken, mutated(chance, corpus))
    return outcome.lost > 0


BENCH = Bench(
    name="parsers",
    title="Whatever bytes arrive, every parser either reads them or says what it declares, soon and with little memory.",
    proves=("F18",),
    about=(
        "Outbound Messages, signed calls and signature headers; the answers of Salesforce, Kantata and Tryton to sweeps, "
        "look-ups and writes; the firm folder's YAML; cursors of the API; and what the sandbox's own systems read: SOQL, SOAP, "
        "JSON and forms. An error that is not declared, more than a second of CPU, or 200 MiB more memory counts as lost. "
        "Where atheris is installed (`pip install atheris`) it looks into the code for new paths; elsewhere the kept "
        "corpus is mutated."
    ),
    minutes=5,
    run=run,
)
