"""Ends a process that can no longer work: one that eats the machine's memory, or whose loop stands still.

Its death is what another worker notices and counts against the runs that it was at (engine.worker, engine.ending). There is
nothing to tidy up: whatever was begun in a target system is committed as an effect.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

# What the process says to its supervisor (sysexits: an internal fault).
EXIT = 70
# Seconds that the loop may stand still. The longest step of ours without an `await` takes well under one.
STUCK = 60.0
_LOOK = 0.2
_STATM = Path("/proc/self/statm")
_STANDARD_ERROR = 2


@asynccontextmanager
async def watched(memory: int | None, stuck: float = STUCK) -> AsyncGenerator[None, None]:
    """Watches over this process while the block lasts. `memory` is the most that it may hold, in bytes; None for any.

    A loop that stands still is told by the interpreter's own timer, which needs neither the loop nor the interpreter's
    lock: it writes where every thread is, and ends the process. Memory is only watched where /proc tells it.
    """
    over = threading.Event()
    if memory is not None:
        threading.Thread(target=_mind_memory, args=(memory, over), daemon=True, name="watchdog").start()
    alive = asyncio.create_task(_stay_alive(stuck))
    try:
        yield
    finally:
        over.set()
        alive.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _stay_alive(stuck: float) -> None:
    while True:
        faulthandler.dump_traceback_later(stuck, exit=True, file=_STANDARD_ERROR)
        await asyncio.sleep(min(1.0, stuck / 4))


def _mind_memory(most: int, over: threading.Event) -> None:
    while _STATM.exists() and not over.wait(_LOOK):
        held = resident()
        if held > most:
            log.critical("too much memory, the worker ends itself", megabytes=held >> 20, most=most >> 20)
            os._exit(EXIT)


def resident() -> int:
    """How much memory this process holds, in bytes."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
