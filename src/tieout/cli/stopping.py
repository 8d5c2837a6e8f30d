"""Runs something until it is told to stop: by a signal, or because whoever started it is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable

# What still hangs after that long is left behind: a process that is told to end, ends.
_LONGEST_GOODBYE = 15


async def until_stopped(work: Awaitable[None], *, leash: bool) -> None:
    """Ends the work on SIGINT or SIGTERM and, with `leash`, when standard input closes: then the parent is gone.

    Nothing is ever written to a leash. It closes even when the parent was killed with `kill -9`.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            _leave_behind_what_hangs()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if leash:
        when_input_ends(lambda: loop.call_soon_threadsafe(stop))
    try:
        await task
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


def when_input_ends(act: Callable[[], object]) -> None:
    """Calls `act` from a thread of its own once standard input closes."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        act()

    threading.Thread(target=watch, daemon=True, name="leash").start()


def _leave_behind_what_hangs() -> None:
    timer = threading.Timer(_LONGEST_GOODBYE, os._exit, (1,))
    timer.daemon = True
    timer.start()
