"""The newest figures, collected when somebody asks and not more often than the database likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tieout.store.metrics import Snapshot

# Figures are this old at least before they are collected again, and collecting takes at most a twentieth of the time.
_FRESH = 5.0
_SHARE = 20


class Collected:
    """The newest figures; any number of watchers cost one collection."""

    def __init__(
        self, collect: Callable[[], Awaitable[Snapshot]], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._collect = collect
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._newest: Snapshot | None = None
        self._took = 0.0
        self._at = 0.0

    async def newest(self) -> tuple[Snapshot, float]:
        """The figures and how many seconds it took to collect them. Raises what the database raises."""
        async with self._lock:
            began = self._seconds()
            if self._newest is None or began - self._at >= max(_FRESH, self._took * _SHARE):
                self._newest = await self._collect()
                self._at = self._seconds()
                self._took = self._at - began
            return self._newest, self._took
