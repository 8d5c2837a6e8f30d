"""Who works beside whom in one process: runs go side by side, and one under suspicion goes alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Company:
    """A process that dies takes everything with it that it was at, so its death accuses all of that.

    A run that is alone when its process dies is the culprit, and one that comes through alone is not.
    """

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._inside = 0

    @asynccontextmanager
    async def beside_others(self) -> AsyncGenerator[None, None]:
        async with self._door:
            self._inside += 1
            self._nobody.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._nobody.set()

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None, None]:
        """Waits until the others have ended; whoever comes meanwhile waits at the door."""
        async with self._door:
            await self._nobody.wait()
            yield
