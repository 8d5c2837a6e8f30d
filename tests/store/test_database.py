"""The database itself: migrations, fresh copies and transactions."""

from __future__ import annotations

import pytest

from tieout.store.database import Database, migrate, row

pytestmark = pytest.mark.anyio


async def test_a_fresh_database_has_the_schema_and_is_empty(database: Database) -> None:
    async with database.transaction() as tx:
        found = await row(tx, "select count(*) as n from message")
    assert found == {"n": 0}


async def test_migrating_again_changes_nothing(database: Database, database_url: str) -> None:
    migrate(database_url)
    async with database.transaction() as tx:
        assert await row(tx, "select count(*) as n from schema_version") == {"n": 1}


async def test_a_transaction_that_raises_leaves_nothing_behind(database: Database) -> None:
    async def fails_half_way() -> None:
        async with database.transaction() as tx:
            await tx.execute("insert into legal_entity values ('US', 'Kestrel Advisory Inc.', 'USD')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails_half_way()
    async with database.transaction() as tx:
        assert await row(tx, "select count(*) as n from legal_entity") == {"n": 0}
