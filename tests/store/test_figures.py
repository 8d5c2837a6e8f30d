"""The figures tie out, to the cent, and say where they do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tieout.domain.money import Money, minor_digits
from tieout.domain.rating import entry_amount
from tieout.store.database import Tx, rows
from tieout.store.figures import Figures, figures, money_of
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
CENT = Decimal("0.01")


async def a_month(books: Books) -> tuple[Deal, Deal]:
    """A US deal that is billed and partly paid with some work left, and a German one whose draft finance has not posted."""
    us, de = await books.deal(1), await books.deal(2, entity="DE", amount="20000.00")
    await books.time(us, [("T1", 1, 450), ("T2", 1, 100), ("T3", 2, 50)])
    await books.time(de, [("T4", 2, 485)])
    await books.posted(us, await books.proposal(us), "2026/0001", paid="1000.00")
    await books.proposal(de)
    await books.time(us, [("T5", 2, 60)])
    return us, de


def different(found: Figures) -> dict[tuple[str, str], Decimal]:
    return {(each.name, each.entity): each.amount for each in found.differences if each.amount}


async def test_every_figure_from_sold_to_paid_ties_out(books: Books) -> None:
    await a_month(books)
    found = await figures(books.database)
    de, us = found.totals
    assert (us.entity, us.currency, us.sold, us.booked) == ("US", "USD", Decimal("50000.00"), Decimal("50000.00"))
    # Principal 550 minutes at 340.00: 9.17 h, 3117.80; Consultant 50 minutes at 175.25: 0.83 h, 145.46.
    assert us.billed_net == Decimal("3263.26")
    assert us.billed_tax == Decimal("261.06")
    assert us.billed_total == us.paid + us.open == Decimal("3524.32")
    assert us.paid == Decimal("1000.00")
    assert us.approved == Decimal("2550.00") + Decimal("566.67") + Decimal("146.04") + Decimal("175.25")
    assert us.unbilled == Decimal("175.25")
    assert us.approved == us.billed_net + us.proposed + us.unbilled + us.rounding
    assert us.left == Decimal("46736.74")
    assert (us.deals, us.customers, us.projects, us.entries, us.invoices, us.payments) == (1, 1, 1, 4, 1, 1)
    assert us.budget == Decimal("40") * Decimal("340.00") + Decimal("40") * Decimal("175.25")
    assert (de.billed_net, de.proposed, de.unbilled) == (0, Decimal("1416.02"), 0)
    assert found.ties_out, different(found)


async def test_the_figures_of_an_engagement_are_its_part_of_the_whole(books: Books) -> None:
    us, de = await a_month(books)
    whole = await figures(books.database)
    async with books.database.transaction() as tx:
        assert await money_of(tx, [us.engagement, de.engagement]) == list(whole.totals)
        assert await money_of(tx, [de.engagement]) == [whole.totals[0]]
        assert await money_of(tx, []) == []


async def test_a_correction_of_billed_time_is_unbilled_until_it_is_credited(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 450), ("T2", 2, 480)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    await books.time(deal, [("T1", 1, 437)])
    (before,) = (await figures(books.database)).totals
    assert before.unbilled == -(Decimal("340.00") * 13 / 60).quantize(CENT)
    await books.time(deal, [("T1", 2, 437)])  # on the other task: taken back there, billed here
    found = await figures(books.database)
    assert found.totals[0].unbilled == Decimal("-2550.00") + Decimal("1276.40")
    assert found.ties_out, different(found)


async def test_time_that_nobody_can_price_is_counted_in_hours_only(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 9, 450)])
    (us,) = [each for each in (await figures(books.database)).totals if each.entity == "US"]
    assert (us.unpriced_minutes, us.approved) == (450, 0)


SABOTAGE = {
    "a line that its evidence does not explain": (
        "update evidence set amount = amount + 1 where source_id = 'T1'",
        "an invoice line = its evidence + its rounding",
    ),
    "a cent on each of two lines, in opposite directions": (
        "update invoice_line set amount = amount + case line when '01' then 0.01 else -0.01 end",
        "an invoice line = its evidence + its rounding",
    ),
    "a difference that calls itself rounding": (
        "update invoice_line set amount = amount + 5, rounding = rounding + 5 where line = '01'",
        "the rounding of a line is no more than rounding can be",
    ),
    "an hour billed at another amount than its rate": (
        "update evidence set amount = amount + 1 where source_id = 'T1'",
        "approved value = billed + unbilled + set aside, for each entry at each rate",
    ),
    "an invoice whose net is not its lines": (
        "update invoice set net = net + 1, total = total + 1",
        "an invoice's net = the sum of its lines",
    ),
    "a tax that is not in the total": ("update invoice set tax = tax + 1", "a posted invoice's total = net + tax"),
    "a payment that the balance does not know": (
        "update payment set amount = amount + 1",
        "a posted invoice's total = paid + open + written off",
    ),
    "evidence whose entry is gone": ("delete from time_entry where source_id = 'T1'", "evidence without its time entry"),
    "a message that got lost": ("delete from message", "messages received = done + held + ignored + in flight"),
}  # fmt: skip


@pytest.mark.parametrize("what", SABOTAGE)
async def test_a_broken_book_shows(books: Books, what: str) -> None:
    sql, check = SABOTAGE[what]
    await a_month(books)
    async with books.database.transaction() as tx:
        await tx.execute(sql)
    found = await figures(books.database)
    assert not found.ties_out
    assert check in {name for name, _ in different(found)}


async def test_holds_are_counted_by_code(books: Books) -> None:
    from tieout.domain.problems import Problem

    facts = {"package": "X", "deal": "D", "link": ""}
    await books.held("006A", [Problem("package.unknown", facts)])
    await books.held("006B", [Problem("package.unknown", facts)], entity="DE")
    found = await figures(books.database)
    assert [(each.entity, each.code, each.open, each.resolved) for each in found.holds] == [
        ("DE", "package.unknown", 1, 0),
        ("US", "package.unknown", 1, 0),
    ]
    assert found.ties_out  # a held message is accounted for


async def prices(tx: Tx, rates: list[str], currency: str) -> dict[tuple[int, str], Decimal]:
    found = await rows(
        tx,
        """
        select m, r, entry_amount(m, r::numeric, %s) as amount
        from generate_series(-90, 600, 5) m cross join unnest(%s::text[]) r
        """,
        (currency, rates),
    )
    return {(each["m"], each["r"]): each["amount"] for each in found}


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
async def test_the_database_prices_an_entry_as_the_domain_does(books: Books, currency: str) -> None:
    rates = ["340.00", "210.03", "175.25", "0.03", "99.99", "1.515", "33.333"]
    async with books.database.transaction() as tx:
        found = await prices(tx, rates, currency)
    assert found == {
        (minutes, rate): entry_amount(minutes, Money(Decimal(rate), currency)).amount
        for minutes in range(-90, 601, 5)
        for rate in rates
    }


async def test_the_database_knows_the_minor_units_that_the_domain_knows(books: Books) -> None:
    from tieout.domain import money

    codes = [*money._MINOR_DIGITS, "USD", "EUR", "CHF"]
    async with books.database.transaction() as tx:
        found = await rows(tx, "select c, minor_digits(c) as digits from unnest(%s::text[]) c", (codes,))
    assert {each["c"]: each["digits"] for each in found} == {code: minor_digits(code) for code in codes}
