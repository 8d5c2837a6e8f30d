"""Traps of milestones (T39), from the person who completes one to the people in sales."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tieout.domain.charging.fees import Accepted
from tieout.store import documents, milestones
from tieout.testing.books import Deal

from .delivery import Delivery

pytestmark = pytest.mark.anyio


async def accepted(delivery: Delivery, deal: Deal) -> dict[str, Accepted]:
    async with delivery.database.transaction() as tx:
        return dict(await milestones.accepted(tx, deal.engagement))


def told_to_sales(delivery: Delivery, deal: Deal) -> str:
    return delivery.crm.deals[deal.opportunity]["milestones"]


async def test_t39_a_milestone_that_is_completed_is_due_and_sales_hears_of_it(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Design accepted", "Go-live"])
    project = await delivery.project(deal)
    design = await delivery.milestone(project, "Design accepted")
    await delivery.milestone(project, "Go-live")
    await delivery.settle()
    assert told_to_sales(delivery, deal) == "Design accepted: open; Go-live: open"
    await delivery.say(design, "completed")
    await delivery.settle()
    assert await accepted(delivery, deal) == {"Design accepted": Accepted(Decimal(1), date(2026, 11, 2))}
    assert told_to_sales(delivery, deal) == "Design accepted: accepted 2026-11-02; Go-live: open"
    assert await delivery.holds() == {}


async def test_t39_a_part_is_accepted_then_the_rest_then_nothing_after_all(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    live = await delivery.milestone(await delivery.project(deal), "Go-live")
    told: list[tuple[Decimal, str]] = []
    for percent in (60, 100, 0):
        await delivery.accept(live, percent)
        await delivery.settle()
        told.append(((await accepted(delivery, deal))["Go-live"].share, told_to_sales(delivery, deal)))
    assert told == [
        (Decimal("0.6"), "Go-live: 60 % accepted 2026-11-02"),
        (Decimal(1), "Go-live: accepted 2026-11-02"),
        (Decimal(0), "Go-live: taken back 2026-11-02"),
    ]
    async with delivery.database.transaction() as tx:
        kept = await documents.history(tx, "milestone", f"kantata-{live}")
    shares = [Decimal(each["body"]["share"]) for each in kept]
    assert shares == [Decimal("0.6"), 1, 0], "every state of it is kept, with the version that the source gave it"
    assert kept[0]["trail"]["share"] == {"source": "acceptance.share", "mapping": "kantata.milestone@1"}


async def test_t39_a_milestone_on_hold_stays_as_far_accepted_as_it_was(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    live = await delivery.milestone(await delivery.project(deal), "Go-live")
    await delivery.say(live, "completed")
    await delivery.settle()
    await delivery.say(live, "needs info")
    await delivery.settle()
    assert (await accepted(delivery, deal))["Go-live"].share == 1
    assert told_to_sales(delivery, deal) == "Go-live: on hold, accepted 2026-11-02"


async def test_t39_a_milestone_under_another_name_than_the_contract_s_is_said_before_its_fee_is_lost(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    project = await delivery.project(deal)
    other = await delivery.milestone(project, "Cut-over")
    await delivery.settle()
    assert await delivery.holds() == {}, "it may not be planned yet"
    await delivery.say(other, "completed")
    await delivery.settle()
    holds = await delivery.holds()
    assert set(holds) == {"milestone.missing"}
    facts = holds["milestone.missing"]
    assert (facts["milestone"], facts["others"], facts["amount"]) == ("Go-live", "Cut-over", "50,000.00 USD")
    await delivery.ask("david.lindqvist@kestrel.example", "PUT", f"stories/{other}", {"story": {"title": "Go-Live "}})
    await delivery.settle()
    assert (await accepted(delivery, deal))["Go-live"].share == 1
    assert await delivery.holds() == {}


async def test_t39_two_milestones_of_one_name_are_said(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    project = await delivery.project(deal)
    first, second = [await delivery.milestone(project, "Go-live") for _ in range(2)]
    await delivery.say(second, "completed")
    await delivery.settle()
    assert (await delivery.holds())["milestone.doubled"]["count"] == "2"
    assert await accepted(delivery, deal) == {}
    await delivery.ask("david.lindqvist@kestrel.example", "DELETE", f"stories/{first}")
    await delivery.settle()
    assert await delivery.holds() == {}
    assert (await accepted(delivery, deal))["Go-live"].share == 1


async def test_milestones_of_projects_that_nobody_sold_are_left_alone(delivery: Delivery) -> None:
    deal, other = await delivery.books.deal(1), await delivery.books.deal(2)
    await delivery.fixed_fee(deal, ["Go-live"])
    strange = await delivery.create(
        "david.lindqvist@kestrel.example", "workspaces", "workspace", title="Strange", price=1
    )
    for project in (strange, await delivery.project(other)):
        await delivery.say(await delivery.milestone(project, "Go-live"), "completed")
    await delivery.settle()
    assert await accepted(delivery, deal) == {}
    assert delivery.crm.deals == {}
    why = await delivery.rows("select distinct reason from message where kind = 'milestone' order by 1")
    assert [each["reason"] for each in why] == ["its project is none of ours", "the contract names no such milestone"]


async def test_a_milestone_that_cannot_be_read_stays_as_it_was_until_it_can(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    live = await delivery.milestone(await delivery.project(deal), "Go-live")
    await delivery.say(live, "completed")
    await delivery.settle()
    delivery.garbled["stories"][live] = {"deleted_at": "yesterday"}
    await delivery.say(live, "started")
    await delivery.settle()
    assert (await delivery.holds())["milestone.unreadable"]["subject"] == live
    assert (await accepted(delivery, deal))["Go-live"].share == 1
    del delivery.garbled["stories"][live]
    await delivery.say(live, "needs info")
    await delivery.say(live, "started")
    await delivery.settle()
    assert await delivery.holds() == {}
    assert (await accepted(delivery, deal))["Go-live"].share == 0


async def test_t39_a_part_that_was_billed_stays_billed_while_the_rest_is_accepted_after_the_cut_off(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Go-live"])
    live = await delivery.milestone(await delivery.project(deal), "Go-live")
    october, november = date(2026, 10, 31), date(2026, 11, 30)

    async def stood(day: date) -> Accepted:
        async with delivery.database.transaction() as tx:
            return (await milestones.accepted(tx, deal.engagement, day))["Go-live"]

    delivery.books.moment = datetime(2026, 10, 20, 12, tzinfo=UTC)
    await delivery.accept(live, 60)
    await delivery.settle()
    delivery.books.moment = datetime(2026, 11, 2, 12, tzinfo=UTC)
    await delivery.accept(live, 100)
    await delivery.settle()
    assert await stood(october) == Accepted(Decimal("0.6"), date(2026, 10, 20))
    assert await stood(november) == Accepted(Decimal(1), date(2026, 11, 2))
    await delivery.accept(live, 0)
    await delivery.settle()
    assert await stood(october) == Accepted(Decimal(0), date(2026, 10, 20)), "what is taken back is asked for no more"


async def test_t39_an_accepted_milestone_is_a_line_of_the_next_proposal_and_taken_back_a_credit_that_finance_decides(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await delivery.fixed_fee(deal, ["Design accepted", "Go-live"])
    project = await delivery.project(deal)
    design = await delivery.milestone(project, "Design accepted")
    await delivery.milestone(project, "Go-live")
    delivery.books.moment = datetime(2026, 10, 20, 12, tzinfo=UTC)
    await delivery.say(design, "completed")
    await delivery.settle()
    delivery.books.moment = datetime(2026, 11, 3, 12, tzinfo=UTC)
    await delivery.propose(deal, "2026-10")
    (draft,) = delivery.ledger.drafts.values()
    assert [(each["product"], Decimal(each["amount"])) for each in draft["lines"]] == [("Fixed fee", 25_000)]
    assert told_to_sales(delivery, deal) == "Design accepted: accepted 2026-10-20; Go-live: open"
    delivery.ledger.post(draft["key"], "2026/0042", date(2026, 11, 3))
    await delivery.settle()
    posted = "Design accepted: accepted 2026-10-20, invoice 2026/0042 posted; Go-live: open"
    assert told_to_sales(delivery, deal) == posted
    await delivery.say(design, "started")
    await delivery.settle()
    assert (
        told_to_sales(delivery, deal)
        == "Design accepted: taken back 2026-11-03, invoice 2026/0042 posted; Go-live: open"
    )
    delivery.books.moment = datetime(2026, 12, 3, 12, tzinfo=UTC)
    await delivery.propose(deal, "2026-11")
    assert (await delivery.holds())["billing.negative"]["amount"] == "-25,000.00 USD"
    assert len(delivery.ledger.drafts) == 1
