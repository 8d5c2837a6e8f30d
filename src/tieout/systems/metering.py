"""The hub's books of metered usage: which package a reading is of, and what a month was metered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tieout.domain.charging.fees import Reading
from tieout.engine.run import Clock
from tieout.store import usage
from tieout.store.database import Database
from tieout.systems.together import Together


class Metering:
    """Each verb one transaction."""

    def __init__(self, database: Database, clock: Clock, together: Together) -> None:
        self._database = database
        self._together = together
        self._clock = clock

    async def judge(self, source: str, ids: Sequence[str], engagement: str) -> None:
        """What the contracts say that these readings are of, those of an engagement, and all that had a problem."""
        async with self._database.transaction() as tx:
            await usage.resolve(tx, source, ids, engagement=engagement)

    async def settle(self, source: str, run_id: str) -> list[dict[str, Any]]:
        """Ends the messages of a page; what is left to do about readings, one row per cause."""
        async with self._database.transaction() as tx:
            await usage.settle_messages(tx, source, run_id, self._clock())
            return await usage.problems(tx, source)

    async def sources(self, engagement: str) -> list[str]:
        """Who sent readings that may be an engagement's."""
        return await self._together.usage_sources(engagement)

    async def readings(self, engagement: str, through: date) -> Mapping[str, Sequence[Reading]]:
        """What was metered up to a day, by the package of the contract."""
        async with self._database.statement() as tx:
            return await usage.readings(tx, engagement, through)
