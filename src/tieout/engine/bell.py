"""The bell of the rounds: rung in the process that answers, heard in the one that makes the rounds."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NoReturn

from tieout.store.bells import rings_told, tell_rings
from tieout.store.database import Database, Tx


class Bell:
    """Rung in the process of the rounds it is heard at once; from another one, as soon as `carry` has told it.

    A ring that is not heard costs a second: the rounds look by themselves.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = asyncio.Event()
        self._untold = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._untold.set()

    async def carry(self) -> NoReturn:
        """Tells the other processes; what rings while they are told is told as one."""
        while True:
            await self._untold.wait()
            self._untold.clear()
            with contextlib.suppress(Exception):  # the database is away, and with it everybody who would hear
                async with self._database.statement() as tx:
                    await tell_rings(tx)

    async def hear(self, session: Tx) -> None:
        """Hears what other processes tell, on a connection that does nothing else. Raises when it is lost."""
        async for _ in rings_told(session):
            self._rung.set()

    async def wait(self, most: float) -> None:
        """Until it was rung since the last wait, or `most` seconds have passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self._rung.wait()
        self._rung.clear()
