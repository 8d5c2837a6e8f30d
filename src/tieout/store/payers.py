"""Deals that several customers pay: who pays which part of each, and what each of them was billed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.domain.money import Money
from tieout.domain.paying import SplitBilling
from tieout.domain.spanning import SpanningCap
from tieout.store import spanning
from tieout.store.database import Tx, rows


@dataclass(frozen=True, slots=True)
class Share:
    """One payer of one deal: their part in per cent, what they were billed, and the most they pay where that is said."""

    customer: str
    name: str
    share: Decimal
    billed: Money
    most: Money | None
    rest: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A deal that several customers pay."""

    engagement: str
    title: str
    span: str
    payers: tuple[Share, ...]


async def splits(tx: Tx, folder: Sequence[SplitBilling]) -> list[Split]:
    """Every deal that an entry of the folder is of; the first one that is counts, as it does when the deal is billed."""
    billed = [(each, await _billed(tx, each)) for each in folder]
    everybody = {name for each, stored in billed for name in _everybody(each, [one["customer"] for one in stored])}
    names = await _names(tx, everybody)
    found: dict[str, Split] = {}
    for split, stored in billed:
        for engagement in dict.fromkeys(each["engagement"] for each in stored):
            of = {each["customer"]: each for each in stored if each["engagement"] == engagement}
            one = next(iter(of.values()))
            payers = [
                _share(split, key, names.get(key, ""), of.get(key), one["currency"]) for key in _everybody(split, of)
            ]
            found.setdefault(engagement, Split(engagement, one["title"], split.span, tuple(payers)))
    return list(found.values())


def _everybody(split: SplitBilling, billed: Iterable[str]) -> list[str]:
    """Those who pay by the folder, and those who were billed before it said so."""
    return list(dict.fromkeys([*(each.customer for each in split.payers), *(each for each in billed if each)]))


def _share(split: SplitBilling, key: str, name: str, billed: Mapping[str, Any] | None, currency: str) -> Share:
    payer = next((each for each in split.payers if each.customer == key), None)
    most = None if payer is None or payer.amount is None else Money(payer.amount, currency)
    amount = Money(billed["billed"] if billed else Decimal(0), currency)
    share = Decimal(0) if payer is None else payer.share * 100
    return Share(key, name, share, amount, most, key == split.rest)


async def _billed(tx: Tx, split: SplitBilling) -> list[dict[str, Any]]:
    """What each payer was billed, net, for each deal that several pay: {engagement, title, customer, currency, billed}.

    Of a deal that nothing was billed for there is one row without a customer.
    """
    span = SpanningCap(
        name=split.span, customer=split.customer, purchase_order=split.purchase_order, hours=Decimal(0)
    ) if not split.engagement else None  # fmt: skip
    deals = [split.engagement] if span is None else await spanning.neighbours(tx, span, "")
    return await rows(
        tx,
        """
        select d.engagement, d.title, coalesce(i.customer, '') as customer, d.currency, coalesce(i.billed, 0) as billed
        from (
          select distinct on (engagement) engagement, body ->> 'name' as title, body ->> 'currency' as currency
          from document where kind = 'engagement' and engagement = any(%(deals)s) order by engagement, version desc
        ) d left join lateral (
          select i.customer, sum(i.net) as billed
          from invoice i where i.engagement = d.engagement and i.state <> 'cancelled' group by i.customer
        ) i on true
        order by d.engagement, i.customer
        """,
        {"deals": deals},
    )


async def _names(tx: Tx, customers: Collection[str]) -> dict[str, str]:
    """What they are called, by key, as far as they are known."""
    found = await rows(
        tx,
        """
        select distinct on (key) key, body ->> 'name' as name from document where kind = 'customer' and key = any(%s)
        order by key, version desc
        """,
        (list(customers),),
    )
    return {each["key"]: each["name"] for each in found}
