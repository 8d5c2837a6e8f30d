"""How far limits are used, who pays which part, and what others lent: every figure of the page is that of the books."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from tests.console.seed import KESTREL
from tests.console.seed_limits import GLOBEX, INITECH
from tests.console.test_masking import delivery
from tests.console.test_scope import somebody
from tests.console.world import Caller, World

from tieout.store import limit_use, payers
from tieout.store.database import rows

pytestmark = pytest.mark.anyio


async def test_a_limit_of_a_contract_says_what_is_billed_and_what_is_approved(world: World, anna: Caller) -> None:
    key = world.seeded.engagements["Globex Data Platform"]
    async with world.database.transaction() as tx:
        (found,) = await limit_use.of_contracts(tx, [key])
        (billed,) = await rows(tx, "select sum(net) as net from invoice where engagement = %s", (key,))
        (work,) = await rows(
            tx, "select sum(unbilled) as unbilled, sum(approved_minutes - billed_minutes) as minutes from work_value where engagement = %s"
            " and not at_risk", (key,),
        )  # fmt: skip
    assert (found["billed"], found["open"], found["open_minutes"]) == (billed["net"], work["unbilled"], work["minutes"])
    assert min(found["billed"], found["open"]) > 0
    page = await anna.get("/limits?q=globex data")
    for amount in (found["amount"], found["billed"], found["open"], found["amount"] - found["billed"] - found["open"]):
        assert f"{amount:,.2f}" in page
    assert "Bergmann" not in page
    assert "No deal of that name has a limit." in await anna.get("/limits?q=nothing-like-it")


async def test_a_limit_of_a_customer_counts_all_of_their_deals_and_tells_when_it_is_near(
    world: World, anna: Caller
) -> None:
    async with world.database.transaction() as tx:
        used = await limit_use.of_span(tx, KESTREL.caps[0])
        (counted,) = await rows(
            tx, "select sum(e.minutes) as minutes from evidence e join invoice i on i.key = e.invoice"
            " where i.engagement = any(%s) and i.state <> 'cancelled'", (used["beneath"],),
        )  # fmt: skip
    assert used["billed_minutes"] == counted["minutes"]
    page = re.sub(r"\s+", " ", await anna.get("/limits"))
    share = int(100 * Decimal(used["billed_minutes"]) / 60 / 200)
    assert 50 <= share < 100
    assert re.search(rf'class="state warn">[^%]*{share} %', page), "half of it is where people are told"


async def test_a_deal_with_two_payers_says_what_each_was_billed(world: World, anna: Caller) -> None:
    async with world.database.transaction() as tx:
        found = await payers.splits(tx, KESTREL.payers)
    key = world.seeded.engagements["Globex Data Platform"]
    (split,) = [each for each in found if each.engagement == key]
    billed = split.payers[0]
    page = await anna.get("/limits")
    assert billed.customer == GLOBEX
    assert billed.billed.amount > 0
    for said in (
        f"{billed.billed.amount:,.2f}",
        "60 %",
        "40 %",
        GLOBEX,
        INITECH,
        "Initech LLC",
        "30,000.00",
        "takes the rest",
    ):
        assert said in page


async def test_lent_work_stands_there_until_a_bill_is_matched_with_it(world: World, anna: Caller) -> None:
    before = await anna.get("/lent")
    assert "Iberia Data" in before
    assert "B-17" in before
    form = {"lender": "Iberia Data", "number": "B-18", "through": "2026-12-31", "amount": "1,000.00", "currency": "usd"}
    for nonsense in ("much", "4.250,00", "4,25", "-5", "1e3"):
        wrong = await anna.send("/lent/bills", {**form, "amount": nonsense}, page="/lent", status=409)
        assert "in digits, such as 4250.00" in wrong
    after = await anna.send("/lent/bills", form, page="/lent")
    assert "B-18 of Iberia Data stands for" in after
    assert "<option>Iberia Data</option>" not in after
    again = await anna.send("/lent/bills", form, page="/lent", status=404)
    assert "waits for a bill" in again


async def test_the_way_to_lent_work_is_shown_to_finance(anna: Caller) -> None:
    for path in ("/invoices", "/palette/results?q=lent"):
        assert 'href="/lent"' in await anna.get(path)


async def test_what_lent_work_costs_is_finances_alone_and_a_bill_is_for_who_sees_all(world: World) -> None:
    margaret = await Caller(world.app).sign_in(world, "Margaret Osei")
    assert "cost.match" in await margaret.get("/lent", status=403)
    for path in ("/invoices", "/palette/results?q=lent"):
        assert 'href="/lent"' not in await margaret.get(path)
    await margaret.send("/lent/bills", {}, page="/limits", status=403)
    narrow = await somebody(world, "US")
    assert "somebody who sees all of them matches it" in await narrow.get("/lent")
    refused = await narrow.send("/lent/bills", {"lender": "Iberia Data"}, page="/limits", status=409)
    assert "somebody who sees all" in refused


async def test_somebody_of_delivery_sees_how_much_is_used_and_no_amount(world: World) -> None:
    page = await (await delivery(world)).get("/limits?q=globex data")
    assert re.search(r"\d+ %", page)
    assert '<span class="masked"' in page
    assert not re.search(r"\d\.\d\d USD", page)
