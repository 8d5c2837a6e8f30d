"""One clock for every process: the database's. What a machine's own clock says does not matter, nor whether it is set anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tieout.store.database import Database, Tx, row

# A clock that was set back by less than this is one that was corrected, and nobody minds.
_NOTED = timedelta(minutes=1)


class DatabaseClock:
    """The database's time as it was when it was last asked, and what has passed since on this machine, whose hands only go forward."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = datetime.min.replace(tzinfo=UTC)
        self._at = 0.0

    async def ask(self) -> None:
        """Sets the clock; before the first time it cannot be read."""
        before = time.monotonic()
        async with self._database.statement() as tx:
            found = await row(tx, "select clock_timestamp() as now")
        assert found is not None
        self._told, self._at = found["now"], (before + time.monotonic()) / 2

    def __call__(self) -> datetime:
        return self._told + timedelta(seconds=time.monotonic() - self._at)


async def pull_back(tx: Tx, now: datetime) -> timedelta:
    """How far the clock went back since a worker last said that it lives; whatever waits for a moment waits no longer for that.

    The workers' beats tell what the clock said before, a few seconds short of all: what is pulled back comes late by those, and
    never early. Doubts about an effect are pulled back with the runs, for the look at a target waits from the last sending.
    """
    if await _behind(tx, now) < _NOTED:
        return timedelta()
    await tx.execute("lock table worker in share row exclusive mode")  # one of them notices it
    back = await _behind(tx, now)
    if back < _NOTED:
        return timedelta()
    values = {"back": back, "now": now}
    await tx.execute("update worker set seen_at = least(seen_at, %(now)s)", values)
    await tx.execute(
        "update run set not_before = not_before - %(back)s where state in ('queued', 'retrying') and not_before > %(now)s",
        values,
    )
    await tx.execute(
        """
        update effect set sent_at = sent_at - %(back)s, planned_at = planned_at - %(back)s
        where state in ('sent', 'unknown') and sent_at > %(now)s
        """,
        values,
    )
    await tx.execute("update effect set look_again_at = look_again_at - %(back)s where look_again_at > %(now)s", values)
    # A ring is answered by a look after it, and would be looked at again and again until its moment comes once more.
    await tx.execute(
        "update bell set rung_at = rung_at - %(back)s where answered_at is null and rung_at > %(now)s", values
    )
    return back


async def _behind(tx: Tx, now: datetime) -> timedelta:
    """How far now is before what a worker saw."""
    found = await row(tx, "select max(seen_at) as seen from worker")
    return found["seen"] - now if found and found["seen"] else timedelta()
