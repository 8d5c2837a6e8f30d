"""Limits of a purchase order and of a customer count every engagement beneath them, whoever is billed when (T37)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any, cast

import pytest

from tieout.domain.charging.billing import Decision, above_caps, decide
from tieout.domain.charging.near import near_caps
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.project import Project
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.proposal import propose
from tieout.domain.spanning import SpanningCap, in_other_currencies
from tieout.engine.effects import Effects
from tieout.flows.charged import Charged, charged
from tieout.store import crosswalk, invoices
from tieout.store.database import rows
from tieout.store.figures import figures
from tieout.systems.register import Register
from tieout.systems.systems import Systems
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
OCTOBER = date(2026, 10, 31)
ORDER = SpanningCap(name="PO 4711", purchase_order="4711", amount=Decimal("1000.00"), currency="USD")


def hub(books: Books, *caps: SpanningCap) -> Systems:
    firm = Firm(
        name="Kestrel",
        entities=(LegalEntity(code="US", name="Kestrel Inc.", currency="USD"),),
        connections={"salesforce": ConnectionSettings(kind="salesforce", role="crm")},
        caps=caps,
    )
    return Systems(firm, {}, Register(books.database, books.now), books.database, cast(Effects, None))


async def told_of(books: Books, deal: Deal) -> Engagement:
    found = await Register(books.database, books.now).engagement(deal.engagement)
    assert found is not None
    return found


async def tell(books: Books, deal: Deal, **told: Any) -> None:
    """This is said of it in the CRM from now on."""
    changed = (await told_of(books, deal)).model_copy(update=told)
    await Register(books.database, books.now).save(changed, entity="US", engagement=deal.engagement)


async def sell(books: Books, number: int, **told: Any) -> Deal:
    """A deal with this said of it in the CRM."""
    deal = await books.deal(number)
    await tell(books, deal, **told)
    return deal


async def read(systems: Systems, deal: Deal) -> tuple[Project, Charged, Decision]:
    """What the flow decides for October, with what it has read."""
    register = systems.register
    engagement, contract = await register.engagement(deal.engagement), await register.contract(deal.engagement)
    project = await register.latest(Project, deal.project)
    assert isinstance(engagement, Engagement)
    assert isinstance(contract, Contract)
    assert project is not None

    def proposed(work: Sequence[Mapping[str, Any]]) -> Any:
        return propose(engagement, project, work, period="2026-10", today=OCTOBER)

    of = await charged(systems, engagement, contract, OCTOBER)
    return project, of, decide(of.agreement, of.ledger, proposed, beside=of.beside)


async def write(
    systems: Systems, project: Project, of: Charged, decision: Decision, sabotage: frozenset[str] = frozenset()
) -> bool:
    turns = {} if "no_turns" in sabotage else of.turns
    return await systems.register.decide(project, decision, of.dues, turns)


async def bill(systems: Systems, deal: Deal, sabotage: frozenset[str] = frozenset()) -> Decision:
    while True:
        project, of, decision = await read(systems, deal)
        if await write(systems, project, of, decision, sabotage):
            return decision


async def net(books: Books) -> Decimal:
    async with books.database.transaction() as tx:
        (found,) = await rows(tx, "select coalesce(sum(net), 0) as net from invoice where state <> 'cancelled'")
    return found["net"]


async def test_t37_a_limit_of_a_purchase_order_splits_the_entry_that_crosses_it_in_another_engagement(
    books: Books,
) -> None:
    one, two = await sell(books, 1, po_number="4711"), await sell(books, 2, po_number=" 4711 ")
    other = await sell(books, 3, po_number="4712")
    await books.time(one, [("A1", 1, 120)])
    await books.time(two, [("B1", 1, 120)], work_date="2026-10-06")
    await books.time(other, [("C1", 1, 600)])
    systems = hub(books, ORDER)
    await bill(systems, one)
    decision = await bill(systems, two)
    assert [(each.ref, each.fate, each.minutes, each.why) for each in decision.pieces] == [
        ("kantata/B1", "bill", 56, ""), ("kantata/B1", "over_cap", 64, "PO 4711")
    ]  # fmt: skip
    assert await net(books) <= 1000
    (_, of, _) = await read(systems, two)
    (told,) = above_caps(of.agreement, decision.pieces, project="Data", link="/x")
    assert told.code == "billing.over_cap"
    assert told.facts["cap"] == (
        "1,000.00 USD (“PO 4711”, 680.00 USD billed elsewhere beneath it, reached by work from 2026-10-06 to 2026-10-06)"
    )
    assert (told.facts["hours"], told.facts["about"]) == ("1.07", "PO 4711")
    assert len((await bill(systems, other)).pieces) == 1
    assert (await figures(books.database)).ties_out


async def test_work_that_waits_in_another_engagement_keeps_its_turn_and_the_order_of_billing_changes_nothing(
    books: Books,
) -> None:
    """Whoever is asked first, the room goes to the work in the order of its days."""
    deals = [await sell(books, number, po_number="4711") for number in (1, 2, 3)]
    for number, deal in enumerate(deals):
        for day in (5, 8):
            await books.time(deal, [(f"E{number}{day}", 1, 50)], work_date=f"2026-10-{day + number:02}")
    systems, found = hub(books, ORDER), []
    for order in permutations(deals):
        for deal in order:
            await bill(systems, deal)
        async with books.database.transaction() as tx:
            billed = await rows(
                tx,
                "select source_id, sum(minutes) as minutes from evidence e join invoice i on i.key = e.invoice "
                "where i.state <> 'cancelled' group by 1 order by 1",
            )
            found.append({each["source_id"]: each["minutes"] for each in billed})
            assert await net(books) <= 1000
            # Everything is taken back, and nothing was ever there: the next order begins anew.
            for table in ("evidence", "invoice_line", "invoice", "piece"):
                await tx.execute(f"delete from {table}")  # pyright: ignore[reportArgumentType]
    assert all(each == found[0] for each in found), found
    assert found[0] == {"E05": 50, "E08": 26, "E15": 50, "E25": 50}


async def struck(books: Books, sabotage: frozenset[str] = frozenset()) -> Decimal:
    """One engagement has decided, and before it writes another one beneath the same limit is billed; what all invoices come to."""
    one, two = [await sell(books, number, po_number="4711") for number in (1, 2)]
    systems = hub(books, ORDER)
    await books.time(two, [("B1", 1, 150)])
    decided = await read(systems, two)
    await books.time(one, [("A1", 1, 150)])
    await bill(systems, one)
    if not await write(systems, *decided, sabotage):
        await bill(systems, two)
    return await net(books)


async def test_two_engagements_that_are_billed_at_once_never_exceed_a_limit_of_both(books: Books) -> None:
    assert Decimal(990) < await struck(books) <= 1000


async def test_a_hub_that_does_not_take_turns_is_noticed(books: Books) -> None:
    assert await struck(books, frozenset({"no_turns"})) == 1700


async def test_many_engagements_at_once_fill_a_limit_of_their_customer_and_go_no_further(books: Books) -> None:
    first = await sell(books, 1)
    customer = (await told_of(books, first)).customer
    deals = [first, *[await sell(books, number, customer=customer) for number in range(2, 7)]]
    for number, deal in enumerate(deals):
        await books.time(deal, [(f"E{number}", 1, 60)], work_date=f"2026-10-{number + 5:02}")
    cap = SpanningCap(
        name="framework", customer=customer.key, amount=Decimal(1000), currency="USD", notice_at=Decimal("0.5")
    )
    systems = hub(books, cap)
    made = await asyncio.gather(*(bill(systems, deal) for deal in deals))
    assert [sum(each.minutes for each in one.pieces if each.fate == "bill") for one in made] == [60, 60, 56, 0, 0, 0]
    assert await net(books) == Decimal("996.20")
    _, of, decision = await read(systems, deals[0])
    (near,) = near_caps(of.agreement, of.ledger, decision.pieces, project="Data", link="/x")
    assert near.facts["share"] == "100 %"
    assert near.facts["cap"].startswith("1,000.00 USD (“framework”, 656.20 USD billed elsewhere")


async def test_a_limit_of_hours_and_days_counts_that_work_alone(books: Books) -> None:
    one, two = await sell(books, 1, po_number="4711"), await sell(books, 2, po_number="4711")
    await books.time(one, [("A1", 1, 120)], work_date="2026-09-30")
    await books.time(one, [("A2", 1, 60)], work_date="2026-10-01")
    await books.time(two, [("B1", 2, 90)], work_date="2026-10-02")
    cap = SpanningCap(
        name="October",
        purchase_order="4711",
        hours=Decimal(2),
        over="write_off",
        since=date(2026, 10, 1),
        until=OCTOBER,
    )
    systems = hub(books, cap)
    await bill(systems, one)
    decision = await bill(systems, two)
    assert [(each.fate, each.minutes) for each in decision.pieces] == [("bill", 60), ("write_off", 30)]


async def test_what_was_billed_under_an_order_counts_there_after_the_deal_has_another_one(books: Books) -> None:
    one, two = await sell(books, 1, po_number="4711"), await sell(books, 2, po_number="4712")
    await books.time(one, [("A1", 1, 120)])
    second = ORDER.model_copy(update={"name": "PO 4712", "purchase_order": "4712"})
    systems = hub(books, ORDER, second)
    await bill(systems, one)
    await tell(books, one, po_number="4712")
    _, of, _ = await read(systems, one)
    assert of.agreement.elsewhere["PO 4712"].amount == -680
    await books.time(two, [("B1", 1, 180)], work_date="2026-10-06")
    assert [(each.fate, each.minutes) for each in (await bill(systems, two)).pieces] == [("bill", 176), ("over_cap", 4)]


async def test_a_credit_gives_the_room_back_to_all_that_are_beneath(books: Books) -> None:
    one, two = await sell(books, 1, po_number="4711"), await sell(books, 2, po_number="4711")
    await books.time(one, [("A1", 1, 170)])
    await books.time(two, [("B1", 1, 60)], work_date="2026-10-06")
    systems = hub(books, ORDER)
    made = await bill(systems, one)
    assert made.proposal is not None
    assert [each.minutes for each in (await bill(systems, two)).pieces if each.fate == "bill"] == [6]
    async with books.database.transaction() as tx:
        await invoices.withdraw(tx, made.proposal.invoice.key, books.now())
        await tx.execute("update time_entry set state = 'rejected' where source_id = 'A1'")
    _, _, decision = await read(systems, two)
    assert [(each.fate, each.minutes) for each in decision.pieces] == [("bill", 54)]


async def test_t01_the_limit_of_a_customer_spans_what_a_merged_account_bought(books: Books) -> None:
    one, two = await sell(books, 1), await sell(books, 2)
    winner = (await told_of(books, one)).customer
    loser = (await told_of(books, two)).customer.model_copy(update={"source_id": "001LOSER"})
    await tell(books, two, customer=loser)
    async with books.database.transaction() as tx:
        await crosswalk.redirect(tx, "customer", "salesforce", "001LOSER", winner.key, books.now())
    cap = SpanningCap(name="framework", customer=winner.key, amount=Decimal(340), currency="USD")
    systems = hub(books, cap)
    await books.time(one, [("A1", 1, 45)])
    await books.time(two, [("B1", 1, 60)], work_date="2026-10-06")
    await bill(systems, one)
    assert [(each.fate, each.minutes) for each in (await bill(systems, two)).pieces] == [("bill", 15), ("over_cap", 45)]


async def test_a_limit_in_another_currency_is_a_hold_and_nothing_is_converted(books: Books) -> None:
    deal = await sell(books, 1, po_number="4711")
    found = await told_of(books, deal)
    euros = ORDER.model_copy(update={"currency": "EUR"})
    (told,) = in_other_currencies([euros], found, link="/x")
    assert (told.code, told.facts["span"]) == ("billing.cap_currency", "purchase order 4711")
    assert in_other_currencies([euros, ORDER], found, link="/x") == []
