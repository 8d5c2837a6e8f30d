"""Begin and end of a run cost what the run has, however many messages of others there are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tieout.store import endings, messages, runs
from tieout.store.database import Database, Tx, row, rows
from tieout.store.endings import Ending
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


async def scans(tx: Tx) -> int:
    """How often all messages were read in this transaction."""
    found = await row(
        tx, "select seq_scan from pg_stat_xact_user_tables where relname = 'message' and schemaname = 'tieout'"
    )
    return int(found["seq_scan"]) if found else 0


@pytest.fixture
async def many(books: Books) -> Database:
    """Twenty thousand messages of four pages, of which the server knows: the most of them in flight."""
    async with books.database.transaction() as tx:
        await tx.execute(
            """
            insert into message (connection, kind, record_id, version, day, via, state, run_id, received_at)
            select 'kantata', 'time_entry', 'T' || n, '1', '2026-11-02', 'sweep', case when mod(n, 3) = 0 then 'done' else 'in_flight' end,
                   'page ' || mod(n, 4), %s from generate_series(1, 20000) n
            """,
            (NOW,),
        )
    async with books.database.session() as session:
        await session.execute("analyze message")
    return books.database


async def test_a_run_without_messages_reads_none(many: Database) -> None:
    async with many.transaction() as tx:
        assert await messages.of_runs(tx, {"time_to_erp:1": True, "time_to_erp:2": True}) == {
            "time_to_erp:1": [],
            "time_to_erp:2": [],
        }
        assert await scans(tx) == 0


async def test_a_run_ends_without_a_look_at_the_messages_of_others(many: Database) -> None:
    async with many.transaction() as tx:
        await runs.queue(tx, "time_to_erp:1", flow="time_to_erp", subject="1", version="1", lane="1", now=NOW)
        await runs.start(tx, [("time_to_erp:1", 1)], "w1", NOW)
        await endings.end(tx, [Ending("time_to_erp:1", 1, "w1", "time_to_erp", "1", "done", "", NOW, [], {})])
        assert await scans(tx) == 0


async def test_a_page_ends_with_its_own_messages(many: Database) -> None:
    async with many.transaction() as tx:
        await runs.queue(tx, "page 1", flow="approved_time", subject="1", version="1", lane="1", now=NOW)
        await runs.start(tx, [("page 1", 1)], "w1", NOW)
        await endings.end(tx, [Ending("page 1", 1, "w1", "approved_time", "1", "done", "", NOW, [], {})])
        found = await row(
            tx,
            """
            select count(*) filter (where run_id = 'page 1') as mine, count(*) filter (where run_id <> 'page 1') as others
            from message where state = 'in_flight'
            """,
        )
    assert found == {"mine": 0, "others": 20_000 - 6_666 - 3_334}


async def test_what_cannot_be_read_is_found_among_what_is_held_by_its_reason(many: Database) -> None:
    async with many.transaction() as tx:
        await tx.execute("update message set state = 'held', reason = 'time.rate_missing' where state = 'in_flight'")
        await tx.execute("update message set reason = 'time.unreadable' where record_id = 'T1'")
    async with many.session() as session:
        await session.execute("analyze message")
        plan = await rows(
            session,
            """
            explain select m.connection, m.record_id from connection c join message m on m.connection = c.name
            where m.kind = 'time_entry' and m.state = 'held' and m.reason = 'time.unreadable'
            """,
        )
    assert "reason = 'time.unreadable'" in next(
        each["QUERY PLAN"] for each in plan if "Index Cond" in each["QUERY PLAN"]
    )
