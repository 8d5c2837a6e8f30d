"""Reconcile-forward: after a failover or a restore the hub asks the systems again for what its database has forgotten.

The database is then younger than the world: effects exist in the targets of which it knows nothing, and sources have told
of changes that it does not remember. So every feed is read again from before the gap, states that look known are worked
off once more, and no effect is made anew before its target was asked (engine.settling), after everything that may still
arrive has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from tieout.engine.run import Clock
from tieout.store import audit, memory
from tieout.store.database import Database, Tx
from tieout.store.memory import Gap, Rewound

log = structlog.get_logger(__name__)

# How long before the last thing that is remembered the feeds are read again.
MARGIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be asked again; `effects` are counts by guarantee class, and of how many the outcome is unknown."""

    gap: Gap
    moved: bool
    feeds: Sequence[Rewound]
    effects: Sequence[dict[str, Any]]


async def outlook(database: Database, clock: Clock, margin: timedelta = MARGIN) -> Outlook:
    """Changes nothing."""
    async with database.transaction() as tx:
        gap = await _gap(tx, clock)
        feeds = await memory.rewinding(tx, gap.since - margin)
        return Outlook(gap, (await memory.recall(tx)).moved, feeds, await memory.unsettled(tx))


async def recollect(database: Database, clock: Clock) -> bool:
    """Declares the gap when the server came back on another timeline: it was promoted, or restored from a backup."""
    async with database.transaction() as tx:
        if not (await memory.recall(tx)).moved:
            return False
        gap = await _declared(tx, clock, MARGIN, "tieout")
    log.warning("the database came back from a failover or a restore", since=str(gap.since), until=str(gap.until))
    return True


async def declare(database: Database, clock: Clock, margin: timedelta, *, actor: str) -> Gap:
    """The same in a person's name: for what the server does not show, such as a disk put back to an older copy."""
    async with database.transaction() as tx:
        return await _declared(tx, clock, margin, actor)


async def _declared(tx: Tx, clock: Clock, margin: timedelta, actor: str) -> Gap:
    gap = await _gap(tx, clock)
    await memory.declare(tx, gap)
    await memory.rewind(tx, gap.since - margin)
    detail = {"since": gap.since.isoformat(), "until": gap.until.isoformat(), "margin": str(margin)}
    await audit.append(tx, actor, "memory.gap", "database", detail, clock())
    return gap


async def _gap(tx: Tx, clock: Clock) -> Gap:
    now = clock()
    known = await memory.last_known(tx)
    return Gap(min(known or now, now), now)
