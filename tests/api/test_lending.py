"""Lent work by the API: for finance alone, each hour beneath one bill (T49, T50)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tieout.domain.lending import lenders
from tieout.domain.values import ValueRow
from tieout.store import firm, timesheets

pytestmark = pytest.mark.anyio
VENDOR = "Iberia Data"


async def lent(site: Any, *, price: str) -> None:
    """Two hours of a vendor's person, at a price where somebody has said one."""
    since = date(2026, 1, 1)
    rows = [ValueRow("subcontractor", "X901", VENDOR, valid_from=since)]
    rows += [ValueRow("subcontractor_rate", "X901", price, valid_from=since)] if price else []
    deal = await site.books.deal(1)
    await site.books.time(deal, [("L1", 1, 120)], person="X901")
    async with site.books.database.transaction() as tx:
        await firm.ship_values(tx, rows, site.books.now())
        await timesheets.unknown_people(tx, {"US": []}, "kantata", None, lenders(await firm.values(tx)))


async def test_finance_sees_what_lent_work_should_cost_and_matches_the_bill_once(site: Any) -> None:
    await lent(site, price="95.00 USD")
    (told,) = (await site.ask("finance", "GET", "/api/v1/lent")).json()["items"]
    assert (told["kind"], told["lender"], told["entity"], told["person"]) == ("vendor", VENDOR, "US", "X901")
    assert (told["minutes"], told["unpriced"], told["cost"]) == (120, 0, {"amount": "190.00", "currency": "USD"})
    assert (await site.ask("operator", "GET", "/api/v1/lent")).status_code == 403
    bill = {"lender": VENDOR, "number": "INV-1", "through": "2026-10-31", "amount": "200.00"}
    made = (await site.ask("finance", "POST", "/api/v1/lent/bills", json=bill)).json()
    assert (made["expected"]["amount"], made["difference"]["amount"]) == ("190.00", "10.00")
    assert (await site.ask("finance", "GET", "/api/v1/lent")).json() == {"items": []}
    assert (await site.ask("finance", "POST", "/api/v1/lent/bills", json=bill)).status_code in (404, 409)


async def test_hours_without_a_price_are_listed_and_not_matched(site: Any) -> None:
    await lent(site, price="")
    (told,) = (await site.ask("finance", "GET", f"/api/v1/lent?lender={VENDOR}")).json()["items"]
    assert (told["unpriced"], told["cost"]) == (120, None)
    bill = {"lender": VENDOR, "number": "INV-1", "through": "2026-10-31"}
    answer = await site.ask("finance", "POST", "/api/v1/lent/bills", json=bill)
    assert answer.status_code == 409
    assert "X901" in answer.text
