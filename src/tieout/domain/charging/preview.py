"""What another contract would make of work that is done: how many events and how much money, before anybody agrees (T20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tieout.domain.charging.billing import Beside, Ledger, decide
from tieout.domain.charging.charge import Agreement
from tieout.domain.charging.pieces import Piece
from tieout.domain.money import Money


def preview(was: Agreement, becomes: Agreement, ledger: Ledger, beside: Sequence[Beside] = ()) -> list[str]:
    """In words, empty where nothing moves. What is billed at the same rate stands under any contract.

    `beside` are other engagements beneath limits that span them.
    """
    then, now = (_fates(decide(each, ledger, lambda _: (None, []), beside=beside).pieces) for each in (was, becomes))
    moved = [each for each in {**then, **now} if then.get(each) != now.get(each)]
    if not moved:
        return []
    events = "1 event" if len(moved) == 1 else f"{len(moved)} events"
    before, after = (
        Money(sum((each.get(one, {}).get("bill", Decimal(0)) for one in moved), Decimal(0)), was.currency)
        for each in (then, now)
    )
    return [f"{events} not billed yet would be decided anew, {before} to bill becomes {after}"]


def _fates(pieces: Iterable[Piece]) -> dict[str, dict[str, Decimal]]:
    """Event → fate → worth, of what would be decided."""
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for each in pieces:
        fates = found[each.ref]
        fates[each.fate] = fates.get(each.fate, Decimal(0)) + each.worth.amount
    return dict(found)
