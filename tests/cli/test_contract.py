"""`tieout contract`: what is agreed, by clause, and whether every system shows it."""

from __future__ import annotations

import asyncio

from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.testing.books import Books, Deal
from tieout.testing.database import opened


def signed(database_url: str, *shown: str, changed: bool) -> Deal:
    async def agree() -> Deal:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            deal = await books.deal(1)
            if changed:
                await books.changed(deal, shown=shown)
            return deal

    return asyncio.run(agree())


def test_a_contract_that_every_system_shows_ends_with_0(on_database: Tieout, database_url: str) -> None:
    deal = signed(database_url, changed=False)
    told = on_database("contract", deal.engagement)
    assert told.code == Exit.OK, told.err
    assert "Version 1: 50,000.00 USD from 2026-10-01, as it was signed" in told.out
    assert on_database("contract", deal.project, "--json").document["engagement"] == deal.engagement


def test_a_system_that_shows_another_version_ends_with_1(on_database: Tieout, database_url: str) -> None:
    deal = signed(database_url, "salesforce", "erp-us", changed=True)
    told = on_database("contract", deal.engagement)
    assert told.code == Exit.PROBLEM
    assert "amount: 50,000.00 USD → 52,450.00 USD" in told.out
    assert told.out.count("differs") == 1
    shown = on_database("contract", deal.engagement, "--json").document["shown"]
    assert [each["connection"] for each in shown if not each["agrees"]] == ["kantata"]


def test_what_nobody_agreed_to_is_said(on_database: Tieout) -> None:
    told = on_database("contract", "ENG-00000000")
    assert told.code == Exit.PROBLEM
    assert "Nothing was agreed for “ENG-00000000”." in told.err
