"""Metered usage becomes money: each reading at the price of its day, each month rounded once, and never below its minimum."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from tieout.domain.charging.fees import Due, Reading
from tieout.domain.charging.pieces import Event
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.terms import Sold, UsageTerms
from tieout.domain.identity import digest
from tieout.domain.money import Money, allocate

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """What was sold, as one version of the contract has it: in force from a day up to another one, which is not in it."""

    version: ContractVersion
    sold: Sold
    terms: UsageTerms
    begins: date
    ends: date

    def holds(self, day: date) -> bool:
        return self.begins <= day < self.ends

    @property
    def first(self) -> date:
        """The first day of its use."""
        return max(self.begins, self.sold.start or self.version.effective_from)

    @property
    def last(self) -> date:
        return min(self.ends - _DAY, self.sold.end or date.max)


def usage(
    spans: Sequence[Span], readings: Sequence[Reading], *, through: date, sabotage: frozenset[str] = frozenset()
) -> Iterator[tuple[Span, Due]]:
    """What the use of one package comes to, month by month: one event for each version of the contract that was in force.

    The units of a month are counted in the order of their days, through what is included and through the tiers; each unit
    costs what the version in force on its day says. What a month falls short of its minimum is a fee of its own. The price of
    a month depends on all of its readings: while one of them waits for a person, all of it waits, and what is billed stands.
    `readings` of a day on which the package was not sold are nobody's.

    `sabotage` brings bugs back, so that the suite can prove that it would catch them: `newest_price` lets the last version price
    every day, `each_rounded` rounds each reading, `goes_on` lets a reading that waits change what is billed.
    """
    if "newest_price" in sabotage:
        spans = [replace(each, terms=spans[-1].terms) for each in spans]
    if "goes_on" in sabotage:
        readings = [replace(each, waits=False) for each in readings]
    months: dict[str, list[Reading]] = {}
    for each in sorted(readings, key=lambda one: (one.day, one.ref)):
        months.setdefault(f"{each.day:%Y-%m}", []).append(each)
    for month in sorted({*months, *_owed(spans, through)}):
        yield from _month(month, spans, months.get(month, []), through, each_rounded="each_rounded" in sabotage)


def shares(worth: Money, records: Sequence[Reading]) -> Mapping[str, Money]:
    """What each record contributes to the price of its month: by its units, to the minor unit."""
    parts = allocate(worth, [each.units for each in records]) if worth else []
    return {each.ref: part for each, part in zip(records, parts, strict=False)}


def tiered(terms: UsageTerms, units: Decimal) -> Decimal:
    """The price of a month's units: each unit beyond the included ones at the price of its own tier."""
    price, counted = Decimal(0), terms.included
    for tier in terms.tiers:
        end = units if tier.upto is None else min(units, tier.upto)
        if end > counted:
            price += (end - counted) * tier.price
            counted = end
    return price


def frozen(readings: Sequence[Reading]) -> str:
    """The name of exactly these readings in exactly these versions: what a billed month stood on."""
    return digest(*(f"{each.ref} {each.version} {each.units.normalize():f}" for each in readings))[:32]


def _month(
    month: str, spans: Sequence[Span], readings: Sequence[Reading], through: date, *, each_rounded: bool
) -> Iterator[tuple[Span, Due]]:
    counted, spent = Decimal(0), Decimal(0)
    waits = any(each.waits for each in readings)
    first = date.fromisoformat(f"{month}-01")
    for number, span in enumerate(spans):
        if not (span.begins <= _last_day(first) and first < span.ends):
            continue
        mine = [each for each in readings if span.holds(each.day)]
        price, units = Decimal(0), sum((each.units for each in mine), Decimal(0))
        for each in mine:
            more = tiered(span.terms, counted + each.units) - tiered(span.terms, counted)
            price += Money(more, span.version.currency).rounded().amount if each_rounded else more
            counted += each.units
        worth = Money(price, span.version.currency).rounded()
        # The version that a month begins with has the month's own name; what comes in the middle of it has another.
        name = month if span.holds(first) or not number else f"{month}/v{span.version.version}"
        day = min(_last_day(first), span.ends - _DAY)
        if (worth or waits) and day <= through:
            spent += worth.amount
            yield span, _used(span, name, day, worth, units, mine, waits=waits)
    yield from _short(month, spans, spent, through, waits=waits)


def _used(
    span: Span, name: str, day: date, worth: Money, units: Decimal, readings: Sequence[Reading], *, waits: bool
) -> Due:
    event = Event(f"{span.sold.id}/{name}", "usage", span.sold.id, day, worth)
    used, unit = f"{units.normalize():f}", span.terms.unit
    basis = {
        "month": name[:7], "meter": span.terms.metered, "units": used, "unit": unit, "records": str(len(readings)),
        "readings": frozen(readings), "whole": f"{worth.amount:f}",
    }  # fmt: skip
    return Due(event, f"{used} {unit} in {name[:7]}", basis=basis, waits=waits, readings=tuple(readings))


def _short(
    month: str, spans: Sequence[Span], spent: Decimal, through: date, *, waits: bool
) -> Iterator[tuple[Span, Due]]:
    """What a month falls short of the minimum that is agreed on its last day; one that is only begun owes by its days."""
    first = date.fromisoformat(f"{month}-01")
    for span in reversed(spans):
        begins, ends = max(first, span.sold.start or spans[0].first), min(_last_day(first), span.last)
        if not span.terms.minimum or not span.holds(ends) or begins > ends:
            continue
        share = Decimal((ends - begins).days + 1) / _last_day(first).day
        least = Money(span.terms.minimum * share, span.version.currency).rounded()
        lacks = Money(max(least.amount - spent, Decimal(0)), span.version.currency)
        if (lacks or waits) and ends <= through:
            basis = {"month": month, "minimum": f"{least.amount:f}", "used": f"{spent:f}"}
            event = Event(f"{span.sold.id}/{month}/minimum", "fee", span.sold.id, ends, lacks)
            yield span, Due(event, f"minimum of {month}", basis=basis, waits=waits)
        return


def _owed(spans: Sequence[Span], through: date) -> Iterator[str]:
    """The months of which a minimum is agreed, used or not."""
    for span in spans:
        day, last = span.first, min(span.last, through)
        while span.terms.minimum and day <= last:
            yield f"{day:%Y-%m}"
            day = _last_day(day) + _DAY


def _last_day(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
