"""Approved time becomes an invoice with evidence, and what finance decides comes back (T13-T28, T46, T52)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.kantata.garbling import Garbling

from tieout.store import lineage, time
from tieout.store.figures import money_of

from .world import CUT_OFF, ENGINEER, LEAD, Deal, World, cents

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]


async def ready(world: World, **facts: object) -> Deal:
    deal = await world.deal(**facts)
    await deal.won_project()
    return deal


async def billed(world: World, deal: Deal) -> dict[str, object]:
    """The deal's newest invoice."""
    await world.settle()
    return (await world.rows("select * from invoice where engagement = %s order by proposed_at", deal.key))[-1]


async def test_approved_time_becomes_timesheet_draft_invoice_and_evidence(world: World) -> None:
    deal = await ready(world)
    first = await deal.work(90, day=date(2026, 10, 5))
    second = await deal.work(45, day=date(2026, 10, 16))
    other = await deal.work(200, day=date(2026, 10, 6), task="Pipelines", login=ENGINEER)
    loose = await deal.work(30, day=date(2026, 10, 7))
    await deal.approve(first, second)
    await deal.approve(other, login=ENGINEER)
    invoice = await billed(world, deal)
    assert (invoice["state"], invoice["number"]) == ("draft", "")
    # 1.50 h at 175.00, 0.75 h at the card's next version, 3.33 h of a data engineer; the fourth entry nobody approved.
    assert invoice["net"] == Decimal("262.50") + Decimal("135.00") + Decimal("699.30")
    erp = await world.erp()
    lines = await erp.search("timesheet.line", [["uuid", "like", "kantata-%"]], ["uuid", "duration"])
    in_erp = {each["uuid"].split("-")[1]: each["duration"] for each in lines}
    assert in_erp[other] == timedelta(minutes=200)
    assert loose not in in_erp
    async with world.hub.database.transaction() as tx:
        (told,) = await lineage.of_invoice(tx, str(invoice["key"]))
    assert [len(line.evidence) for line in told.lines] == [1, 1, 1]
    assert told.verdict == "ties out"


async def test_what_finance_decides_comes_back_to_the_deal_and_to_the_project(world: World) -> None:
    deal = await ready(world)
    await deal.approve(await deal.work(600, day=date(2026, 10, 5)))
    invoice = await billed(world, deal)
    clerk = await world.clerk()
    posted = await clerk.post(int(str(invoice["record_id"])), CUT_OFF)
    await world.settle()
    told = await deal.in_crm()
    assert cents(told["Billed_To_Date__c"]) == invoice["net"] == Decimal("1750.00")
    assert told["Invoice_Status__c"] == "posted"
    await clerk.pay(posted.id, Decimal("1000.00"), CUT_OFF)
    await world.settle()
    told = await deal.in_crm()
    assert (told["Invoice_Status__c"], cents(told["Paid_To_Date__c"])) == ("partly paid", Decimal("1000.00"))
    await clerk.pay(posted.id, posted.total - 1000, CUT_OFF)
    await world.settle()
    told = await deal.in_crm()
    assert (told["Invoice_Status__c"], cents(told["Paid_To_Date__c"])) == ("paid", posted.total)
    (shown,) = await deal.seller.rows(
        f"SELECT Name, Status__c, Total__c, Balance__c FROM Invoice__c WHERE Opportunity__c = '{deal.id}'"
    )
    assert (shown["Name"], shown["Status__c"], cents(shown["Total__c"])) == (posted.number, "paid", posted.total)
    lead = await world.desk(LEAD)
    (project,) = await deal.in_kantata()
    values = await lead.all("custom_field_values", subject_type="Workspace", subject_id=project["id"])
    assert posted.number in str(values)


async def test_a_wrong_rate_waits_alone_and_the_rest_is_billed(world: World) -> None:
    deal = await ready(world)
    right = await deal.work(60, day=date(2026, 10, 5))
    wrong = await deal.work(60, day=date(2026, 10, 6))
    lead = await world.desk(LEAD)
    await lead.change("time_entries", "time_entry", wrong, {"rate_in_cents": 9900})
    await deal.approve(right, wrong)
    await world.settle()
    (hold,) = await world.rows("select * from hold where code = 'time.rate_differs' and state = 'open'")
    assert (hold["facts"]["carried"], hold["facts"]["agreed"]) == ("99.00 USD", "175.00 USD")
    assert (await billed(world, deal))["net"] == Decimal("175.00")
    held = await world.rows("select state, reason from message where record_id = %s order by id desc limit 1", wrong)
    assert held == [{"state": "held", "reason": "time.rate_differs"}]


