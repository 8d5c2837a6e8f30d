"""Runs the sandbox as a program: until it is told to stop, or until whoever started it is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tieout.sandbox.box import opened
from tieout.sandbox.options import Options

Announce = Callable[[Mapping[str, Any]], None]
# Whatever still hangs then (a download, a request that a fault keeps waiting) is left behind.
_LONGEST_GOODBYE = 15


def run_sandbox(options: Options, announce: Announce, *, leash: bool = False) -> None:
    """Serves until SIGINT or SIGTERM; `announce` is called once, with the description, when everything answers.

    With `leash`, standard input is a pipe from the parent to which nothing is ever written: when it closes, the parent is
    gone, even by `kill -9`, and the sandbox ends with all that it started. Raises what `opened` raises.
    """
    asyncio.run(_serve_until_stopped(options, announce, leash=leash))


def as_json(description: Mapping[str, Any]) -> None:
    """The announcement for programs: the description as one line on standard output."""
    sys.stdout.write(json.dumps(description, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def _serve_until_stopped(options: Options, announce: Announce, *, leash: bool) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve(options, announce))
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            _leave_behind_what_hangs()
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if leash:
        _when_input_ends(lambda: loop.call_soon_threadsafe(stop))
    try:
        await serving
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


async def _serve(options: Options, announce: Announce) -> None:
    async with opened(options) as box:
        announce(box.description)
        await asyncio.Event().wait()


def _leave_behind_what_hangs() -> None:
    timer = threading.Timer(_LONGEST_GOODBYE, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _when_input_ends(act: Callable[[], object]) -> None:
    def watch() -> None:
        while os.read(0, 1024):
            pass
        act()

    threading.Thread(target=watch, daemon=True, name="leash").start()
