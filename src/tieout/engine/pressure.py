"""Back-pressure: a source is read later while what it leads to waits for a system in heaps. What is not read is kept there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from tieout.domain.firm import Firm
from tieout.domain.limits.forecast import Load
from tieout.domain.limits.settings import LANES, Lane
from tieout.engine.outlook import loads
from tieout.engine.run import Clock, Flow
from tieout.store import forecast as facts
from tieout.store.database import Database

# Why the changes that start a flow are not read further for now, in this lane; empty when they are.
Full = Callable[[Flow, Lane], Awaitable[str]]
# Seconds for which the heaps are taken to be as they were.
_LOOK = 5.0


async def never(flow: Flow, lane: Lane) -> str:
    """For hubs that read whatever there is."""
    return ""


class Pressure:
    """Knows the heaps, by connection, and which flow leads to which (a Full)."""

    def __init__(
        self, database: Database, clock: Clock, firm: Callable[[], Firm], flows: Sequence[Flow], look: float = _LOOK
    ) -> None:
        self._database = database
        self._clock = clock
        self._firm = firm
        self._flows = flows
        self._look = look
        self._looked: float | None = None
        self._loads: Mapping[str, Sequence[Load]] = {}
        self._targets: set[tuple[str, str]] = set()

    async def __call__(self, flow: Flow, lane: Lane) -> str:
        if self._looked is None or time.monotonic() - self._looked >= self._look:
            await self._look_again(self._clock())
        for name, waiting in self._loads.items():
            pressing = LANES[: LANES.index(lane) + 1]
            lines = sum(each.lines for each in waiting if each.lane in pressing)
            if (flow.name, name) in self._targets and lines >= self._firm().limits(name).backlog:
                return f"{lines:,} lines wait for {name}"
        return ""

    async def _look_again(self, now: datetime) -> None:
        async with self._database.transaction() as tx:
            waiting, costs = await facts.waiting(tx), await facts.costs(tx, now)
        self._loads = loads(self._firm(), self._flows, waiting, costs)
        self._targets = {(each["flow"], each["connection"]) for each in costs if each["calls"]}
        self._looked = time.monotonic()