async def test_t37_the_entry_that_crosses_the_limit_is_split_and_what_is_above_it_waits(world: World) -> None:
    deal = await ready(world, Service_Package__c="DATA-ADVISORY", Amount=500)
    first = await deal.work(120, day=date(2026, 10, 5), task="Analysis")
    crossing = await deal.work(120, day=date(2026, 10, 6), task="Analysis")
    await deal.approve(first, crossing)
    invoice = await billed(world, deal)
    # 500.00 at 175.00 an hour is 171.43 minutes; a line's quantity is rounded to a hundredth of an hour.
    assert invoice["net"] == Decimal("498.75")
    (line,) = await world.rows("select quantity, amount from invoice_line where invoice = %s", invoice["key"])
    assert (line["quantity"], line["amount"]) == (Decimal("2.85"), Decimal("498.75"))
    aside = await world.rows("select source_id, fate, minutes, worth from piece where engagement = %s", deal.key)
    assert aside == [{"source_id": crossing, "fate": "over_cap", "minutes": 69, "worth": Decimal("201.25")}]
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["cap"], hold["facts"]["amount"]) == (
        "billing.over_cap",
        "500.00 USD",
        "201.25 USD",
    )
    async with world.hub.database.transaction() as tx:
        (us,) = [each for each in await money_of(tx, [deal.key]) if each.currency]
    assert (us.approved, us.set_aside, us.unbilled) == (Decimal("700.00"), Decimal("201.25"), 0)
    await deal.approve(await deal.work(60, day=date(2026, 10, 7), task="Analysis"))
    await world.settle()
    assert len(await world.rows("select key from invoice where engagement = %s", deal.key)) == 1


async def test_a_missing_purchase_order_stops_the_invoice_and_not_the_kickoff(world: World) -> None:
    deal = await ready(world, PO_Required__c=True)
    assert (await deal.counts())["psa projects"] == 1
    await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
    await world.settle()
    assert {each["code"] for each in await world.holds(deal.key)} == {"billing.po_missing"}
    assert not await world.rows("select * from invoice where engagement = %s", deal.key)
    await deal.change(PO_Number__c="PO-4711")
    await world.settle()
    assert not await world.holds(deal.key)
    (invoice,) = await world.rows("select * from invoice where engagement = %s", deal.key)
    assert invoice["state"] == "draft"


async def test_an_approval_that_is_revoked_leaves_the_timesheet_and_the_next_invoice(world: World) -> None:
    deal = await ready(world)
    entry = await deal.work(120, day=date(2026, 11, 2))
    sheet = await deal.approve(entry)
    await world.settle()
    erp = await world.erp()
    assert len(await erp.search("timesheet.line", [["uuid", "like", f"kantata-{entry}-%"]], ["id"])) == 1
    approver = await world.desk(LEAD)
    await approver.resolve(sheet, "cancel", "wrong project")
    await world.settle()
    assert await erp.search("timesheet.line", [["uuid", "like", f"kantata-{entry}-%"]], ["id"]) == []
    async with world.hub.database.transaction() as tx:
        assert await time.unbilled(tx, deal.key, date(2026, 11, 30)) == []


async def test_an_approval_that_is_revoked_after_billing_is_taken_back_with_the_next_invoice(world: World) -> None:
    deal = await ready(world)
    entry = await deal.work(60, day=date(2026, 10, 5))
    sheet = await deal.approve(entry)
    assert (await billed(world, deal))["net"] == Decimal("175.00")
    await (await world.desk(LEAD)).resolve(sheet, "cancel", "wrong project")
    await world.settle()
    async with world.hub.database.transaction() as tx:
        (left,) = await time.unbilled(tx, deal.key, CUT_OFF)
    assert (left["minutes"], left["agreed_rate"], left["source_id"]) == (-60, Decimal("175.00"), entry)


async def test_late_time_is_billed_with_the_next_cut_off(world: World) -> None:
    deal = await ready(world)
    await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
    await billed(world, deal)
    await deal.approve(await deal.work(30, day=date(2026, 10, 6)))
    invoices = await world.rows("select key from invoice where engagement = %s", deal.key)
    await world.settle()
    assert await world.rows("select key from invoice where engagement = %s", deal.key) == invoices
    async with world.hub.database.transaction() as tx:
        (left,) = await time.unbilled(tx, deal.key, CUT_OFF)
    assert (left["minutes"], left["work_date"]) == (30, date(2026, 10, 6))


