"""Lent work from the command line."""

from __future__ import annotations

import asyncio
from datetime import date

from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.domain.lending import lenders
from tieout.domain.values import ValueRow
from tieout.store import firm, timesheets
from tieout.testing.books import Books
from tieout.testing.database import opened


def test_lent_work_is_listed_and_its_bill_compared(on_database: Tieout, database_url: str) -> None:
    async def lent() -> None:
        since = date(2026, 1, 1)
        rows = [
            ValueRow("subcontractor", "X901", "Iberia Data", valid_from=since),
            ValueRow("subcontractor_rate", "X901", "95.00 USD", valid_from=since),
        ]
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            await books.time(await books.deal(1), [("L1", 1, 120)], person="X901")
            async with database.transaction() as tx:
                await firm.ship_values(tx, rows, books.now())
                await timesheets.unknown_people(tx, {"US": []}, "kantata", None, lenders(await firm.values(tx)))

    asyncio.run(lent())
    (told,) = on_database("lent", "--json").document
    assert (told["lender"], told["person"], told["minutes"], told["cost"]) == ("Iberia Data", "X901", 120, "190.00")
    assert "190.00 USD" in on_database("lent", "Iberia Data").out
    bill = ("lent-bill", "Iberia Data", "INV-1", "--through", "2026-10-31")
    assert on_database(*bill, "--amount", "much").code != Exit.OK
    said = on_database(*bill, "--amount", "200.00")
    assert "2.00 hours, expected 190.00 USD" in said.out
    assert "differs by 10.00 USD" in said.out
    assert on_database(*bill).code != Exit.OK, "each hour stands beneath one bill"
    assert on_database("lent", "--json").document == []
