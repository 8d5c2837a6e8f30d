"""Shows how far a bench is: one line that is rewritten in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time

from faults.bench import Progress

_NOW_AND_THEN = 10.0
_WIDTH = 24


def on_stderr(name: str, *, beside: bool = False) -> Progress:
    """`beside` another bench nobody's line can be rewritten."""
    began, terminal = time.monotonic(), sys.stderr.isatty() and not beside
    told = [began]

    def progress(done: int, of: int, what: str) -> None:
        over, now = done >= of, time.monotonic()
        if not (over or terminal or now - told[0] >= _NOW_AND_THEN):
            return
        told[0] = now
        bar = "█" * (_WIDTH * min(done, of) // max(of, 1))
        line = f"  {name} {bar:░<{_WIDTH}} {done:,}/{of:,} {now - began:.0f} s · {what}"
        sys.stderr.write(f"\r\x1b[K{line[:140]}" + ("\n" if over else "") if terminal else f"{line}\n")
        sys.stderr.flush()

    return progress
