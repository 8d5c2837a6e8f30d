"""The database itself: migrations, fresh copies and transactions."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from tieout.store.database import Database, migrate, one_line, row
from tieout.store.scope import seen_by

pytestmark = pytest.mark.anyio


async def test_a_fresh_database_has_the_schema_and_is_empty(database: Database) -> None:
    async with database.transaction() as tx:
        found = await row(tx, "select count(*) as n from message")
    assert found == {"n": 0}


async def test_migrating_again_changes_nothing(database: Database, database_url: str) -> None:
    migrate(database_url)
    async with database.transaction() as tx:
        assert await row(tx, "select count(*) as n from schema_version") == {"n": 1}


LISTS: list[list[str | None]] = [
    [], [""], ["", ""], ["a"], ["a", "b"], ["a", None], [None], ['"'], ['a"', '"b'], ['","'], ["\\"], ["a\\", "b"], ["{", "}"],
    ["NULL", "null"], [" a ", "\n", "\t"], ["ä", "漢", "\u2000"], ["a,b", "c"],
]  # fmt: skip


@pytest.mark.parametrize("wanted", LISTS, ids=repr)
async def test_a_list_of_texts_arrives_as_it_is(database: Database, wanted: list[str | None]) -> None:
    async with database.transaction() as tx:
        assert await row(tx, "select %s::text[] as told", (wanted,)) == {"told": wanted}
        assert await row(tx, "select count(*) as n from unnest(%s::text[]) t", (wanted,)) == {"n": len(wanted)}


async def test_no_text_is_cut_off_where_the_database_cannot_hold_it(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(psycopg.DataError):
            await row(tx, "select %s::text[] as told", (["a\0b"],))


async def test_a_transaction_that_raises_leaves_nothing_behind(database: Database) -> None:
    async def fails_half_way() -> None:
        async with database.transaction() as tx:
            await tx.execute("insert into legal_entity values ('US', 'Kestrel Advisory Inc.', 'USD')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails_half_way()
    async with database.transaction() as tx:
        assert await row(tx, "select count(*) as n from legal_entity") == {"n": 0}


async def test_whoever_is_told_to_end_while_it_waits_for_a_connection_ends(database_url: str) -> None:
    """Cancelled at every moment between the connection's coming back and its being used."""

    async def goes_on() -> None:
        async with database.transaction():
            pass
        await asyncio.sleep(60)

    database = Database(database_url, most=1)
    await database.open()
    try:
        for moment in range(60):
            async with database.transaction():
                waits = asyncio.create_task(goes_on())
                await asyncio.sleep(0.001)
            for _ in range(moment):
                await asyncio.sleep(0)
            waits.cancel()
            done, _ = await asyncio.wait([waits], timeout=5)
            assert done, f"at moment {moment}, the task goes on"
            assert waits.cancelled()
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("postgresql://hub:s%2Fe@db1:5432/books", "postgresql://hub:s%2Fe@db1:5432/books"),
        (
            "postgresql://hub:s%2Fe@db1:1,db2:2/books?target_session_attrs=read-write",
            "postgresql://hub:s%2Fe@/books?host=db1%2Cdb2&port=1%2C2&target_session_attrs=read-write",
        ),
    ],
)
def test_an_address_of_several_servers_is_read_alike_by_every_library(address: str, same: str) -> None:
    written = one_line(address)
    assert conninfo_to_dict(written) == conninfo_to_dict(same) == conninfo_to_dict(address)
    hosts = conninfo_to_dict(address)["host"]
    (_, arguments) = create_engine(make_url(written).set(drivername="postgresql+psycopg")).dialect.create_connect_args(
        make_url(written)
    )
    assert arguments["host"] == hosts


async def test_without_its_views_a_scoped_reader_finds_nothing_at_all_until_the_next_migration(
    database: Database,
) -> None:
    async with database.transaction() as tx:
        await tx.execute("drop schema tieout_scoped cascade")
    with seen_by(["US"]), pytest.raises(psycopg.errors.UndefinedTable):
        async with database.transaction() as tx:
            await tx.execute("select * from invoice")
    await asyncio.to_thread(migrate, database.url)
    with seen_by(["US"]):
        async with database.transaction() as tx:
            assert await (await tx.execute("select * from invoice")).fetchall() == []


async def test_the_connection_that_was_used_last_is_used_next(database: Database) -> None:
    async def backend() -> int:
        async with database.statement() as tx:
            found = await row(tx, "select pg_backend_pid() as pid, pg_sleep(0.05)")
        assert found is not None
        return found["pid"]

    several = set(await asyncio.gather(*(backend() for _ in range(4))))
    assert len(several) > 1
    assert len({await backend() for _ in range(4)}) == 1
