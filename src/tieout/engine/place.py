"""A place among those that are at work: whoever needs long gives it to others, so that what hangs keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

# Beside what has places, at most as many times as many hang as this goes into what a run may take (ending.LONGEST).
SLOW = timedelta(minutes=1)
# The same for a process of its own, of which a worker begins a few at once and bears many: most are done in a second.
SOON = timedelta(seconds=2)


@contextmanager
def place(free: Callable[[], None], slow: timedelta) -> Generator[None]:
    """Calls `free` once: when the block is over, or as soon as it has taken so long."""
    taken = True

    def leave() -> None:
        nonlocal taken
        if taken:
            taken = False
            free()

    timer = asyncio.get_running_loop().call_later(slow.total_seconds(), leave)
    try:
        yield
    finally:
        timer.cancel()
        leave()
