"""Where what a firm says of limits, payers and their invoices contradicts itself, each contradiction with its place and its way out."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.domain.expense_consistency import Contradiction
from tieout.domain.firm import Firm
from tieout.domain.paying import SplitBilling


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    seen: set[str] = set()
    currencies = sorted({each.currency for each in firm.entities})
    for i, cap in enumerate(firm.caps):
        if cap.name in seen:
            yield ("caps", i, "name"), f"“{cap.name}” stands here twice", "Give each limit a name of its own."
        seen.add(cap.name)
        if cap.currency and cap.currency not in currencies:
            fix = f"Say one of: {', '.join(currencies)}."
            yield ("caps", i, "currency"), f"no legal entity keeps its books in {cap.currency}", fix
        if "/" in cap.name:
            what = f"“{cap.name}” has a slash, with which the limits of contracts are named"
            yield ("caps", i, "name"), what, "Leave the slash out."
    for i, split in enumerate(firm.payers):
        before = next((n for n in range(i) if _covers(firm.payers[n], split)), None)
        if before is not None:
            what = f"these payers are never reached: entry {before + 1} takes every deal that they are of"
            yield ("payers", i), what, f"Put them before entry {before + 1}, or remove them."
    for i, rule in enumerate(firm.consolidated):
        before = next((n for n in range(i) if firm.consolidated[n].customer in ("", rule.customer)), None)
        if before is not None:
            what = f"this entry never counts: entry {before + 1} is of {rule.customer or 'everybody'} already"
            yield ("consolidated", i), what, f"Put it before entry {before + 1}, or remove it."


def _covers(earlier: SplitBilling, later: SplitBilling) -> bool:
    return (
        earlier.engagement in ("", later.engagement)
        and earlier.customer in ("", later.customer)
        and earlier.purchase_order.strip() in ("", later.purchase_order.strip())
    )
