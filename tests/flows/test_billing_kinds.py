"""What is sold beside hours stands in the real ledger, on its own product, by the piece, taxed by the ledger (T38-T40)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.store import lineage
from tieout.store.figures import money_of

from .world import CONSULTANT, LEAD, Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]


async def sold(world: World, package: str, amount: int) -> Deal:
    """In October, so that nothing of it is billed before its work is approved."""
    await world.start(today=date(2026, 10, 28))
    deal = await world.deal(Service_Package__c=package, Amount=amount)
    await deal.won_project()
    return deal


async def invoiced(world: World, deal: Deal) -> tuple[dict[str, Any], list[tuple[str, str, str, Decimal]]]:
    """The deal's one invoice, and what its draft says in the ERP: product, unit, account and amount of each line."""
    await world.settle()
    await world.start()
    await world.settle()
    (invoice,) = await world.rows("select * from invoice where engagement = %s", deal.key)
    assert invoice["state"] == "draft"
    names = ["product.template.name", "unit.name", "account.name", "amount"]
    lines = await (await world.erp()).search(
        "account.invoice.line", [["invoice", "=", int(invoice["record_id"])]], names
    )
    async with world.hub.database.transaction() as tx:
        (told,) = await lineage.of_invoice(tx, invoice["key"])
        (us,) = [each for each in await money_of(tx, [deal.key]) if each.currency]
    assert told.verdict == "ties out"
    assert us.approved + us.overage - us.set_aside - us.proposed == us.rounding == 0
    found = [
        (each["product."]["template."]["name"], each["unit."]["name"], each["account."]["name"], each["amount"])
        for each in lines
    ]
    return invoice, sorted(found)


async def test_a_fixed_fee_is_billed_without_an_hour_and_without_what_is_withheld(world: World) -> None:
    deal = await sold(world, "HEALTH-CHECK", 10_000)
    await deal.approve(await deal.work(120, day=date(2026, 10, 5), task="Findings"))
    invoice, lines = await invoiced(world, deal)
    assert lines == [("Fixed fee", "Unit", "Fees", Decimal("3600.00"))]
    assert invoice["net"] == Decimal("3600.00")
    aside = await world.rows("select kind, fate, worth from piece where engagement = %s order by kind", deal.key)
    assert [(each["kind"], each["fate"], each["worth"]) for each in aside] == [
        ("fee", "retained", Decimal("400.00")), ("time", "included", Decimal("350.00"))
    ]  # fmt: skip


async def test_a_retainer_bills_its_block_and_what_goes_beyond_it(world: World) -> None:
    deal = await sold(world, "DATA-RETAINER", 12_000)
    hours = [await deal.work(220, day=date(2026, 10, day), task="On call") for day in (5, 6, 7)]
    await deal.approve(*hours)
    invoice, lines = await invoiced(world, deal)
    # Eleven hours: ten are drawn from October's block, one costs the retainer's own rate.
    assert lines == [
        ("Consultant", "Hour", "Services", Decimal("195.00")),
        ("Prepaid hours", "Unit", "Prepaid hours, to be deferred", Decimal("3000.00")),
    ]
    (line,) = await world.rows("select line from invoice_line where invoice = %s and kind = 'fee'", invoice["key"])
    (proof,) = await world.rows(
        "select basis from evidence where line = %s and invoice = %s", line["line"], invoice["key"]
    )
    assert (proof["basis"]["block"], proof["basis"]["package"]) == ("2026-10-01", "DATA-RETAINER")


async def test_a_managed_service_costs_its_month_and_starts_by_itself(world: World) -> None:
    deal = await sold(world, "MANAGED-CLOUD", 8_000)
    _, lines = await invoiced(world, deal)
    ((product, unit, account, amount),) = lines
    assert (product, unit, account) == ("Managed service", "Unit", "Fees")
    # Four months by their days, of which January has 29 of 31.
    assert amount == Decimal("2032.79")


async def test_metered_usage_is_a_line_in_the_ledger_that_each_reading_stands_beneath(world: World) -> None:
    deal = await sold(world, "CLOUD-STORAGE", 600)
    told = [
        {
            "id": f"{deal.key}/{day}",
            "engagement": deal.key,
            "meter": "storage",
            "quantity": 250,
            "unit": "GB",
            "day": day,
        }
        for day in ("2026-10-12", "2026-10-28")
    ]
    rule = world.hub.firm().usage
    taken = await world.hub.operator.usage.take("metering", told, rule, via="api", actor="platform@kestrel.example")
    assert (taken.outcomes, taken.waits) == ({"new": 2}, {})
    invoice, lines = await invoiced(world, deal)
    # 500 GB, of which 100 are included, at 0.12; a month costs 50.00 at least.
    assert lines == [
        ("Managed service", "Unit", "Fees", Decimal("2.00")), ("Managed service", "Unit", "Fees", Decimal("48.00"))
    ]  # fmt: skip
    async with world.hub.database.transaction() as tx:
        (found,) = await lineage.of_invoice(tx, invoice["key"])
    ((proof,),) = [each.evidence for each in found.lines if each.kind == "usage"]
    assert [(each.source_id, each.share) for each in proof.readings] == [
        (each["id"], Decimal("24.00")) for each in told
    ]


async def test_t31_an_expense_is_recharged_with_tax_or_passed_on_without(world: World) -> None:
    deal = await sold(world, "DATA-FOUNDATION", 98_000)
    (project,) = await deal.in_kantata()
    me, lead = await world.desk(CONSULTANT), await world.desk(LEAD)
    member = {"workspace_id": project["id"], "user_id": await me.me(), "role": "maven"}
    await lead.create("participations", "participation", member)
    for category, paid, taxable in (("Travel", 20_000, True), ("Visa fees", 8_000, False)):
        receipt = await me.create("attachments", "attachment", {"type": "receipt", "direct": True, "filename": "a.pdf"})
        claim = {
            "workspace_id": project["id"], "date": "2026-10-06", "category": category, "notes": "Boston", "billable": True,
            "taxable": taxable, "receipt_id": receipt, "amount_in_cents": paid, "currency": "USD",
        }  # fmt: skip
        expense = await me.create("expenses", "expense", claim)
        facts = {"workspace_id": project["id"], "title": category, "line_item_ids": [expense]}
        report = await me.create("expense_report_submissions", "expense_report_submission", facts)
        await lead.resolve(report, "approve", "fine", "expense_report_submissions")
    invoice, lines = await invoiced(world, deal)
    assert lines == [
        ("Expense, passed on", "Unit", "Disbursements passed on", Decimal("80.00")),
        ("Expense, recharged", "Unit", "Expenses recharged", Decimal("210.00")),
    ]
    # 200.00 with 5 % markup is taxed at 8 %, what is passed on is not.
    (draft,) = await (await world.erp()).read("account.invoice", [int(invoice["record_id"])], ["tax_amount"])
    assert draft["tax_amount"] == Decimal("16.80")
