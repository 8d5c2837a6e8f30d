"""A deal of two packages, of which one is a project of its own: worked, capped over both, billed as two, quoted again (T04, T43)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.firm import Firm
from tieout.domain.identity import spelled
from tieout.domain.spanning import SpanningCap
from tieout.engine.operator import Operator
from tieout.folder.loading import load
from tieout.sandbox.story.quoting import Amendment, Offered

from .test_change_orders import approved
from .test_early_start import answer
from .test_quotes import contract_of, quoting
from .world import CUT_OFF, KESTREL, Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
DAY = date(2026, 10, 1)
OFFERS = [Offered("P-1", "DATA-FOUNDATION", {}), Offered("P-2", "CHANGE-SPRINT", {})]


async def agree(world: World, firm: Firm) -> None:
    await Operator(world.hub.database, world.clock).apply_firm(firm, actor="suite")
    await world.hub.firm.reload(world.hub.database)


@pytest.fixture
async def firm(world: World) -> AsyncGenerator[Firm, None]:
    """Every Change Sprint is a project of its own; the next test has the firm as it was."""
    shipped = load(KESTREL)
    packages = tuple(
        each.model_copy(update={"project": "sale"}) if each.key == "CHANGE-SPRINT" else each
        for each in shipped.packages
    )
    firm = shipped.model_copy(update={"packages": packages})
    await agree(world, firm)
    yield firm
    await agree(world, shipped)


async def test_t04_two_packages_are_two_projects_of_one_contract_worked_capped_and_billed_each_for_itself(
    world: World, firm: Firm
) -> None:
    deal = await world.deal()
    limit = SpanningCap(name=f"limit of {deal.name}", customer=deal.customer, amount=Decimal(700), currency="USD")
    await agree(world, firm.model_copy(update={"caps": (limit,)}))
    seller = quoting(world, deal)
    await seller.win_by(deal.id, await seller.quote(deal.id, "Offer 1", OFFERS, DAY))
    await world.settle()
    assert await world.holds(deal.name) == []
    own = f"PRJ-{spelled(f'{deal.key}/P-2')}"
    sold = (await contract_of(world, deal)).current.sold
    assert [(each.id, each.project) for each in sold] == [(f"{deal.key}/P-1", ""), (f"{deal.key}/P-2", own)]
    spaces = {each["title"]: str(each["id"]) for each in await deal.in_kantata()}
    sprint = f"{deal.name}: Change Sprint"
    assert set(spaces) == {deal.name, sprint}
    told = await deal.in_crm()
    assert told["ERP_Project_Id__c"] == f"{deal.project}, {own}"
    assert told["PSA_Project_Id__c"] == f"{spaces[deal.name]}, {spaces[sprint]}"
    assert told["Integration_Status__c"] == "2 projects ready"
    erp = await world.erp()
    (work,) = await deal.in_erp("project.work", "number", own)
    children = await erp.search("project.work", [["parent", "=", work["id"]]], ["name"])
    assert sorted(each["name"] for each in children) == ["Stakeholder map", "Training"]

    await deal.approve(await deal.work(120, day=date(2026, 10, 5), project=deal.name), project=deal.name)
    entry = await deal.work(180, day=date(2026, 10, 6), task="Training", project=sprint)
    await deal.approve(entry, project=sprint)
    await world.settle()
    # 700.00 in all: two hours at 175.00 of the first, and of the three hours of the sprint the two that are left.
    invoices = await world.rows("select * from invoice where engagement = %s order by key", deal.key)
    key = f"{deal.key}-2026-10"
    assert [(each["key"], each["project"], each["state"], each["net"]) for each in invoices] == [
        (key, deal.project, "draft", Decimal("350.00")),
        (f"{key}-S{own.removeprefix('PRJ-')}", own, "draft", Decimal("350.00")),
    ]  # fmt: skip
    assert [each["code"] for each in await world.holds(deal.key)] == ["billing.over_cap"]
    for each in invoices:
        (drafted,) = await erp.search("account.invoice", [["reference", "=", each["key"]]], ["untaxed_amount"])
        assert drafted["untaxed_amount"] == each["net"]
    await (await world.clerk()).post(int(invoices[1]["record_id"]), CUT_OFF)
    await world.settle()
    assert Decimal(str((await deal.in_crm())["Billed_To_Date__c"])) == Decimal("350.00")

    before = await world.rows("select count(*) as n from effect")
    await seller.present(deal.id, await seller.quote(deal.id, "Offer 2, the same", OFFERS[::-1], DAY))
    await world.settle()
    assert (await contract_of(world, deal)).current.sold == sold
    assert {each["title"] for each in await deal.in_kantata()} == set(spaces)
    assert [each["code"] for each in await world.holds(deal.key)] == ["billing.over_cap"]
    assert await world.rows("select count(*) as n from effect") == before


async def test_t03_t06_projects_begin_unsigned_a_change_order_brings_one_and_a_lost_deal_stops_each_by_itself(
    world: World, firm: Firm
) -> None:
    deal = await world.deal()
    seller = quoting(world, deal)
    quote = await seller.quote(deal.id, "Offer", OFFERS, DAY)
    await seller.present(deal.id, quote)
    await deal.change(StageName="Verbal Commit")
    await world.settle()
    await answer(world, deal)
    await world.settle()
    own, sprint = f"PRJ-{spelled(f'{deal.key}/P-2')}", f"{deal.name}: Change Sprint"
    assert await states(world, deal) == {deal.project: "tentative", own: "tentative"}
    assert await deal.in_erp("project.work", "number", own) == []
    entry = await deal.work(120, day=date(2026, 10, 5), task="Training", project=sprint)
    await deal.approve(entry, project=sprint)
    await world.settle()
    assert await world.rows("select key from invoice where engagement = %s", deal.key) == []
    begun = {each["title"]: each["id"] for each in await deal.in_kantata()}
    await seller.win_by(deal.id, quote)
    await world.settle()
    assert await states(world, deal) == {deal.project: "active", own: "active"}
    assert {each["title"]: each["id"] for each in await deal.in_kantata()} == begun
    (invoice,) = await world.rows("select project, net from invoice where engagement = %s", deal.key)
    assert (invoice["project"], invoice["net"]) == (own, Decimal("350.00"))

    more = Amendment("Add", "P-3", Decimal(14000), "Training", "Consultant", Decimal(80), package="CHANGE-SPRINT")
    await approved(world, deal, [more])
    await world.settle()
    assert [each["code"] for each in await world.holds(deal.key)] == ["change.revenue"]
    third = f"PRJ-{spelled(f'{deal.key}/P-3')}"
    shown = await world.rows("select connection, project, version from contract_shown where engagement = %s", deal.key)
    of_each = [(system, each) for system in ("kantata", "erp-us") for each in (deal.project, own, third)]
    assert {(each["connection"], each["project"]): each["version"] for each in shown} == dict.fromkeys(
        [("salesforce", ""), *of_each], 2
    )
    contract = (await contract_of(world, deal)).current
    assert sum(each["price_in_cents"] for each in await deal.in_kantata()) == contract.amount * 100
    titles = {each["title"] for each in await deal.in_kantata()}
    assert titles == {deal.name, sprint, f"{sprint} (P-3)"}
    numbers = (await deal.in_crm())["ERP_Project_Id__c"].split(", ")
    assert (numbers[0], set(numbers)) == (deal.project, {deal.project, own, third})
    assert len(await deal.in_erp("project.work", "number", third)) == 1

    await deal.change(StageName="Closed Lost")
    await world.settle()
    (hold,) = [each for each in await world.holds(deal.key) if each["code"] == "deal.reopened"]
    assert hold["facts"]["hours"] == "2.00"
    assert await states(world, deal) == {deal.project: "archived", own: "on_hold", third: "archived"}
    assert sum(not each["archived"] for each in await deal.in_kantata()) == 1


async def states(world: World, deal: Deal) -> dict[str, str]:
    rows = await world.rows("select key, state from project where engagement = %s", deal.key)
    return {each["key"]: each["state"] for each in rows}
