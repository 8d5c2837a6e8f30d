"""Money is a Decimal with a currency, never a float, and cents are conserved when it is rounded or shared out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

Rounding = Literal["half_up", "half_even"]
_ROUNDING = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}

# ISO 4217: the currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    "BHD": 3,
    "CLP": 0,
    "IQD": 3,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
    "VND": 0,
}


def minor_digits(currency: str) -> int:
    """Digits after the decimal point of a currency's smallest unit (ISO 4217)."""
    return _MINOR_DIGITS.get(currency, 2)


@lru_cache(1000)
def _unit(currency: str) -> Decimal:
    """One of its smallest units. Raises ValueError for what is no code of a currency."""
    if len(currency) != 3 or not currency.isupper():
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code")
    return Decimal(1).scaleb(-minor_digits(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency; sums of two currencies are refused, never converted."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        _unit(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        return cls(Decimal(amount), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(Decimal(0), currency)

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Money:
        return cls(Decimal(units).scaleb(-minor_digits(currency)), currency)

    def rounded(self, rounding: Rounding = "half_up") -> Money:
        """To the currency's minor unit. Half up goes away from zero, as an accountant does by hand; half even is what some
        ledgers do, and a figure that shall agree with theirs must do the same."""
        return Money(self.amount.quantize(_unit(self.currency), _ROUNDING[rounding]), self.currency)

    @property
    def minor(self) -> int:
        """Whole minor units; an amount with more digits than the currency has is refused, not rounded in passing."""
        units = self.amount.scaleb(minor_digits(self.currency))
        if units != units.to_integral_value():
            raise ValueError(f"{self} is finer than the minor unit of {self.currency}: round it first")
        return int(units)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        """At least the currency's own digits, and never fewer than the amount has: 62,400.00 USD."""
        exponent = self.amount.normalize().as_tuple().exponent
        finer = -exponent if isinstance(exponent, int) else 0
        return f"{self.amount:,.{max(minor_digits(self.currency), finer)}f} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self} and {other} are in different currencies")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum; the currency is named so that an empty sum has one too."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


def allocate(whole: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Shares of `whole` in proportion to `weights`, each in whole minor units, which sum to `whole` exactly.

    What rounding leaves over goes, unit by unit, to the largest remainders (the earlier one when two are equal).
    """
    divisor = sum(weights, Decimal(0))
    if not weights or divisor <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("money is shared out by weights that are not negative and not all zero")
    units = whole.minor
    sign = -1 if units < 0 else 1
    exact = [Decimal(abs(units)) * weight / divisor for weight in weights]
    shares = [int(each) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: abs(units) - sum(shares)]:
        shares[i] += 1
    return [Money.from_minor(sign * share, whole.currency) for share in shares]
