"""Volume gives way to persons: in a process where somebody's run is under way, pages wait between two of their steps.

They wait for no longer than they have worked, so whatever persons do, pages go at half their speed at least.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator

from tieout.domain.limits.settings import Lane


class Courtesy:
    """The runs that persons wait for, in this process. `sabotage` brings a known bug back: `pages_first` gives no way."""

    def __init__(self, sabotage: frozenset[str] = frozenset()) -> None:
        self._persons = 0
        self._free = asyncio.Event()
        self._free.set()
        self._sabotage = sabotage

    @contextlib.contextmanager
    def whose(self, lane: Lane) -> Generator[None, None, None]:
        """The block is a run of this lane; a person waits for an interactive one."""
        if lane != "interactive":
            yield
            return
        self._persons += 1
        self._free.clear()
        try:
            yield
        finally:
            self._persons -= 1
            if not self._persons:
                self._free.set()

    def way(self) -> Way:
        return Way(self._free if "pages_first" not in self._sabotage else None)


class Way:
    """How one piece of volume gives way. `worked` and `waited` are seconds."""

    def __init__(self, free: asyncio.Event | None) -> None:
        self._free = free
        self.worked = self.waited = 0.0

    @contextlib.contextmanager
    def working(self) -> Generator[None, None, None]:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            yield
        finally:
            self.worked += clock() - began

    async def give(self) -> None:
        """Returns when no person waits, or when it has waited for as long as it has worked."""
        if self._free is None or self._free.is_set() or self.waited >= self.worked:
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.worked - self.waited):
                await self._free.wait()
        self.waited += clock() - began
