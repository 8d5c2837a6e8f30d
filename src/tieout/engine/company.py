"""Who works beside whom in one process: runs go side by side, and one under suspicion goes alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

# Seconds that one under suspicion waits for the others to end, and then has for itself. What takes longer may hang: everybody
# would wait with it.
_PATIENCE = 5.0


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
            pass
        with self._counted():
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None, None]:
        """Keeps the door shut until the others have ended and this one, too, as long as patience lasts."""
        await self._door.acquire()
        shut = True

        def open_the_door() -> None:
            nonlocal shut
            if shut:
                shut = False
                self._door.release()

        later = asyncio.get_running_loop().call_later(2 * _PATIENCE, open_the_door)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._nobody.wait()
            with self._counted():
                yield
        finally:
            later.cancel()
            open_the_door()

    @contextmanager
    def _counted(self) -> Generator[None]:
        self._inside += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._nobody.set()
