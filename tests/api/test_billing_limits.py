"""How far limits are used, by the API: the figures of the books, page by page, and what spans deals for who sees all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.api.conftest import FIRM

from tieout.domain.paying import SplitBilling
from tieout.domain.spanning import SpanningCap
from tieout.store import limit_use
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def test_each_limit_says_what_is_approved_beneath_it_and_deals_come_page_by_page(site: Any) -> None:
    deals = [await site.books.deal(number) for number in (1, 2)]
    cap = {"key": "NTE", "lines": [], "amount": "1000.00", "hours": "4", "over": "hold", "notice_at": None}
    async with site.books.database.transaction() as tx:
        await tx.execute(
            "update document set body = jsonb_set(body, '{versions,0,caps}', %s) where kind = 'contract'",
            (Jsonb([cap]),),
        )
    await site.books.time(deals[0], [("L1", 1, 120)])
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await site.ask("viewer", "GET", f"/api/v1/billing-limits?limit=1&cursor={cursor}")).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(each["engagements"][0] for each in seen) == sorted(each.engagement for each in deals)
    (used,) = [each for each in seen if each["engagements"] == [deals[0].engagement]]
    usd = [used[name]["amount"] for name in ("most", "billed", "approved", "above")]
    assert usd == ["1000.00", "0.00", "680.00", "0.00"]
    hours = [used[f"{name}_hours"] for name in ("most", "billed", "approved", "above")]
    assert hours == ["4", "0.00", "2.00", "0.00"]
    masked = (await site.ask("delivery", "GET", "/api/v1/billing-limits")).json()["items"]
    assert {each["most"] for each in masked} == {None}
    assert masked[0]["most_hours"] == "4"


async def test_a_limit_of_hours_that_spans_deals_counts_minutes_and_no_money(site: Any) -> None:
    deals = [await site.books.deal(number) for number in (1, 2)]
    async with site.books.database.transaction() as tx:
        await tx.execute("update document set body = body || '{\"po_number\": \"4711\"}' where kind = 'engagement'")
    for number, each in enumerate(deals):
        await site.books.time(each, [(f"L{number}", 1, 60)])
    order = SpanningCap(name="PO", purchase_order="4711", hours=Decimal(10))
    async with site.books.database.transaction() as tx:
        used = await limit_use.of_span(tx, order)
    assert (used["beneath"], used["open_minutes"]) == (sorted(each.engagement for each in deals), 120)
    assert (used["billed_minutes"], used["above_minutes"]) == (0, 0)
    assert (await site.ask("viewer", "GET", "/api/v1/billing-limits/spanning")).json() == {"items": []}


async def test_t41_a_deal_that_several_pay_says_what_each_was_billed(make_site: Any, books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("L1", 1, 60)])
    await books.proposal(deal)
    payers = [
        {"customer": deal.customer, "share": "0.6"},
        {"customer": "CUS-00000002", "share": "0.4", "amount": "30000"},
    ]
    split = SplitBilling.model_validate({"engagement": deal.engagement, "payers": payers, "rest": deal.customer})
    site = await make_site(firm=FIRM.model_copy(update={"payers": (split,)}))
    (item,) = (await site.ask("viewer", "GET", "/api/v1/billing-limits/payers")).json()["items"]
    assert (item["engagement"], item["by"]) == (deal.engagement, f"deal {deal.engagement}")
    first, second = item["payers"]
    assert (first["percent"], first["billed"]["amount"], first["most"], first["rest"]) == ("60", "340.00", None, True)
    assert (second["percent"], second["billed"]["amount"], second["most"]["amount"]) == ("40", "0.00", "30000.00")
    masked = (await site.ask("delivery", "GET", "/api/v1/billing-limits/payers")).json()["items"]
    assert {each["billed"] for each in masked[0]["payers"]} == {None}