async def test_a_draft_that_finance_deletes_is_noticed_and_its_work_is_released_on_request(world: World) -> None:
    deal = await ready(world)
    await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
    invoice = await billed(world, deal)
    await (await world.clerk()).discard(int(str(invoice["record_id"])))
    world.jump(CUT_OFF + timedelta(days=1))
    await world.settle()
    (hold,) = await world.rows("select * from hold where facts->>'about' = %s and state = 'open'", invoice["key"])
    assert hold["code"] == "invoice.vanished"
    await world.hub.operator.decide(hold["id"], choice="release", reason="made by hand", actor="anna@kestrel.example")
    await world.settle()
    (after,) = await world.rows("select state from invoice where key = %s", invoice["key"])
    assert after["state"] == "cancelled"
    assert not await world.rows("select * from hold where facts->>'about' = %s and state = 'open'", invoice["key"])


async def test_a_credited_invoice_frees_its_work(world: World) -> None:
    deal = await ready(world)
    await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
    invoice = await billed(world, deal)
    clerk = await world.clerk()
    day = world.box.story.clock.today
    posted = await clerk.post(int(str(invoice["record_id"])), day)
    await clerk.credit(posted.id, day)
    await world.settle()
    (after,) = await world.rows("select state from invoice where key = %s", invoice["key"])
    assert after["state"] == "cancelled"
    assert cents((await deal.in_crm())["Billed_To_Date__c"]) == Decimal("0.00")
    assert cents((await deal.in_crm())["Unbilled_WIP__c"]) == Decimal("175.00")


async def test_time_that_cannot_be_read_waits_alone_until_it_can(world: World) -> None:
    deal = await ready(world)
    good, bad = await deal.work(60, day=date(2026, 10, 5)), await deal.work(45, day=date(2026, 10, 6))
    await deal.approve(good, bad)
    garbled = {bad: {"time_in_minutes": "45 or so"}}
    world.network = lambda inner: Garbling(inner, garbled)
    try:
        await world.start()
        await world.settle()
        (hold,) = await world.rows("select * from hold where code = 'time.unreadable' and state = 'open'")
        assert bad in str(hold)
        assert "45 or so" in hold["quote"]
        assert [each["source_id"] for each in await entries(world, good, bad)] == [good]
        garbled.clear()
        await world.settle()
    finally:
        world.network = lambda inner: inner
        await world.start()
    assert await world.rows("select from hold where code = 'time.unreadable' and state = 'open'") == []
    assert [each["delivered_minutes"] for each in await entries(world, good, bad)] == [60, 45]


async def entries(world: World, *ids: str) -> list[dict[str, Any]]:
    return await world.rows("select * from time_entry where source_id = any(%s) order by work_date", list(ids))


async def test_t23_late_time_comes_on_the_draft_of_the_day_after_and_what_is_posted_stays(world: World) -> None:
    deal = await ready(world)
    await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
    first = await billed(world, deal)
    await deal.approve(await deal.work(30, day=date(2026, 10, 6)))
    world.jump(date(2026, 11, 9))
    second = await billed(world, deal)
    assert second["key"] == f"{first['key']}-V2"
    erp = await world.erp()
    (draft,) = await erp.search(
        "account.invoice", [["reference", "like", f"{first['key']}%"]], ["reference", "state", "untaxed_amount"]
    )
    assert (draft["reference"], draft["state"], draft["untaxed_amount"]) == (second["key"], "draft", Decimal("262.50"))
    clerk = await world.clerk()
    posted = await clerk.post(draft["id"], world.box.story.clock.today)
    await deal.approve(await deal.work(30, day=date(2026, 10, 7)))
    world.jump(date(2026, 11, 10))
    await world.settle()
    rows = await world.rows("select state, number from invoice where engagement = %s order by proposed_at", deal.key)
    assert [(each["state"], each["number"]) for each in rows] == [("cancelled", ""), ("posted", posted.number)]
    shown = await deal.seller.rows(f"SELECT Name, Status__c FROM Invoice__c WHERE Opportunity__c = '{deal.id}'")
    assert sorted(each["Status__c"] for each in shown) == ["cancelled", "posted"]
    async with world.hub.database.transaction() as tx:
        (left,) = await time.unbilled(tx, deal.key, CUT_OFF)
    assert (left["minutes"], left["work_date"]) == (30, date(2026, 10, 7))
