"""What became of an expense or a fee: billed, credited, billed again, or by the contract not billed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tieout.store.event_story import event_story
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio

FEE = "contract", "FEE-1/01"


async def billed(books: Books, deal: Deal, key: str, amount: int) -> None:
    """An invoice of the fee alone; negative where it takes it back."""
    async with books.database.transaction() as tx:
        await tx.execute(
            """
            insert into invoice (key, engagement, project, entity, customer, currency, through, state, net, proposed_at, changed_at)
            values (%s, %s, %s, 'US', %s, 'USD', '2026-10-31', 'posted', %s, %s, %s)
            """,
            (key, deal.engagement, deal.project, deal.customer, amount, books.now(), books.now()),
        )
        await tx.execute(
            """
            insert into invoice_line (invoice, line, position, kind, task, role, description, quantity, unit_price, amount, rounding)
            values (%s, '01', 1, 'fee', '', '', 'Kickoff', 1, 1000, %s, 0)
            """,
            (key, amount),
        )
        await tx.execute(
            """
            insert into evidence (invoice, line, connection, source_id, entry_version, minutes, amount, person, task, work_date,
                                  approved_by, contract_version, rate_card, rate_card_version, mapping, worth, kind, basis)
            values (%s, '01', %s, %s, '', 0, %s, '', '', '2026-10-05', '', 1, '', 0, '', %s, 'fee', '{"name": "Kickoff"}')
            """,
            (key, *FEE, amount, amount),
        )
    books.moment = books.now().replace(minute=books.now().minute + 1)


async def test_a_fee_tells_that_it_was_billed_credited_and_billed_again(books: Books) -> None:
    deal = await books.deal(1)
    for key, amount in (("A", 1000), ("B", -1000), ("C", 1000)):
        await billed(books, deal, key, amount)
    async with books.database.transaction() as tx:
        story = await event_story(tx, *FEE)
        assert await event_story(tx, "contract", "FEE-9/01") is None
    assert story is not None
    assert (story.kind, story.name, story.engagement, story.worth) == ("fee", "Kickoff", deal.engagement, None)
    assert [(each.what, each.invoice, each.amount) for each in story.chapters] == [
        ("billed", "A", Decimal(1000)),
        ("credited", "B", Decimal(-1000)),
        ("billed again", "C", Decimal(1000)),
    ]


async def test_a_time_entry_is_no_event_of_this_kind(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.proposal(deal)
    async with books.database.transaction() as tx:
        assert await event_story(tx, "kantata", "T1") is None
