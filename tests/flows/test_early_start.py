"""Work before the signature: a tentative project whose hours are at risk until the deal is won, or until it stops (T06)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.firm import EarlyStartRule
from tieout.engine.deeds import OwnRequest
from tieout.engine.operator import Operator
from tieout.folder.loading import load
from tieout.store.figures import figures, money_of
from tieout.testing.crash import When

from .test_crash import dies
from .world import CUT_OFF, KESTREL, Deal, World, cents

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
DELIVERY = "ingrid.vogel@kestrel.example"
FINANCE = "finance@kestrel.example"
DAY = date(2026, 10, 5)
# Three days from the day that the story has come to.
LAST_DAY, TOO_LATE = date(2026, 11, 6), date(2026, 11, 7)


@pytest.fixture(autouse=True)
async def rule(world: World) -> AsyncGenerator[None, None]:
    """A short term, so that it is over before the next month is billed; afterwards the firm is as it was."""
    await allow(world)
    yield
    await allow(world, EarlyStartRule(stages=("Verbal Commit",), days=30))
    await world.start()


async def allow(world: World, rule: EarlyStartRule | None = None, today: date | None = None) -> None:
    rule = rule or EarlyStartRule(stages=("Verbal Commit",), days=3)
    firm = load(KESTREL).model_copy(update={"early_start": rule})
    await Operator(world.hub.database, world.clock).apply_firm(firm, actor="suite")
    await world.start(today=today)


async def promised(world: World, **facts: Any) -> Deal:
    """A deal with the customer's word, whose risk delivery has accepted."""
    deal = await world.deal(**facts)
    await deal.change(StageName="Verbal Commit")
    await world.settle()
    await answer(world, deal)
    await world.settle()
    return deal


async def answer(world: World, deal: Deal, *, approve: bool = True, actor: str = DELIVERY) -> None:
    for asked in await world.rows("select id from approval where engagement = %s and state = 'open'", deal.key):
        reason = "" if approve else "nobody is free"
        await world.hub.operator.answer_approval(asked["id"], approve=approve, actor=actor, reason=reason)


async def status(deal: Deal) -> str:
    (project,) = await deal.in_kantata()
    return project["status"]["message"]


async def figures_of(world: World, deal: Deal) -> Any:
    async with world.hub.database.transaction() as tx:
        (found,) = [each for each in await money_of(tx, [deal.key]) if each.currency]
    return found


async def never_billed(world: World, deal: Deal) -> None:
    """As long as nobody has signed: no invoice, here or there, and every cent of the work stands at risk."""
    assert not await world.rows("select key from invoice where engagement = %s", deal.key)
    assert await deal.in_erp("account.invoice", "reference", f"{deal.key}-2026-10") == []
    found = await figures_of(world, deal)
    assert (found.unbilled, found.at_risk) == (0, found.approved)
    assert (await figures(world.hub.database)).ties_out


async def billed_once(world: World, deal: Deal, net: Decimal) -> None:
    """After the signature: one contract, one project, one timesheet line for each entry, one invoice."""
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    (invoice,) = await world.rows("select * from invoice where engagement = %s", deal.key)
    assert (invoice["state"], invoice["net"]) == ("draft", net)
    assert len(await deal.in_erp("account.invoice", "reference", f"{deal.key}-2026-10")) == 1
    evidence = await world.rows("select distinct contract_version from evidence where invoice = %s", invoice["key"])
    assert evidence == [{"contract_version": 1}]
    (contract,) = await world.rows("select body from document where kind = 'contract' and key = %s", deal.key)
    assert [each["version"] for each in contract["body"]["versions"]] == [1]
    entries = await world.rows(
        "select source_id, delivered_minutes, minutes from time_entry where engagement = %s", deal.key
    )
    assert all(each["delivered_minutes"] == each["minutes"] for each in entries)
    erp = await world.erp()
    for each in entries:
        lines = await erp.search("timesheet.line", [["uuid", "like", f"kantata-{each['source_id']}-%"]], ["id"])
        assert len(lines) == 1
    found = await figures_of(world, deal)
    assert (found.at_risk, found.unbilled, found.proposed) == (0, 0, net)
    assert (await figures(world.hub.database)).ties_out


