"""The hub's intake on an embedded Postgres as a process that may die: says each id once it is acknowledged.

`python -m faults.writers FOLDER LIFE WRITERS` starts the server (which recovers it), prints one line of JSON with its process
and how long that took, and then one line for each group of ids that are acknowledged, until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tieout.api.belfry import Belfry
from tieout.store import bells, cursors, messages
from tieout.store.bells import Ring
from tieout.store.database import Database, Tx, rows
from tieout.store.embedded import embedded_postgres

CONNECTION = "crm"
_AT_ONCE, _PAGE = 32, 50
_OUT = 9


def main(folder: Path, life: int, writers: int) -> None:
    os.dup2(1, _OUT)
    os.dup2(2, 1)  # whatever else writes there is not an acknowledgement
    began = time.perf_counter()
    with embedded_postgres(folder) as url:
        recovered = time.perf_counter() - began
        _say({"url": url, "pid": int((folder / "postmaster.pid").read_text().splitlines()[0]), "recovered": recovered})
        asyncio.run(write(url, life, writers))


async def write(url: str, life: int, writers: int) -> None:
    """Rings through the belfry in half of the writers, pages with their cursor in the others, without end."""
    database = Database(url)
    await database.open()
    await prepare(database)

    async def commit(rings: Sequence[Ring]) -> None:
        async with database.transaction() as tx:
            await bells.store(tx, rings)

    belfry = Belfry(commit, lambda: None)
    async with asyncio.TaskGroup() as work:
        for number in range(writers):
            if number % 2:
                work.create_task(_pages(database, f"page-{life}-{number}"))
            else:
                work.create_task(_rings(belfry, f"ring-{life}-{number}"))


async def prepare(database: Database) -> None:
    """The connection that everything comes from."""
    async with database.transaction() as tx:
        await tx.execute(
            "insert into connection (name, kind, role) values (%s, 'salesforce', 'crm') on conflict do nothing",
            (CONNECTION,),
        )


async def _rings(belfry: Belfry, prefix: str) -> None:
    count = 0
    while True:
        ids = [f"{prefix}-{number}" for number in range(count, count + _AT_ONCE)]
        now = datetime.now(UTC)
        await asyncio.gather(*(belfry.ring(Ring(CONNECTION, each, [("opportunity", each)], now)) for each in ids))
        _say(ids)
        count += _AT_ONCE


async def _pages(database: Database, prefix: str) -> None:
    count = 0
    while True:
        ids = [f"{prefix}-{number}" for number in range(count, count + _PAGE)]
        async with database.transaction() as tx:
            await store_page(tx, prefix, ids)
        _say(ids)
        count += _PAGE


async def store_page(tx: Tx, kind: str, ids: Sequence[str]) -> None:
    """A page of a sweep and its cursor, as intake commits them."""
    now = datetime.now(UTC)
    arrivals = [messages.Arrival(CONNECTION, "opportunity", each, "1", "USD", 100, {"id": each}) for each in ids]
    await messages.record(tx, arrivals, via="sweep", now=now)
    await cursors.advance(tx, CONNECTION, kind, ids[-1], now)


async def stored(database: Database) -> tuple[set[str], dict[str, str], int]:
    """Every id that is there, the cursors, and by how much the conservation law is broken."""
    async with database.transaction() as tx:
        await tx.execute("set transaction isolation level repeatable read")
        found = await rows(tx, "select id from bell union all select record_id from message")
        cursors = await rows(tx, "select kind, value from cursor")
        law = await messages.conservation(tx)
    return (
        {each["id"] for each in found},
        {each["kind"]: each["value"] for each in cursors},
        int(sum(abs(each["missing"]) + abs(each["missing_minor"]) for each in law)),
    )


def _say(what: object) -> None:
    """Whole lines, at once: what is said is outside this process and its disk."""
    os.write(_OUT, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
