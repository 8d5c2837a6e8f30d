"""A deal that two customers pay: a draft of each in the ERP, and what finance decides of each comes back (T41)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.paying import Payer, SplitBilling
from tieout.engine.operator import Operator
from tieout.folder.loading import load

from .world import CUT_OFF, KESTREL, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]


async def test_t41_two_payers_get_a_draft_each_and_a_payer_that_the_erp_does_not_know_is_a_hold(world: World) -> None:
    group = await world.deal()
    deal = await world.deal(ParentId=group.account)
    await deal.won_project()
    stranger = SplitBilling(
        engagement=deal.key, rest=deal.customer,
        payers=(Payer(customer=deal.customer, share=Decimal("0.4")), Payer(customer="CUS-00000000", share=Decimal("0.6"))),
    )  # fmt: skip
    await agree(world, stranger)
    await deal.approve(await deal.work(125, day=date(2026, 10, 5)))
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["payer"]) == ("billing.payer_unknown", "CUS-00000000")
    assert await world.rows("select * from invoice where engagement = %s", deal.key) == []
    known = stranger.payers[1].model_copy(update={"customer": group.customer})
    await agree(world, stranger.model_copy(update={"payers": (stranger.payers[0], known)}))
    await world.settle()
    invoices = await world.rows("select * from invoice where engagement = %s order by key", deal.key)
    # 2.08 hours at 175.00 in all: 0.83 of them are the customer's.
    assert [(each["customer"], each["state"], each["net"]) for each in invoices] == [
        (deal.customer, "draft", Decimal("145.25")), (group.customer, "draft", Decimal("218.75"))
    ]  # fmt: skip
    erp = await world.erp()
    for each in invoices:
        (told,) = await erp.search(
            "account.invoice", [["reference", "=", each["key"]]], ["party.code", "untaxed_amount"]
        )
        assert (told["party."]["code"], told["untaxed_amount"]) == (each["customer"], each["net"])
    clerk = await world.clerk()
    posted = await clerk.post(int(invoices[1]["record_id"]), CUT_OFF)
    await world.settle()
    (shown,) = await deal.seller.rows(
        f"SELECT Account__c, Status__c, Net__c FROM Invoice__c WHERE Invoice_Number__c = '{posted.number}'"
    )
    assert (shown["Account__c"], shown["Status__c"]) == (group.account, "posted")
    assert await world.holds(deal.key) == []


async def agree(world: World, split: SplitBilling) -> None:
    firm = load(KESTREL).model_copy(update={"payers": (split,)})
    await Operator(world.hub.database, world.clock).apply_firm(firm, actor="suite")
    await world.hub.firm.reload(world.hub.database)
