"""The demo's child processes: each on a leash, in a session of its own, with its log in a file, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tieout.cli.exits import Exit, Stop, stop

_GRACE = 20.0
_TAIL = 15


class Child:
    """A program of ours that announces itself with one JSON document and ends when its standard input closes.

    The leash is a pipe that only we hold: when we are gone, even by `kill -9`, it closes. The session of its own keeps
    the terminal's Ctrl-C away from it, so that everything ends in its order.
    """

    def __init__(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = [sys.executable, *arguments]
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, patience: float) -> dict[str, Any]:
        """Starts it and returns what it announces. Raises Stop, with the end of its log, when it ends before that."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                limit=2**22,
            )
        try:
            assert self._process.stdout is not None
            async with asyncio.timeout(patience):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise self._failed(f"{self.name} did not begin within {patience:.0f} seconds.") from None
        try:
            return json.loads(line)
        except ValueError:  # nothing at all, or the beginning of a longer complaint: it ends now
            code = await self._process.wait()
            raise self._failed(f"{self.name} ended with {code} before it began.") from None

    async def ended(self) -> int:
        """The exit code, once there is one; raises nothing."""
        assert self._process is not None, f"{self.name} was not started"
        return await self._process.wait()

    async def stop(self, grace: float = _GRACE) -> None:
        """Lets go of the leash, and takes stronger means when that is not enough. Stopping twice is nothing."""
        if self._process is None or not self.running:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._process.wait()
                return

    async def kill(self) -> None:
        """`kill -9`, as a power cut would: no goodbye."""
        assert self._process is not None, f"{self.name} was not started"
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _failed(self, what: str) -> Stop:
        with self.log.open(errors="replace") as file:
            tail = [line.rstrip() for line in deque(file, _TAIL)]
        return stop(Exit.UNREACHABLE, what, where=str(self.log), fix="Its last words were:\n    " + "\n    ".join(tail))
