"""Rates on the day of the work, and lines whose parts and rounding make exactly the line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.firm import Firm
from tieout.domain.money import Money, total
from tieout.domain.rating import Work, entry_amount, hours, price, rate_on, unbilled_minutes, version_on

amounts = st.decimals(0, 2000, places=2)
minutes = st.integers(-6000, 6000)


@given(rate=amounts, spent=st.lists(minutes, min_size=1, max_size=40), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_line_is_its_parts_and_its_rounding_to_the_minor_unit(rate: Decimal, spent: list[int], currency: str) -> None:
    per_hour = Money(rate, currency)
    priced = price([Work(str(i), each, per_hour) for i, each in enumerate(spent)])
    assert priced.line == total((part for _, part in priced.parts), currency) + priced.rounding
    assert priced.line == (per_hour * priced.quantity).rounded()


@given(rate=amounts, spent=st.lists(st.integers(1, 6000), min_size=1, max_size=20))
def test_taking_all_work_back_brings_the_line_to_nothing(rate: Decimal, spent: list[int]) -> None:
    per_hour = Money(rate, "EUR")
    there = [Work(f"+{i}", each, per_hour) for i, each in enumerate(spent)]
    back = [Work(f"-{i}", -each, per_hour) for i, each in enumerate(spent)]
    assert price(there + back).line == Money.zero("EUR")
    assert price(back).line == -price(there).line


@given(approved=st.integers(0, 10**6), billed=st.lists(st.integers(0, 10**5)))
def test_unbilled_is_approved_less_billed_plus_credited_per_entry(approved: int, billed: list[int]) -> None:
    credited = [-each for each in billed]
    assert unbilled_minutes(approved, billed + credited) == approved
    assert unbilled_minutes(approved, [*billed, unbilled_minutes(approved, billed)]) == 0


def test_a_quarter_hour_at_an_odd_rate_is_rounded_once_per_line_not_once_per_entry() -> None:
    rate = Money.of("100.25", "USD")
    assert entry_amount(15, rate) == Money.of("25.06", "USD")
    priced = price([Work(str(i), 15, rate) for i in range(4)])
    assert priced.line == Money.of("100.25", "USD")
    assert priced.rounding == Money.of("0.01", "USD")


def test_a_line_has_one_rate() -> None:
    with pytest.raises(ValueError, match="a line has one rate"):
        price([Work("1", 60, Money.of(1, "USD")), Work("2", 60, Money.of(2, "USD"))])


def test_hours_are_kept_to_the_hundredth() -> None:
    assert hours(50) == Decimal("0.83")
    assert hours(-50) == Decimal("-0.83")


def test_the_rate_is_the_one_of_the_day_the_work_was_done(firm: Firm) -> None:
    card = firm.rate_cards[0]
    before, after = rate_on(card, "Principal", date(2026, 10, 14)), rate_on(card, "Principal", date(2026, 10, 15))
    assert before is not None
    assert (before.amount, before.version, before.rate_card) == (Money.of("340.00", "USD"), 1, "US 2026")
    assert after is not None
    assert (after.amount, after.version) == (Money.of("350.00", "USD"), 2)


def test_before_a_card_begins_and_for_an_unknown_role_there_is_no_rate(firm: Firm) -> None:
    card = firm.rate_cards[0]
    assert version_on(card, date(2025, 12, 31)) is None
    assert rate_on(card, "Principal", date(2025, 12, 31)) is None
    assert rate_on(card, "Astronaut", date(2026, 6, 1)) is None


def test_a_line_rounds_as_the_ledger_does() -> None:
    # 13.57 h at 252.50 are 3,426.425: half a cent, which ledgers round differently.
    work = [Work("1", 814, Money.of("252.50", "USD"))]
    assert price(work, "half_up").line == Money.of("3426.43", "USD")
    assert price(work, "half_even").line == Money.of("3426.42", "USD")
