"""One record means one object, for ever."""

from __future__ import annotations

import pytest

from tieout.store import crosswalk
from tieout.store.crosswalk import TwoMeanings
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def test_a_record_and_its_key_lead_to_each_other(books: Books) -> None:
    async with books.database.transaction() as tx:
        for _ in range(2):  # saying it again changes nothing
            await crosswalk.link(tx, "customer", "CUS-1", "salesforce", "001A", books.now())
        await crosswalk.link(tx, "customer", "CUS-1", "erp-us", "17", books.now())
        await crosswalk.link(tx, "task", "PRJ-1/01", "kantata", "71", books.now())
        await crosswalk.link(tx, "task", "PRJ-1/02", "kantata", "72", books.now())
        await crosswalk.link(tx, "task", "PRJ-11/01", "kantata", "73", books.now())
        assert await crosswalk.key_of(tx, "customer", "salesforce", "001A") == "CUS-1"
        assert await crosswalk.record_id(tx, "customer", "CUS-1", "erp-us") == "17"
        assert await crosswalk.record_id(tx, "customer", "CUS-1", "erp-de") is None
        assert await crosswalk.record_ids(tx, "task", "PRJ-1/", "kantata") == {"PRJ-1/01": "71", "PRJ-1/02": "72"}
        assert len(await crosswalk.everywhere(tx, "CUS-1")) == 2


async def test_a_record_cannot_become_another_object(books: Books) -> None:
    async with books.database.transaction() as tx:
        await crosswalk.link(tx, "customer", "CUS-1", "salesforce", "001A", books.now())
        with pytest.raises(TwoMeanings, match="the record is CUS-1"):
            await crosswalk.link(tx, "customer", "CUS-2", "salesforce", "001A", books.now())


async def test_an_object_has_one_record_in_a_system(books: Books) -> None:
    async with books.database.transaction() as tx:
        await crosswalk.link(tx, "customer", "CUS-1", "salesforce", "001A", books.now())
        with pytest.raises(TwoMeanings, match="CUS-1 is record 001A"):
            await crosswalk.link(tx, "customer", "CUS-1", "salesforce", "001B", books.now())


async def test_a_loser_of_a_merge_means_the_winner_and_leaves_what_it_had(books: Books) -> None:
    async with books.database.transaction() as tx:
        for key, salesforce in (("CUS-W", "001W"), ("CUS-L", "001L")):
            await crosswalk.link(tx, "customer", key, "salesforce", salesforce, books.now())
        await crosswalk.link(tx, "customer", "CUS-L", "erp-us", "17", books.now())
        await crosswalk.redirect(tx, "customer", "salesforce", "001L", "CUS-W", books.now())
        await crosswalk.inherit(tx, "customer", "CUS-L", "CUS-W")
        assert await crosswalk.key_of(tx, "customer", "salesforce", "001L") == "CUS-W"
        assert await crosswalk.record_id(tx, "customer", "CUS-W", "salesforce") == "001W"
        assert await crosswalk.record_id(tx, "customer", "CUS-W", "erp-us") == "17"
        await crosswalk.link(tx, "customer", "CUS-W", "salesforce", "001L", books.now())  # an alias stays one
        assert await crosswalk.record_id(tx, "customer", "CUS-W", "salesforce") == "001W"


async def test_a_merge_never_takes_the_winner_s_own_record_in_a_ledger(books: Books) -> None:
    async with books.database.transaction() as tx:
        for key, erp in (("CUS-W", "1"), ("CUS-L", "2")):
            await crosswalk.link(tx, "customer", key, "erp-us", erp, books.now())
        await crosswalk.inherit(tx, "customer", "CUS-L", "CUS-W")
        assert await crosswalk.record_id(tx, "customer", "CUS-W", "erp-us") == "1"
        assert await crosswalk.record_id(tx, "customer", "CUS-L", "erp-us") == "2"
