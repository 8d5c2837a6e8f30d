"""How figures, ages and times are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.console import wording
from tieout.domain.money import Money

NOW = datetime(2026, 11, 16, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("1234567.5", "USD", "1,234,567.50"), ("0", "EUR", "0.00"), ("-12.3", "EUR", "\u221212.30"), ("1500", "JPY", "1,500"),
     ("1.5", "KWD", "1.500")],
)  # fmt: skip
def test_money_is_written_with_exactly_its_minor_digits(amount: str, currency: str, text: str) -> None:
    assert wording.figure(Money.of(amount, currency)) == text


@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "EUR", "JPY", "KWD"]))))
def test_sums_keep_currencies_apart_and_lose_no_minor_unit(amounts: list[tuple[int, str]]) -> None:
    found = wording.sums(Money.from_minor(units, currency) for units, currency in amounts)
    assert {each.currency: each.minor for each in found} == {
        currency: sum(units for units, other in amounts if other == currency) for _, currency in amounts
    }


@pytest.mark.parametrize(
    ("span", "text"),
    [(timedelta(milliseconds=85), "85 ms"), (timedelta(seconds=40), "40 s"), (timedelta(minutes=12), "12 min"),
     (timedelta(hours=5, minutes=59), "5 h"), (timedelta(days=1, hours=2), "1 d 2 h"), (timedelta(days=40), "40 d")],
)  # fmt: skip
def test_a_duration_is_said_in_its_largest_units(span: timedelta, text: str) -> None:
    assert wording.lasting(span) == text


def test_age_and_deadline_are_said_in_words() -> None:
    assert wording.ago(NOW - timedelta(hours=3), NOW) == "3 h ago"
    assert wording.ago(NOW - timedelta(seconds=2), NOW) == "just now"
    assert wording.ago(None, NOW) == "never"
    assert wording.due(NOW + timedelta(hours=6), NOW) == "in 6 h"
    assert wording.due(NOW - timedelta(days=4), NOW) == "overdue 4 d"


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [("252.5", "USD", "252.50"), ("252.5000", "USD", "252.50"), ("83.3333", "EUR", "83.3333"), ("-0.02", "EUR", "\u22120.02"),
     ("1500", "JPY", "1,500"), ("0", "EUR", "0.00"), ("1200", "EUR", "1,200.00")],
)  # fmt: skip
def test_an_amount_beside_its_currency_loses_no_digit(value: str, currency: str, text: str) -> None:
    assert wording.exactly(Decimal(value), currency) == text


def test_an_address_is_shown_as_a_name_and_a_name_as_it_is() -> None:
    assert wording.person("carlos.mendes@kestrel.example") == "Carlos Mendes"
    assert wording.person("source") == "source"
