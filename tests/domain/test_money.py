"""Cents are conserved: sums, shares and rounding lose nothing and invent nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.money import Money, allocate, minor_digits, total

currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
units = st.integers(-(10**12), 10**12)
weights = st.lists(st.decimals(0, 10**6, places=3), min_size=1, max_size=12).filter(lambda each: sum(each) > 0)


@given(units=units, currency=currencies, weights=weights)
def test_shares_sum_to_the_whole_to_the_last_unit(units: int, currency: str, weights: list[Decimal]) -> None:
    whole = Money.from_minor(units, currency)
    assert total(allocate(whole, weights), currency) == whole


@given(units=units, currency=currencies, weights=weights)
def test_a_share_is_less_than_one_unit_from_its_exact_part(units: int, currency: str, weights: list[Decimal]) -> None:
    shares = allocate(Money.from_minor(units, currency), weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(Decimal(share.minor) - Decimal(units) * weight / sum(weights)) < 1


@given(units=units, currency=currencies)
def test_minor_units_there_and_back_are_the_same_amount(units: int, currency: str) -> None:
    assert Money.from_minor(units, currency).minor == units


@given(amount=st.decimals(-(10**9), 10**9, places=6), currency=currencies)
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    rounded = Money(amount, currency).rounded()
    assert abs(rounded.amount - amount) * 2 <= Decimal(1).scaleb(-minor_digits(currency))
    assert rounded.rounded() == rounded


def test_what_rounding_leaves_over_goes_to_the_largest_remainder() -> None:
    thirds = allocate(Money.of("100.00", "USD"), [Decimal(1)] * 3)
    assert [str(share) for share in thirds] == ["33.34 USD", "33.33 USD", "33.33 USD"]


def test_a_credit_is_shared_out_like_the_charge_it_takes_back() -> None:
    weights = [Decimal(1), Decimal(2), Decimal(4)]
    charged = allocate(Money.of("10.00", "EUR"), weights)
    assert allocate(Money.of("-10.00", "EUR"), weights) == [-share for share in charged]


@pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(2), Decimal(-1)]])
def test_money_is_not_shared_out_by_impossible_weights(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="not negative and not all zero"):
        allocate(Money.of(1, "USD"), weights)


def test_half_a_cent_is_rounded_away_from_zero() -> None:
    assert Money.of("25.065", "USD").rounded() == Money.of("25.07", "USD")
    assert Money.of("-25.065", "USD").rounded() == Money.of("-25.07", "USD")


def test_a_yen_has_no_hundredths_and_a_dinar_has_thousandths() -> None:
    assert Money.of("1234.5", "JPY").rounded().minor == 1235
    assert Money.of("1.2345", "KWD").rounded() == Money.of("1.235", "KWD")


def test_an_amount_finer_than_a_cent_is_refused_rather_than_rounded_in_passing() -> None:
    with pytest.raises(ValueError, match="round it first"):
        _ = Money.of("0.001", "USD").minor


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="different currencies"):
        Money.of(1, "USD") + Money.of(1, "EUR")
    with pytest.raises(ValueError, match="different currencies"):
        Money.of(1, "USD") - Money.of(1, "EUR")


@pytest.mark.parametrize("code", ["usd", "US", "DOLLAR"])
def test_a_currency_is_an_iso_code(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money.zero(code)


def test_money_reads_like_money() -> None:
    assert str(Money.of("1234567.8", "USD") * 2) == "2,469,135.60 USD"
    assert str(Money.of("62400", "JPY")) == "62,400 JPY"
    assert str(Money.of("-0.125", "EUR")) == "-0.125 EUR"
    assert not Money.zero("USD")
    assert Money.of("0.01", "USD") - Money.of("0.02", "USD") == Money.of("-0.01", "USD")


def test_an_empty_sum_has_a_currency() -> None:
    assert total([], "EUR") == Money.zero("EUR")