async def test_a_promised_deal_waits_until_delivery_accepts_the_risk(world: World) -> None:
    deal = await world.deal()
    await deal.change(StageName="Verbal Commit")
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s", deal.key)
    assert asked["title"] == "Delivery accepts work before the signature"
    assert asked["terms"] == [
        "Work on 98,000.00 USD begins before the contract is signed and may go on for 3 days, unbilled"
    ]
    assert (await deal.in_crm())["Integration_Status__c"] == "Waiting for delivery"
    assert await deal.counts() == {"customers": 0, "erp projects": 0, "psa projects": 0}
    await answer(world, deal)
    await world.settle()
    assert await deal.counts() == {"customers": 0, "erp projects": 0, "psa projects": 1}
    (project,) = await deal.in_kantata()
    assert (project["status"]["message"], project["archived"]) == ("In Setup", False)
    told = await deal.in_crm()
    assert (told["Integration_Status__c"], told["PSA_Project_Id__c"], told["ERP_Project_Id__c"]) == (
        "Tentative project", project["id"], None,
    )  # fmt: skip
    assert told["Integration_Message__c"] == (
        "Work may go on until 2026-11-06 without a signature; its hours are at risk."
    )
    (stored,) = await world.rows("select state, contract_version from project where key = %s", deal.project)
    assert stored == {"state": "tentative", "contract_version": 0}
    assert not await world.rows("select key from document where kind = 'contract' and key = %s", deal.key)


async def test_a_risk_that_delivery_refuses_is_not_taken(world: World) -> None:
    deal = await world.deal()
    await deal.change(StageName="Verbal Commit")
    await world.settle()
    await answer(world, deal, approve=False)
    await world.settle()
    told = await deal.in_crm()
    assert told["Integration_Status__c"] == "Early start rejected"
    assert "nobody is free" in told["Integration_Message__c"]
    assert (await deal.counts())["psa projects"] == 0
    await deal.win()
    await world.settle()
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}


async def test_hours_before_the_signature_are_taken_in_counted_and_shown_and_never_billed(world: World) -> None:
    deal = await promised(world)
    entry = await deal.work(90, day=DAY)
    await deal.approve(entry)
    await world.settle()
    await never_billed(world, deal)
    found = await figures_of(world, deal)
    assert (found.at_risk, found.booked, found.entries) == (Decimal("262.50"), 0, 1)
    messages = await world.rows("select state from message where record_id = %s order by id desc limit 1", entry)
    assert messages == [{"state": "done"}]
    erp = await world.erp()
    assert await erp.search("timesheet.line", [["uuid", "like", f"kantata-{entry}-%"]], ["id"]) == []
    assert not await world.holds(deal.key)


async def test_a_deal_that_is_won_makes_the_same_project_a_signed_one_and_its_hours_billable(world: World) -> None:
    deal = await promised(world)
    first = (await deal.in_kantata())[0]["id"]
    await deal.approve(await deal.work(90, day=DAY), await deal.work(60, day=date(2026, 10, 16)))
    await world.settle()
    await deal.change(Amount=120000, StageName="Closed Won", Expected_End_Date__c="2027-02-26")
    await world.settle()
    (project,) = await deal.in_kantata()
    assert (project["id"], project["status"]["message"]) == (first, "In Progress")
    assert (project["price_in_cents"], project["due_date"]) == (12000000, "2027-02-26")
    assert (await deal.in_crm())["Integration_Status__c"] == "Project ready"
    # 1.50 h at 175.00, and an hour at the card's next version.
    await billed_once(world, deal, Decimal("262.50") + Decimal("180.00"))
    assert not await world.holds(deal.key)


