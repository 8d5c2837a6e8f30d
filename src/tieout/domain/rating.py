"""What an hour costs on a day, and how entries become an invoice line: computed to verify, never to post."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from tieout.domain.documents.package import RateCard, RateCardVersion
from tieout.domain.money import Money, Rounding

_HOUR = Decimal(60)


@dataclass(frozen=True, slots=True)
class Rate:
    """Money per hour, with the version of the card it came from."""

    amount: Money
    rate_card: str
    version: int


def version_on(card: RateCard, day: date) -> RateCardVersion | None:
    """The version in force on the day the work was done (T19); None before the card begins."""
    in_force = [each for each in card.versions if each.valid_from <= day]
    return max(in_force, key=lambda each: each.valid_from, default=None)


def rate_on(card: RateCard, role: str, day: date) -> Rate | None:
    version = version_on(card, day)
    if version is None or role not in version.rates:
        return None
    return Rate(Money(version.rates[role], card.currency), card.name, version.version)


@dataclass(frozen=True, slots=True)
class Work:
    """A number of minutes at a rate; negative minutes take back what was billed before.

    `amount` is what they are worth where they are a part of an entry, whose parts sum to the whole.
    """

    id: str
    minutes: int
    rate: Money
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """A line as the ERP should compute it, and what each piece of work contributes.

    `line == sum(parts) + rounding`, to the minor unit, always.
    """

    quantity: Decimal
    rate: Money
    line: Money
    parts: tuple[tuple[str, Money], ...]
    rounding: Money


def hours(minutes: int) -> Decimal:
    """Hours to a hundredth, half up: the precision that ERP quantities have."""
    return (Decimal(minutes) / _HOUR).quantize(Decimal("0.01"), ROUND_HALF_UP)


def price(work: Sequence[Work], rounding: Rounding = "half_up") -> Priced:
    """One line of entries that share a rate: the quantity is the sum, rounded once (T24).

    `rounding` is how the ledger rounds a line's amount; entries are always rounded half up.
    """
    rates = {each.rate for each in work}
    if len(rates) != 1:
        raise ValueError(f"a line has one rate, not {sorted(str(rate) for rate in rates)}")
    rate = rates.pop()
    quantity = hours(sum(each.minutes for each in work))
    line = (rate * quantity).rounded(rounding)
    # A part of an entry may be worth nothing at all, which is not the same as nobody having said what it is worth.
    amounts = [entry_amount(each.minutes, rate) if each.amount is None else each.amount for each in work]
    parts = tuple((each.id, amount) for each, amount in zip(work, amounts, strict=True))
    spent = Money.zero(rate.currency)
    for _, part in parts:
        spent += part
    return Priced(quantity, rate, line, parts, line - spent)


@lru_cache(10_000)
def entry_amount(minutes: int, rate: Money) -> Money:
    """What one entry is worth by itself, to the minor unit. Kept: a month has few rates, and an entry is priced several times."""
    # Multiplied first: a third of an hour has no exact decimal, and half a cent would fall to the wrong side.
    return Money(rate.amount * minutes / _HOUR, rate.currency).rounded()


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is left of an entry: so many minutes, worth so much in all, after the `begun` ones that were priced before.

    However it is cut, its parts sum to the whole.
    """

    rate: Money
    begun: int
    minutes: int
    whole: Money

    def worth(self, minutes: int) -> Money:
        """Of its first minutes; all of them are worth the whole."""
        return self.whole if minutes == self.minutes else self._by_rate(minutes)

    def after(self, minutes: int) -> Stretch:
        return Stretch(self.rate, self.begun + minutes, self.minutes - minutes, self.whole - self.worth(minutes))

    def within(self, room: Decimal, most: int) -> int:
        """The most of so many whole minutes that are worth no more than the room.

        Where there is none nothing fits, be it worth 0.00: the line of an invoice adds up the minutes of many.
        """
        if room <= 0 and self.rate:
            return 0
        if max(self.worth(most).amount, self._by_rate(most).amount) <= room:
            return most
        # Rounding makes a stretch worth up to a minor unit less than its minutes say.
        unit = Money.from_minor(1, self.rate.currency).amount
        fitting = min(most - 1, int((room + unit) * _HOUR / self.rate.amount) if self.rate else most)
        while fitting > 0 and self._by_rate(fitting).amount > room:
            fitting -= 1
        return max(fitting, 0)

    def _by_rate(self, minutes: int) -> Money:
        whole = entry_amount(self.begun + minutes, self.rate)
        return whole - entry_amount(self.begun, self.rate) if self.begun else whole


def unbilled_minutes(approved: int, billed: Iterable[int]) -> int:
    """Approved less everything billed and credited, per entry and never per period (T16)."""
    return approved - sum(billed)
