"""Credit notes: what one takes back, down to the entry, so that unbilled is approved less billed plus credited (T16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout.domain.money import Money
from tieout.domain.rating import entry_amount

Row = Mapping[str, Any]
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Credited:
    """What a credit note takes back of an invoice: its lines under the keys of the lines they correct, all negative.

    `rounding` is each line's residue by key: line = entries + rounding, as on every invoice. `unmatched` are the texts of
    lines that correct nothing on the invoice, or more than it has.
    """

    lines: Sequence[Row]
    rounding: Mapping[str, Decimal]
    evidence: Sequence[Row]
    unmatched: Sequence[str]


def credited(
    lines: Sequence[Row],
    standing: Sequence[Row],
    told: Sequence[Row],
    currency: str,
    *,
    sabotage: frozenset[str] = frozenset(),
) -> Credited:
    """What the ERP's credit note (`told`: description, quantity, unit_price, amount per line) takes back of an invoice.

    `lines` are the invoice's, `standing` is what of each of their entries was billed and not credited before. A line is
    found by its text and price, or by its text alone. Work is taken back by the entry, the last day first; a line that is
    credited whole takes back every entry whole, to the cent.
    """
    if "per_period" in sabotage:
        standing = standing[:1]
    rows: list[Row] = []
    rounding: dict[str, Decimal] = {}
    evidence: list[Row] = []
    unmatched: list[str] = []
    left = {id(each): each for each in told}
    for mine in lines:
        matching = [each for each in left.values() if _corrects(each, mine)]
        if not matching:
            continue
        for each in matching:
            del left[id(each)]
        quantity = sum((Decimal(str(each["quantity"])) for each in matching), _ZERO)
        amount = sum((Decimal(str(each["amount"])) for each in matching), _ZERO)
        beneath = [each for each in standing if each["line"] == mine["line"]]
        taken = _taken_back(beneath, -quantity, -amount, currency)
        if taken is None or quantity > 0 or amount > 0:
            unmatched.append(mine["description"])
            continue
        rows.append({**mine, "quantity": quantity, "amount": amount})
        rounding[mine["line"]] = amount - sum((each["amount"] for each in taken), _ZERO)
        evidence += taken
    unmatched += [str(each["description"]) for each in left.values()]
    return Credited(rows, rounding, evidence, unmatched)


def _corrects(told: Row, mine: Row) -> bool:
    same = str(told["description"]).strip() == str(mine["description"]).strip()
    return same and Decimal(str(told["unit_price"])) == mine["unit_price"]


def _taken_back(beneath: Sequence[Row], quantity: Decimal, amount: Decimal, currency: str) -> list[Row] | None:
    """Entries in negative, the last day first; None where less stands than is credited."""
    minutes = int((quantity * 60).to_integral_value(ROUND_HALF_UP))
    stands = sum(each["minutes"] for each in beneath)
    # A line's quantity is rounded to a hundredth of an hour: within it, all of the line is meant.
    minutes = stands if abs(minutes - stands) <= 1 else minutes
    worked = any(each["minutes"] for each in beneath)
    if not beneath or (minutes > stands if worked else amount > sum((each["amount"] for each in beneath), _ZERO)):
        return None
    back: list[Row] = []
    for each in sorted(beneath, key=lambda one: (one["work_date"], one["source_id"]), reverse=True):
        some, part = _part(each, minutes, currency) if worked else (0, min(each["amount"], amount))
        if not some and not part:
            continue
        worth = (
            each["worth"]
            if part == each["amount"]
            else Money(each["worth"] * part / each["amount"], currency).rounded().amount
        )
        back.append({**each, "minutes": -some, "amount": -part, "worth": -worth})
        minutes, amount = minutes - some, amount - part
    return back


def _part(entry: Row, minutes: int, currency: str) -> tuple[int, Decimal]:
    if minutes >= entry["minutes"]:
        return entry["minutes"], entry["amount"]
    return minutes, entry_amount(minutes, Money(entry["rate"], currency)).amount
