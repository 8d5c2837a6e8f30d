"""Three engagements of a customer on one invoice in the real ERP, one of them late; its payment comes back to each deal (T43, T52)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.consolidating import Consolidation
from tieout.engine.operator import Operator
from tieout.folder.loading import load

from .world import CUT_OFF, KESTREL, Deal, World, cents

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]


async def one_invoice_for(world: World, customer: str) -> None:
    rule = Consolidation(customer=customer, one_per="customer")
    firm = load(KESTREL).model_copy(update={"consolidated": (rule,)})
    await Operator(world.hub.database, world.clock).apply_firm(firm, actor="suite")
    await world.hub.firm.reload(world.hub.database)


async def drafts(world: World, customer: str) -> list[dict[str, Any]]:
    fields = ["reference", "description", "untaxed_amount", "total_amount", "lines.description", "lines.amount"]
    erp = await world.erp()
    return await erp.search("account.invoice", [["party.code", "=", customer], ["type", "=", "out"]], fields)


async def test_t43_three_engagements_are_one_invoice_and_each_deal_hears_its_share_of_the_payment(world: World) -> None:
    first = await world.deal()
    second, third = (
        await world.deal(AccountId=first.account),
        await world.deal(AccountId=first.account, PO_Required__c=True),
    )
    three = (first, second, third)
    await one_invoice_for(world, first.customer)
    for deal in three:
        await deal.won_project()
    for n, deal in enumerate(three, 1):
        await deal.approve(await deal.work(40 * n, day=date(2026, 10, 5)))
    await world.settle()

    # The third waits for its purchase order: the draft is made without it, and finance is told so.
    (draft,) = await drafts(world, first.customer)
    assert draft["reference"].startswith("CON-")
    assert draft["description"] == "work through 2026-10-31", "no project at the head"
    assert [project_of(each["description"]) for each in draft["lines."]] == sorted(
        [first.project, second.project], key=by_key(three)
    )
    (missing,) = await world.holds(draft["reference"])
    assert (missing["code"], missing["facts"]["engagement"]) == ("invoice.incomplete", third.key)

    # It comes while there is a draft: the draft is made anew, and there is one.
    await third.change(PO_Number__c="PO-4711")
    await world.settle()
    (draft,) = await drafts(world, first.customer)
    assert len(draft["lines."]) == 3
    assert await world.holds(draft["reference"]) == []
    rows = await world.rows("select * from invoice where consolidated = %s order by key", draft["reference"])
    assert {each["state"] for each in rows} == {"draft"}
    assert sum(each["net"] for each in rows) == draft["untaxed_amount"]

    clerk = await world.clerk()
    posted = await clerk.post(draft["id"], CUT_OFF)
    await clerk.pay(posted.id, Decimal("100.01"), CUT_OFF)
    await world.settle()
    shares = [cents((await deal.in_crm())["Paid_To_Date__c"]) for deal in three]
    assert sum(shares) == Decimal("100.01")
    assert shares == [Decimal("16.75"), Decimal("33.25"), Decimal("50.01")]
    for deal in three:
        told = await deal.in_crm()
        assert told["Invoice_Status__c"] == "partly paid"
        (shown,) = await deal.seller.rows(
            f"SELECT Name, Total__c, Balance__c FROM Invoice__c WHERE Opportunity__c = '{deal.id}'"
        )
        assert shown["Name"] == posted.number
        assert cents(shown["Total__c"]) - cents(shown["Balance__c"]) == cents(told["Paid_To_Date__c"])

    # Finance credits a part of the second engagement's line: that one alone is asked about, and nobody has paid by it.
    (line,) = [each for each in await clerk.lines(posted.id) if second.project in each.description]
    note = await clerk.credit_partly(posted.id, {line.id: Decimal("0.33")}, CUT_OFF, "less than an hour")
    await world.settle()
    (hold,) = await world.holds(second.key)
    assert (hold["code"], hold["facts"]["credit"]) == ("billing.credited", note.number)
    assert [cents((await deal.in_crm())["Paid_To_Date__c"]) for deal in three] == shares

    # The rest comes in, and nothing is open anywhere.
    await clerk.pay(posted.id, (await clerk.invoice(posted.id)).open_amount, CUT_OFF)
    await world.settle()
    told = [await deal.in_crm() for deal in three]
    assert sum(cents(each["Paid_To_Date__c"]) for each in told) == posted.total + note.total
    assert [each["Invoice_Status__c"] for each in told] == ["paid", "paid, credited in part", "paid"]


def project_of(line: str) -> str:
    return line.rpartition("(")[2].removesuffix(")").partition(",")[0]


def by_key(deals: tuple[Deal, ...]) -> Any:
    """The lines are in the order of the engagements' keys."""
    return {each.project: each.key for each in deals}.__getitem__
