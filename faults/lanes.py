"""Runs benches in processes of their own: those that must have the machine to themselves first, then the others two at a time."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faults.bench import Bench, Outcome

Told = dict[str, Any]
LANES = 2
# Beyond its budget a bench may finish the fault it is at; then it is told to stop, and then it is stopped.
_GRACE, _GOODBYE = 180.0, 30.0


def lanes(chosen: Sequence[Bench]) -> tuple[list[Bench], list[list[Bench]]]:
    """Those that run alone, and the others: the longest first, each in the lane that is the shorter one."""
    beside: list[list[Bench]] = [[] for _ in range(LANES)]
    for bench in sorted(chosen, key=lambda each: -each.minutes):
        if not bench.alone:
            min(beside, key=_minutes).append(bench)
    return [each for each in chosen if each.alone], [lane for lane in beside if lane]


def minutes_of(chosen: Sequence[Bench]) -> float:
    """How long the full walks of these take."""
    alone, beside = lanes(chosen)
    return _minutes(alone) + max(map(_minutes, beside), default=0.0)


def _minutes(benches: Sequence[Bench]) -> float:
    return sum(each.minutes for each in benches)


@dataclass(frozen=True, slots=True)
class Walk:
    """`seconds` are for all together, `share` is each bench's. `hear` is told at once what a bench came to."""

    seconds: float
    share: float
    seed: int
    hear: Callable[[Bench, Told], None]

    async def all(self, chosen: Sequence[Bench]) -> None:
        """What one does not use of its time is left to those after it in its lane."""
        alone, beside = lanes(chosen)
        ends = time.monotonic() + self.seconds
        await self._one_after_another(alone, ends, after=minutes_of(chosen) - _minutes(alone))
        await asyncio.gather(*(self._one_after_another(lane, ends, beside=len(beside) > 1) for lane in beside))

    async def _one_after_another(
        self, benches: Sequence[Bench], ends: float, *, after: float = 0.0, beside: bool = False
    ) -> None:
        for number, bench in enumerate(benches):
            left = max(0.0, ends - time.monotonic())
            seconds = left * bench.minutes / (_minutes(benches[number:]) + after)
            sys.stderr.write(f"· {bench.name} ({', '.join(bench.proves)}), up to {seconds / 60:.1f} min\n")
            self.hear(bench, await self.one(bench, seconds, beside=beside))

    async def one(self, bench: Bench, seconds: float, *, beside: bool = False) -> Told:
        """What it told, with what is to be complained of; a bench that says nothing has failed."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tieout-faults-") as folder:
            file = Path(folder) / "told.json"
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "ignore", "-m", "faults", bench.name, "--one", str(file),
                "--seconds", f"{seconds:.1f}", "--share", f"{self.share:.6f}", "--seed", str(self.seed),
                *(["--beside"] if beside else []),
                stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr,
            )  # fmt: skip
            await ended(child, seconds + _GRACE)
            told: Told = json.loads(file.read_text()) if file.exists() else {}
        if not told:
            told = shown(Outcome(), failed=f"it ended with {child.returncode} and told nothing")
        return {**told, "seed": self.seed, "share": self.share, "took": time.monotonic() - began}


async def ended(child: asyncio.subprocess.Process, patience: float) -> None:
    """Waits; a child that outlives its time is interrupted, so that it can tidy up, and then killed."""
    try:
        for seconds, then in ((patience, signal.SIGINT), (_GOODBYE, signal.SIGKILL), (None, signal.SIGKILL)):
            try:
                await asyncio.wait_for(child.wait(), seconds)
            except TimeoutError:
                child.send_signal(then)
            else:
                return
    except asyncio.CancelledError:  # the terminal that interrupts this process interrupts the child as well
        await ended(child, _GOODBYE)
        raise


def shown(outcome: Outcome, failed: str = "") -> Told:
    """An outcome as JSON, with its complaints."""
    complaints = [f"it failed: {failed}"] if failed else outcome.complaints
    return {**asdict(outcome), "complaints": complaints}
