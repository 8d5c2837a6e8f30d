"""Waiting until the hub has seen and done everything that happened in the systems."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from tieout.cli.exits import Exit, stop
from tieout.connectors.catalogue import installed
from tieout.domain.firm import Firm
from tieout.engine.rounds import caught_up
from tieout.flows.catalogue import FLOWS
from tieout.store import watching
from tieout.store.database import Database

Feed = tuple[str, str]
_LOOK = 0.05


def feeds_of(firm: Firm) -> list[Feed]:
    """What the hub sweeps: (connection, kind)."""
    kinds = installed()
    return [
        (name, flow.starts_on[1])
        for name, each in firm.connections.items()
        for flow in FLOWS
        if flow.starts_on is not None and flow.starts_on[0] == each.role and flow.starts_on[1] in kinds[each.kind].reads
    ]


class CatchingUp:
    """The hub has caught up when nothing waits for it (no ring, no message, no run but those that wait for a person) and
    since then every source was read to its end by a sweep that began after it, and brought nothing new."""

    def __init__(self, database: Database, feeds: Sequence[Feed], *, patience: float) -> None:
        self._database = database
        self._feeds = feeds
        self._patience = patience

    async def __call__(self) -> None:
        """Raises Stop, with what stands in the way, when patience ends."""
        deadline = time.monotonic() + self._patience
        known, quiet = -1, _Quiet(self._feeds)
        while time.monotonic() < deadline:
            swept, number = await self._state()
            if number != known or not await caught_up(self._database):
                known, quiet = number, _Quiet(self._feeds)
            elif quiet.read_again(swept):
                return
            await asyncio.sleep(_LOOK)
        async with self._database.transaction() as tx:
            troubles = await watching.troubles(tx)
        raise stop(
            Exit.PROBLEM,
            f"The hub did not catch up within {self._patience:.0f} seconds: {'; '.join(troubles) or 'no reason known'}.",
            fix="Look into the log of the hub, or at Systems in the console.",
        )

    async def _state(self) -> tuple[Mapping[Feed, datetime], int]:
        """When each feed was last read to its end, and a number that grows with what comes in."""
        async with self._database.transaction() as tx:
            return await watching.swept(tx), await watching.received(tx)


class _Quiet:
    """A time in which nothing new came in, and which sweeps ended in it.

    Sweeps read one feed after the other. The feed that is the first to end may have begun before the quiet did; each
    that ends after it began after it. So all must end once, and the first of them twice.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._last: dict[Feed, datetime | None] = {}
        self._ends: dict[Feed, list[datetime]] = {each: [] for each in feeds}

    def read_again(self, swept: Mapping[Feed, datetime]) -> bool:
        """Takes note of what ended since the last call, and says whether that is enough."""
        for feed, ends in self._ends.items():
            end = swept.get(feed)
            if feed in self._last and end is not None and end != self._last[feed]:
                ends.append(end)
            self._last[feed] = end
        if not all(self._ends.values()):
            return False
        first = min(self._ends.values(), key=lambda ends: ends[0])
        return len(first) > 1
