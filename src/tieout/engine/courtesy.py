"""Volume gives way to persons: in a process where somebody's run is under way, no step of a page is begun.

Pages wait for no longer than they have worked, so whatever persons do, they go at half their speed at least.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator

from tieout.domain.limits.settings import Lane

# Seconds for which pages wait at most, however long they have worked before.
_MOST = 10.0
# For so many seconds after a person's run the next one is expected, and pages are this part of what they else are.
_EXPECTED, _PART = 10.0, 5


class Courtesy:
    """The runs that persons wait for, in this process, and what pages owe them. `sabotage` brings a known bug back: `pages_first`
    gives no way."""

    def __init__(self, sabotage: frozenset[str] = frozenset()) -> None:
        self._persons = 0
        self._free = asyncio.Event()
        self._free.set()
        # Seconds that pages have worked and not waited, all of them together.
        self._owed = 0.0
        self._ended = float("-inf")
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
            self._ended = asyncio.get_running_loop().time()
            if not self._persons:
                self._free.set()

    def size(self, page: int) -> int:
        """How large a page is to be: a small one where a person's run may come meanwhile and wait for the end of its step."""
        expected = self._persons or asyncio.get_running_loop().time() - self._ended < _EXPECTED
        return max(page // _PART, 1) if expected and "pages_first" not in self._sabotage else page

    @contextlib.contextmanager
    def working(self) -> Generator[None, None, None]:
        """The block is work of a page."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            yield
        finally:
            self._owed = min(self._owed + clock() - began, _MOST)

    async def give(self) -> None:
        """Returns when no person waits, or when pages have waited for as long as they have worked."""
        if self._free.is_set() or self._owed <= 0 or "pages_first" in self._sabotage:
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._owed):
                await self._free.wait()
        self._owed -= clock() - began
