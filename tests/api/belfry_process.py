"""A belfry as a process of its own: it says each ring that is acknowledged, and is killed between a statement and its commit."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.api.test_doorbells import AnswersFirst

from tieout.api.belfry import Belfry
from tieout.store import bells
from tieout.store.bells import Ring
from tieout.store.database import Database

_GROUPS = 3


async def main(url: str, kind: str) -> None:
    database, groups = Database(url), 0
    await database.open()

    async def commit(rings: Sequence[Ring]) -> None:
        nonlocal groups
        groups += 1
        async with database.transaction() as tx:
            await bells.store(tx, rings)
            await asyncio.sleep(0.05)  # who was told already says so now
            if groups == _GROUPS:
                os.kill(os.getpid(), signal.SIGKILL)

    belfry = (AnswersFirst if kind == "hasty" else Belfry)(commit, lambda: None, most=20)

    async def ring(number: int) -> None:
        await belfry.ring(Ring("salesforce", f"M{number}", [("opportunity", f"006{number}")], datetime.now(UTC)))
        os.write(1, f"M{number}\n".encode())

    await asyncio.gather(*(ring(number) for number in range(100)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