async def test_when_the_term_is_over_the_project_stops_and_hours_and_money_are_told(world: World) -> None:
    deal = await promised(world)
    approved, loose = await deal.work(90, day=DAY), await deal.work(30, day=date(2026, 10, 6))
    await deal.approve(approved)
    await world.settle()
    await world.start(today=LAST_DAY)
    await world.settle()
    assert (await deal.in_crm())["Integration_Status__c"] == "Tentative project"
    await world.start(today=TOO_LATE)
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["owner"]) == ("early_start.over", "sales operations and the delivery lead")
    assert (hold["facts"]["hours"], hold["facts"]["amount"], hold["amount_minor"]) == ("2.00", "350.00 USD", 35000)
    (project,) = await deal.in_kantata()
    assert project["status"]["message"] == "On Hold"
    told = await deal.in_crm()
    assert told["Integration_Status__c"] == "Project on hold"
    assert told["Integration_Message__c"] == ("Not signed by 2026-11-06. 2.00 hours, worth 350.00 USD, are at risk.")
    with pytest.raises(Exception, match="422"):
        await deal.work(60, day=DAY)
    await never_billed(world, deal)
    await deal.win()
    await world.settle()
    assert not await world.holds(deal.key)
    await billed_but_for(world, deal, loose)


async def billed_but_for(world: World, deal: Deal, loose: str) -> None:
    """Winning late is winning: what was approved is billed, what was not is not."""
    (invoice,) = await world.rows("select state, net from invoice where engagement = %s", deal.key)
    assert (invoice["state"], invoice["net"]) == ("draft", Decimal("262.50"))
    assert await status(deal) == "In Progress"
    left = await world.rows("select delivered_minutes from time_entry where source_id = %s", loose)
    assert left == [{"delivered_minutes": 0}]


async def test_a_promise_that_is_broken_closes_an_unused_project_and_a_new_promise_opens_it(world: World) -> None:
    deal = await promised(world)
    await deal.change(StageName="Closed Lost")
    await world.settle()
    (project,) = await deal.in_kantata()
    assert project["archived"]
    assert (await deal.in_crm())["Integration_Status__c"] == "Project closed"
    assert not await world.holds(deal.key)
    await deal.change(StageName="Verbal Commit")
    await world.settle()
    (project,) = await deal.in_kantata()
    assert (project["archived"], project["status"]["message"]) == (False, "In Setup")
    assert (await deal.in_crm())["Integration_Status__c"] == "Tentative project"
    assert (await deal.counts())["psa projects"] == 1


async def test_a_promise_that_is_broken_after_work_stops_the_project_and_asks(world: World) -> None:
    deal = await promised(world)
    await deal.work(120, day=DAY)
    await world.settle()
    await deal.change(StageName="Closed Lost")
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["stage"], hold["facts"]["hours"]) == ("early_start.lost", "Closed Lost", "2.00")
    assert hold["facts"]["amount"] == "350.00 USD"
    assert (await deal.in_crm())["Integration_Status__c"] == "Project on hold"
    assert (await deal.counts())["customers"] == 0


async def test_another_package_than_the_one_people_worked_by_is_a_hold_and_nothing_is_billed(world: World) -> None:
    deal = await promised(world)
    await deal.approve(await deal.work(90, day=DAY))
    await world.settle()
    await deal.change(StageName="Closed Won", Service_Package__c="CLOUD-MIGRATION")
    await world.settle()
    assert "early_start.differs" in {each["code"] for each in await world.holds(deal.key)}
    assert (await deal.in_crm())["Integration_Status__c"] == "On hold"
    await never_billed(world, deal)
    await deal.change(Service_Package__c="DATA-FOUNDATION")
    await world.settle()
    assert not await world.holds(deal.key)
    await billed_once(world, deal, Decimal("262.50"))


