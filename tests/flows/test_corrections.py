"""Credits end to end in the real ERP: finance's own come back, the hub's are drafts that two people agreed to (T13-T16, T42, T44)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.store import time
from tieout.store.entry_story import entry_story

from .test_time_and_billing import billed, ready
from .world import CUT_OFF, LEAD, Deal, World, cents

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
ANNA, CARLOS = "anna.fischer@kestrel.example", "carlos.mendes@kestrel.example"


async def posted(world: World, deal: Deal) -> tuple[dict[str, Any], Any]:
    """The deal's newest invoice, posted by finance: its row and what the ERP has."""
    invoice = await billed(world, deal)
    done = await (await world.clerk()).post(int(str(invoice["record_id"])), world.box.story.clock.today)
    return await billed(world, deal), done


@pytest.fixture
async def the_story_s_day(world: World) -> AsyncGenerator[None, None]:
    """Whatever day the hub was given, afterwards it has the story's again."""
    yield
    await world.start()


async def unbilled(world: World, deal: Deal) -> dict[str, int]:
    async with world.hub.database.transaction() as tx:
        return {each["source_id"]: each["minutes"] for each in await time.unbilled(tx, deal.key, CUT_OFF)}


async def test_t16_finance_credits_an_hour_in_the_erp_and_that_hour_is_written_off_or_billed_again(
    world: World,
) -> None:
    deal = await ready(world)
    early, late = await deal.work(60, day=date(2026, 10, 5)), await deal.work(60, day=date(2026, 10, 6))
    await deal.approve(early, late)
    invoice, erp_invoice = await posted(world, deal)
    clerk = await world.clerk()
    (line,) = await clerk.lines(erp_invoice.id)
    note = await clerk.credit_partly(
        erp_invoice.id, {line.id: Decimal(1)}, world.box.story.clock.today, "one hour too many"
    )
    await world.settle()
    assert await unbilled(world, deal) == {late: 60}
    told = await deal.in_crm()
    assert (cents(told["Billed_To_Date__c"]), cents(told["Unbilled_WIP__c"])) == (Decimal("175.00"), Decimal("175.00"))
    assert told["Invoice_Status__c"] == "posted, credited in part"
    assert cents(told["Paid_To_Date__c"]) == 0, "what was credited was never paid"
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["credit"], hold["facts"]["hours"]) == ("billing.credited", note.number, "1.00")
    await world.hub.operator.decide(hold["id"], choice="whatever", reason="a word that nobody knows", actor=ANNA)
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert await unbilled(world, deal) == {late: 60}
    await world.hub.operator.decide(hold["id"], choice="write_off", reason="the customer is right", actor=ANNA)
    await world.settle()
    assert await world.holds(deal.key) == []
    assert await unbilled(world, deal) == {}
    async with world.hub.database.transaction() as tx:
        story = await entry_story(tx, "kantata", late)
    assert story is not None
    assert [(each.what, each.number) for each in story.chapters] == [
        ("billed", erp_invoice.number),
        ("credited", note.number),
    ]
    assert [(each["fate"], each["minutes"]) for each in story.aside] == [("written_off", 60)]
    assert invoice["state"] == "posted"


@pytest.mark.usefixtures("the_story_s_day")
async def test_t13_a_revoked_approval_becomes_a_credit_note_that_a_second_person_agreed_to(world: World) -> None:
    deal = await ready(world)
    sheet = await deal.approve(await deal.work(120, day=date(2026, 10, 5)))
    _, erp_invoice = await posted(world, deal)
    await (await world.desk(LEAD)).resolve(sheet, "cancel", "wrong project")
    await world.start(today=date(2026, 12, 3))
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["amount"]) == ("billing.negative", "-350.00 USD")
    await world.hub.operator.decide(
        hold["id"], choice="credit_note", reason="it was another customer's work", actor=ANNA
    )
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s and state = 'open'", deal.key)
    assert asked["requested_by"] == ANNA
    assert len(await world.rows("select key from invoice where engagement = %s", deal.key)) == 1
    await world.hub.operator.answer_approval(asked["id"], approve=True, actor=CARLOS)
    await world.settle()
    note = (await world.rows("select * from invoice where engagement = %s order by proposed_at", deal.key))[-1]
    assert (note["state"], note["net"]) == ("draft", Decimal("-350.00"))
    (draft,) = await (await world.erp()).search(
        "account.invoice", [["id", "=", int(note["record_id"])]], ["state", "untaxed_amount", "description"]
    )
    assert (draft["state"], draft["untaxed_amount"]) == ("draft", Decimal("-350.00"))
    assert erp_invoice.number in draft["description"]
    assert await unbilled(world, deal) == {}


async def test_t42_an_invoice_to_the_wrong_payer_is_taken_back_whole_by_two_people(world: World) -> None:
    deal = await ready(world)
    entry = await deal.work(60, day=date(2026, 10, 5))
    await deal.approve(entry)
    _, erp_invoice = await posted(world, deal)
    await world.hub.operator.corrections.credit(erp_invoice.number, reason="billed to the wrong company", actor=ANNA)
    await world.settle()
    assert await unbilled(world, deal) == {}
    (asked,) = await world.rows("select * from approval where engagement = %s and state = 'open'", deal.key)
    await world.hub.operator.answer_approval(asked["id"], approve=True, actor=CARLOS)
    await world.settle()
    note = (await world.rows("select * from invoice where engagement = %s order by proposed_at", deal.key))[-1]
    assert (note["state"], note["net"], note["rebill"]) == ("draft", Decimal("-175.00"), "yes")
    assert await unbilled(world, deal) == {entry: 60}
