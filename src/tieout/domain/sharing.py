"""What finance decided of a document of several engagements, as each one's share of it: to the cent, and the sum is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from tieout.domain.money import Money

# States in which money is owed.
_BOOKED = ("posted", "partly_paid", "paid")


@dataclass(frozen=True, slots=True)
class Member:
    """A proposal on a document: its net, and how much of that is taxed, in the document's currency."""

    key: str
    net: Decimal
    taxed: Decimal


def shares(
    members: Sequence[Member],
    told: Mapping[str, Any],
    currency: str,
    *,
    notes: Sequence[Mapping[str, Decimal]] = (),
    sabotage: frozenset[str] = frozenset(),
) -> dict[str, dict[str, Any]]:
    """By member, all that the ERP told of the document, with that member's net, tax, total, open amount and payments.

    A net is the member's own, unless the ERP has another one in all; tax goes by what is taxed. A payment goes by what is
    open of each when it comes, so that whatever is paid in full leaves nothing open anywhere. `notes` are the document's
    credit notes, by member what each takes back: one that was used as a payment pays for what it takes back, and for nothing
    else. Amounts in `told` and in the shares are texts.
    """
    net, tax, total, still_open = (
        Money(Decimal(str(told[name] or 0)), currency) for name in ("net", "tax", "total", "open_amount")
    )
    weights = [each.net for each in members]
    nets = _as_they_are(weights, currency) if sum(weights) == net.amount else cut(net, weights)
    taxes = cut(tax, [each.taxed for each in members])
    sums = [each + its_tax for each, its_tax in zip(nets, taxes, strict=True)]
    totals = sums if net + tax == total else cut(total, [each.amount for each in sums])
    left, unused = list(totals), list(notes)
    payments: list[list[dict[str, Any]]] = [[] for _ in members]
    for payment in told["payments"]:
        amount = Money(Decimal(str(payment["amount"])), currency)
        note = next((each for each in unused if sum(each.values(), Decimal(0)) == amount.amount), None)
        if note is None:
            by = totals if "by_total" in sabotage else left
            parts = cut(amount, [each.amount for each in by])
        else:
            unused.remove(note)
            parts = [Money(note.get(each.key, Decimal(0)), currency) for each in members]
        for i, part in enumerate(parts):
            left[i] -= part
            payments[i] += [{**payment, "amount": str(part.amount)}] if part else []
    opens = cut(still_open, [each.amount for each in left])
    return {
        each.key: {
            **told,
            "net": str(nets[i].amount),
            "tax": str(taxes[i].amount),
            "total": str(totals[i].amount),
            "open_amount": str(opens[i].amount),
            "payments": payments[i],
            "state": _state(str(told["state"]), totals[i], opens[i]),
        }
        for i, each in enumerate(members)
    }


def cut(whole: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Parts of `whole` in proportion to weights of either sign, in whole minor units: what rounding leaves goes, unit by
    unit, to the largest remainders (the earlier one when two are equal). Without any weight the parts are equal."""
    divisor = sum(weights, Decimal(0))
    fair, divisor = (weights, divisor) if divisor else ([Decimal(1)] * len(weights), Decimal(len(weights)))
    exact = [whole.minor * each / divisor for each in fair]
    parts = [int(each.to_integral_value(ROUND_FLOOR)) for each in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: whole.minor - sum(parts)]:
        parts[i] += 1
    return [Money.from_minor(each, whole.currency) for each in parts]


def _as_they_are(amounts: Sequence[Decimal], currency: str) -> list[Money]:
    return [Money(each, currency) for each in amounts]


def _state(state: str, total: Money, still_open: Money) -> str:
    """Of a booked document each share is posted, partly paid or paid by itself."""
    if state not in _BOOKED or total.amount <= 0:
        return state
    if not still_open:
        return "paid"
    return "partly_paid" if still_open.amount < total.amount else "posted"
