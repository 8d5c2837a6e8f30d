"""How far limits are used, and who pays which part, from the command line."""

from __future__ import annotations

import asyncio

from psycopg.types.json import Jsonb
from tests.cli.conftest import Tieout

from tieout.testing.books import Books
from tieout.testing.database import opened


def test_limits_say_what_is_billed_approved_and_waits(on_database: Tieout, database_url: str) -> None:
    assert "Nothing has a limit." in on_database("limits").out

    async def sold() -> None:
        cap = {"key": "NTE", "lines": [], "amount": "1000.00", "hours": "4", "over": "hold", "notice_at": None}
        order = {"name": "PO 4711", "purchase_order": "4711", "hours": "10"}
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            deal = await books.deal(1)
            async with database.transaction() as tx:
                caps = "update document set body = jsonb_set(body, '{versions,0,caps}', %s) where kind = 'contract'"
                await tx.execute(caps, (Jsonb([cap]),))
                await tx.execute(
                    "update document set body = body || '{\"po_number\": \"4711\"}' where kind = 'engagement'"
                )
                await tx.execute("update firm_version set content = content || %s", (Jsonb({"caps": [order]}),))
            await books.time(deal, [("L1", 1, 90)])

    asyncio.run(sold())
    told = on_database("limits", "--json").document
    assert [(each["limit"], each["unit"], each["most"], each["billed"], each["approved"]) for each in told] == [
        ("PO 4711", "h", "10.00", "0.00", "1.50"), ("NTE", "USD", "1000.00", "0.00", "510.00"),
        ("NTE", "h", "4.00", "0.00", "1.50"),
    ]  # fmt: skip
    assert "510.00 USD" in on_database("limits", "data foundation").out
    assert "No deal of that name has a limit." in on_database("limits", "nothing-like-it").out


def test_payers_say_what_each_was_billed(on_database: Tieout, database_url: str) -> None:
    assert "Every deal has one payer" in on_database("payers").out

    async def billed() -> str:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            deal = await books.deal(1)
            await books.time(deal, [("L1", 1, 60)])
            await books.proposal(deal)
            shares = [
                {"customer": deal.customer, "share": "0.6"},
                {"customer": "CUS-00000002", "share": "0.4", "amount": "30000"},
            ]
            split = {"engagement": deal.engagement, "payers": shares, "rest": deal.customer}
            async with database.transaction() as tx:
                await tx.execute("update firm_version set content = content || %s", (Jsonb({"payers": [split]}),))
            return deal.customer

    customer = asyncio.run(billed())
    told = on_database("payers", "--json").document
    assert [(each["customer"], each["percent"], each["billed"], each["most"], each["rest"]) for each in told] == [
        (customer, "60", "340.00", None, True), ("CUS-00000002", "40", "0.00", "30000.00", False)
    ]  # fmt: skip
    assert "340.00 USD" in on_database("payers").out
