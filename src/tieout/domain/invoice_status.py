"""How an invoice stands, in words richer than “paid” (T51): for sales and for delivery."""

from __future__ import annotations

from decimal import Decimal


def written_off(state: str, total: Decimal, paid: Decimal, open_amount: Decimal) -> Decimal:
    """What the ledger gave up of an invoice: it calls it paid, nothing is open, and less than the total came in."""
    return max(total - paid - open_amount, Decimal(0)) if state == "paid" and total > 0 else Decimal(0)


def status(
    state: str, total: Decimal, paid: Decimal, credited: Decimal, given_up: Decimal, *, disputed: bool = False
) -> str:
    """`paid` is all that settled it, `credited` what of that were credit notes, `given_up` what was written off."""
    if total <= 0:
        return state.replace("_", " ")
    if state == "paid" and credited >= total:
        return "credited"
    parts = {
        "paid": "paid",
        "partly_paid": "partly paid" if paid > credited else "posted",
    }
    words = [parts.get(state, state.replace("_", " "))]
    if credited and state in ("posted", "partly_paid", "paid"):
        words.append("credited in part")
    if given_up:
        words.append("rest written off")
    if disputed and state in ("posted", "partly_paid"):
        words.append("disputed")
    return ", ".join(words)
