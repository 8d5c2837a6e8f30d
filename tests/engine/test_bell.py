"""Whoever rings in one process is heard in another."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tieout.engine.bell import Bell
from tieout.store.database import Database

pytestmark = pytest.mark.anyio
FOREVER = 3600.0


async def test_a_ring_is_heard_where_it_rang_and_by_whoever_listens(database: Database) -> None:
    here, there = Bell(database), Bell(database)
    async with database.session() as session, asyncio.timeout(20):
        loops = [asyncio.create_task(here.carry()), asyncio.create_task(there.hear(session))]
        heard = asyncio.create_task(there.wait(FOREVER))
        while not heard.done():  # it may not listen yet
            here.ring()
            await here.wait(FOREVER)
            await asyncio.sleep(0.01)
        for each in loops:
            each.cancel()


async def test_a_ring_while_nobody_waits_is_not_forgotten_and_one_wait_is_enough_for_it(database: Database) -> None:
    bell = Bell(database)
    bell.ring()
    bell.ring()
    async with asyncio.timeout(5):
        await bell.wait(FOREVER)
    waiting = asyncio.create_task(bell.wait(FOREVER))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_lost_connection_is_told(database: Database) -> None:
    async with database.session() as session, asyncio.timeout(5):
        hearing = asyncio.create_task(Bell(database).hear(session))
        await asyncio.sleep(0.05)
        async with database.transaction() as tx:
            await tx.execute("select pg_terminate_backend(%s)", (session.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await hearing