async def test_terms_that_finance_refuses_after_the_signature_stop_the_work(world: World) -> None:
    deal = await promised(world)
    await deal.approve(await deal.work(90, day=DAY))
    await world.settle()
    await deal.change(StageName="Closed Won", Amount=300000)
    await world.settle()
    assert (await deal.in_crm())["Integration_Status__c"] == "Waiting for finance"
    assert await status(deal) == "In Setup", "who waits for finance goes on at risk"
    await answer(world, deal, approve=False)
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["stage"]) == ("early_start.lost", "refused by finance")
    assert await status(deal) == "On Hold"
    await never_billed(world, deal)


async def test_where_the_firm_says_so_the_erp_has_the_project_and_the_cost_before_the_signature(world: World) -> None:
    await allow(world, EarlyStartRule(stages=("Verbal Commit",), days=3, approval=("delivery", "finance"), in_erp=True))
    deal = await promised(world)
    assert (await deal.in_crm())["Integration_Status__c"] == "Waiting for finance"
    with pytest.raises(OwnRequest, match="the other approval is somebody else's"):
        await answer(world, deal)
    await answer(world, deal, actor=FINANCE)
    await world.settle()
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    erp = await world.erp()
    (work,) = await erp.search("project.work", [["number", "=", deal.project]], ["comment"])
    assert "Contract: not signed yet" in work["comment"]
    entry = await deal.work(90, day=DAY)
    await deal.approve(entry)
    await world.settle()
    assert len(await erp.search("timesheet.line", [["uuid", "like", f"kantata-{entry}-%"]], ["id"])) == 1
    await never_billed(world, deal)
    await deal.win()
    await world.settle()
    await billed_once(world, deal, Decimal("262.50"))
    (work,) = await erp.search("project.work", [["number", "=", deal.project]], ["comment"])
    assert "Contract version: 1" in work["comment"]


async def test_what_was_billed_after_all_is_paid_and_shown_like_all_other_work(world: World) -> None:
    deal = await promised(world)
    await deal.approve(await deal.work(60, day=DAY))
    await world.settle()
    assert (await deal.in_crm())["Unbilled_WIP__c"] is None
    await deal.win()
    await world.settle()
    (invoice,) = await world.rows("select * from invoice where engagement = %s", deal.key)
    clerk = await world.clerk()
    await clerk.post(int(invoice["record_id"]), CUT_OFF)
    await world.settle()
    told = await deal.in_crm()
    assert (cents(told["Billed_To_Date__c"]), told["Invoice_Status__c"]) == (Decimal("175.00"), "posted")


@pytest.mark.slow
@pytest.mark.parametrize(("at", "when"), [(9, "before"), (33, "after"), (70, "before"), (120, "after")])
async def test_a_crash_while_work_becomes_billable_doubles_and_loses_nothing(world: World, at: int, when: When) -> None:
    deal = await promised(world)
    await deal.approve(await deal.work(90, day=DAY))
    await world.settle()
    await deal.win()
    assert await dies(world, at, when)
    await world.start()
    await world.settle()
    await billed_once(world, deal, Decimal("262.50"))
    assert (
        await world.rows("select key from effect where state in ('sent', 'unknown') and engagement = %s", deal.key)
        == []
    )


@pytest.mark.slow
@pytest.mark.parametrize(("at", "when"), [(5, "after"), (21, "before"), (40, "after")])
async def test_a_crash_while_a_tentative_project_stops_leaves_it_stopped(world: World, at: int, when: When) -> None:
    deal = await promised(world)
    await deal.approve(await deal.work(90, day=DAY))
    await world.settle()
    await deal.change(StageName="Closed Lost")
    await dies(world, at, when)
    await world.start()
    await world.settle()
    assert [each["code"] for each in await world.holds(deal.key)] == ["early_start.lost"]
    assert await status(deal) == "On Hold"
    await never_billed(world, deal)
