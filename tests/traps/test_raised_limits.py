"""A limit of the firm folder that is raised frees what waits above it at once, and not only at the next cut-off (T37)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.spanning import SpanningCap
from tieout.engine.operator import Operator
from tieout.testing.books import Books, Deal

from .delivery import Delivery

pytestmark = pytest.mark.anyio
ORDER = SpanningCap(name="PO 4711", purchase_order="4711", amount=Decimal("1.00"), currency="USD")


async def limited(delivery: Delivery, books: Books, amount: str) -> None:
    """The folder is applied with this limit."""
    cap = ORDER.model_copy(update={"amount": Decimal(amount)})
    delivery.firm = delivery.firm.model_copy(update={"caps": (cap,)})
    await Operator(books.database, books.now).apply_firm(delivery.firm, actor="anna")
    await delivery.settle()


@pytest.fixture
async def deal(delivery: Delivery, books: Books) -> Deal:
    """One with an hour of a principal, 340.00, under the purchase order."""
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        await tx.execute(
            "update document set body = body || '{\"po_number\": \"4711\"}' where kind = 'engagement' and key = %s",
            (deal.engagement,),
        )
    await books.time(deal, [("T1", 1, 60)])
    return deal


async def billed(delivery: Delivery) -> list[Any]:
    return [each["net"] for each in await delivery.rows("select net from invoice order by key")]


async def test_where_nothing_could_be_billed_the_invoice_is_proposed_when_the_limit_is_raised(
    delivery: Delivery, books: Books, deal: Deal
) -> None:
    await limited(delivery, books, "1.00")
    await delivery.propose(deal, "2026-10")
    assert (await delivery.holds())["billing.over_cap"]["about"] == "PO 4711"
    assert await billed(delivery) == []
    await limited(delivery, books, "1.00")
    assert await billed(delivery) == [], "the same limit frees nothing"
    await limited(delivery, books, "1000.00")
    assert "billing.over_cap" not in await delivery.holds()
    assert await billed(delivery) == [Decimal("340.00")]
    (ended,) = await delivery.rows("select resolved_by, resolution from hold where code = 'billing.over_cap'")
    assert (ended["resolved_by"], ended["resolution"]) == ("anna", "the limit “PO 4711” changed")


async def test_beside_an_invoice_that_is_there_the_work_is_unbilled_again_and_waits_for_the_next(
    delivery: Delivery, books: Books, deal: Deal
) -> None:
    await limited(delivery, books, "170.00")
    await delivery.propose(deal, "2026-10")
    assert await billed(delivery) == [Decimal("170.00")]
    (held,) = await delivery.rows("select * from piece where fate = 'over_cap'")
    assert held["minutes"] == 30
    await limited(delivery, books, "1000.00")
    assert "billing.over_cap" not in await delivery.holds()
    assert await delivery.rows("select * from piece") == []
    assert await billed(delivery) == [Decimal("170.00")]
    await delivery.propose(deal, "2026-11")
    assert await billed(delivery) == [Decimal("170.00"), Decimal("170.00")]
