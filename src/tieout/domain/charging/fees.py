"""Money that no hours make: instalments of a fixed fee, prepaid blocks, and fees per month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from tieout.domain.charging.pieces import Event
from tieout.domain.documents.terms import FixedTerms, PeriodTerms, RetainerTerms, Sold
from tieout.domain.money import Money


@dataclass(frozen=True, slots=True)
class Accepted:
    """How far the customer has accepted a milestone, and since when; revoked is no share at all (T39)."""

    share: Decimal
    on: date


@dataclass(frozen=True, slots=True)
class Reading:
    """Metered units of one record of usage, in one of its versions. What `waits` for a person has no price yet."""

    ref: str
    day: date
    units: Decimal
    version: int = 1
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due, and what its invoice line and its evidence say of it.

    `name` is what the customer reads, `product` what the ledger sells it as, `prepaid` whether it is bought ahead of the work;
    `basis` is what it stands on in that version of the contract, in words and figures. What `waits` for a person is neither
    billed nor taken back; what is not `taxed` is passed on in the customer's name. `readings` are what usage was metered by.
    `project` is the key of the one that it is billed with; empty for that of the deal.
    """

    event: Event
    name: str
    prepaid: bool = False
    product: str = ""
    contract_version: int = 1
    waits: bool = False
    taxed: bool = True
    basis: Mapping[str, str] = field(default_factory=dict[str, str])
    readings: tuple[Reading, ...] = ()
    project: str = ""


def fees(sold: Sold, *, through: date, accepted: Mapping[str, Accepted], currency: str) -> list[Due]:
    """What is due of a package up to and with a day. Milestones stand under their own name within the package."""
    accepted = of_sale(sold, accepted)
    match sold.terms:
        case FixedTerms():
            return [*_instalments(sold, sold.terms, through, accepted, currency)]
        case RetainerTerms():
            return [
                _fee(sold, each.key, day, Money(each.price, currency), f"block from {each.valid_from}", block=each.key)
                for each in sold.terms.blocks
                if (day := each.billed_on or each.valid_from) <= through
            ]
        case PeriodTerms():
            return [*_periods(sold, sold.terms, through, currency)]
        case _:
            return []


def of_sale(sold: Sold, accepted: Mapping[str, Accepted]) -> Mapping[str, Accepted]:
    """The milestones of its project, by their names alone; those of projects of their own have its key before them."""
    if not sold.project:
        return accepted
    begins = f"{sold.project}/"
    return {name.removeprefix(begins): each for name, each in accepted.items() if name.startswith(begins)}


def release_of(terms: FixedTerms, *, through: date, accepted: Mapping[str, Accepted]) -> bool:
    """Whether what was withheld of a fixed fee is due by now."""
    milestone = accepted.get(terms.released_with) if terms.released_with else None
    by_day = terms.released is not None and terms.released <= through
    return by_day or (milestone is not None and milestone.share == 1 and milestone.on <= through)


def _instalments(
    sold: Sold, terms: FixedTerms, through: date, accepted: Mapping[str, Accepted], currency: str
) -> Iterator[Due]:
    for each in terms.instalments:
        basis = {"instalment": each.key}
        if each.due is not None:
            day, share = each.due, Decimal(1)
        else:
            found = accepted.get(each.milestone, Accepted(Decimal(0), date.max))
            day, share = found.on, found.share
            basis |= {"milestone": each.milestone, "accepted": f"{share.normalize():f}", "accepted_on": str(day)}
        worth = Money(each.amount * share, currency).rounded()
        if day <= through and worth:
            yield _fee(sold, each.key, day, worth, each.name, **basis)


def _periods(sold: Sold, terms: PeriodTerms, through: date, currency: str) -> Iterator[Due]:
    """One fee per calendar month; a month that is only begun counts by its days."""
    first, left = terms.start.replace(day=1), terms.whole
    counted = {} if terms.quantity is None else {"quantity": f"{terms.quantity.normalize():f}", "unit": terms.unit}
    many = f", {counted['quantity']} {counted['unit']}" if counted else ""
    while first <= min(through, terms.end or through):
        last = _last_day(first)
        days = (min(last, terms.end or last) - max(first, terms.start)).days + 1
        due = max(first, terms.start) if terms.in_advance else min(last, terms.end or last)
        worth = Money(terms.amount * days / last.day, currency).rounded()
        if left is not None:
            ends = terms.end is not None and last >= terms.end
            worth = Money(left if ends else min(left, worth.amount), currency)
            left -= worth.amount
        if due <= through:
            month = f"{first:%Y-%m}"
            yield _fee(sold, month, due, worth, f"{month}{many}", month=month, **counted)
        first = last + timedelta(days=1)


def _fee(sold: Sold, key: str, day: date, worth: Money, name: str, **basis: str) -> Due:
    event = Event(f"{sold.id}/{key}", "fee", sold.id, day, worth)
    return Due(event, name, prepaid=isinstance(sold.terms, RetainerTerms), basis=basis)


def _last_day(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
