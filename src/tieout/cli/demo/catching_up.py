"""Waiting until the hub has seen and done everything that happened in the systems."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tieout.cli.exits import Exit, stop
from tieout.connectors.catalogue import installed
from tieout.domain.firm import Firm
from tieout.engine.rounds import caught_up
from tieout.flows.catalogue import FLOWS
from tieout.store import watching
from tieout.store.database import Database

Feed = tuple[str, str]
_LOOK = 0.05
_ROUNDS = 3
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


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
    """The hub has caught up when every source was read again from its beginning to its end, which brought nothing new,
    and nothing waits for the hub itself: no ring, no message, no run but those that wait for a person."""

    def __init__(self, database: Database, feeds: Sequence[Feed], *, patience: float) -> None:
        self._database = database
        self._feeds = feeds
        self._patience = patience

    async def __call__(self) -> None:
        """Raises Stop, with what stands in the way, when patience ends."""
        deadline = time.monotonic() + self._patience
        known, mark, rounds = -1, dict[Feed, datetime](), 0
        while time.monotonic() < deadline:
            now, number = await self._state()
            if number != known or not now or not await caught_up(self._database):
                known, mark, rounds = number, {}, 0
            elif all(now[each] > mark.get(each, _LONG_AGO) for each in self._feeds):
                rounds, mark = rounds + 1, now
                # The first time all was quiet; at the second a sweep ended that may have begun before; the third is whole.
                if rounds == _ROUNDS:
                    return
            await asyncio.sleep(_LOOK)
        async with self._database.transaction() as tx:
            troubles = await watching.troubles(tx)
        raise stop(
            Exit.PROBLEM,
            f"The hub did not catch up within {self._patience:.0f} seconds: {'; '.join(troubles) or 'no reason known'}.",
            fix="Look into the log of the hub, or at Systems in the console.",
        )

    async def _state(self) -> tuple[dict[Feed, datetime], int]:
        """When each feed was last read to its end, once all of them were; and a number that grows with what comes in."""
        async with self._database.transaction() as tx:
            swept, number = await watching.swept(tx), await watching.received(tx)
        return ({each: swept[each] for each in self._feeds} if swept.keys() >= set(self._feeds) else {}), number
