"""Work of people whom the project's company does not employ: another company of the firm lends them, or a vendor does (T49, T50).

Whoever the value table `person_entity` says works for another company, and whoever `subcontractor` says works for a vendor,
from a day on. What their work costs comes from `transfer_share` (of the agreed value, by the two companies: DE/US) and from
`subcontractor_rate` (money per worked hour, by the person: 95.00 USD).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from tieout.domain.expense_consistency import Contradiction
from tieout.domain.expensing import EMPLOYERS, folded
from tieout.domain.firm import Firm, ValueTable
from tieout.domain.money import minor_digits
from tieout.domain.values import ValueRow

VENDORS, SHARES, RATES = "subcontractor", "transfer_share", "subcontractor_rate"
_NUMBER = re.compile(r"[0-9]+([.][0-9]+)?")
_MONEY = re.compile(r"[0-9]+([.][0-9]+)? [A-Z]{3}")


def lenders(values: Iterable[ValueRow]) -> list[dict[str, Any]]:
    """Who is lent by whom from which day on, flat: {person, kind, lender, valid_from, position}; no lender ends it."""
    kinds = {EMPLOYERS: "company", VENDORS: "vendor"}
    return [
        {"person": folded(each.key), "kind": kinds[each.table], "lender": each.value.strip(), **_since(each)}
        for each in values
        if each.table in kinds
    ]


def prices(values: Iterable[ValueRow]) -> list[dict[str, Any]]:
    """What lent work costs from which day on, flat: {kind, key, amount, currency, valid_from, position}.

    The key is the two companies (de/us) with a share of the agreed value, or the person with money per hour.
    """
    found: list[dict[str, Any]] = []
    for each in values:
        value = each.value.strip()
        if each.table == SHARES and (_NUMBER.fullmatch(value) or not value):
            found.append(
                {"kind": "company", "key": folded(each.key), "amount": value or None, "currency": "", **_since(each)}
            )
        elif each.table == RATES and (_MONEY.fullmatch(value) or not value):
            amount, _, currency = value.partition(" ")
            found.append(
                {
                    "kind": "vendor",
                    "key": folded(each.key),
                    "amount": amount or None,
                    "currency": currency,
                    **_since(each),
                }
            )
    return found


def _since(row: ValueRow) -> dict[str, Any]:
    return {"valid_from": str(row.valid_from), "position": row.version}


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    """Where the folder's own rows of these tables say what nobody can reckon with."""
    for i, table in enumerate(firm.tables):
        if table.name in (SHARES, RATES):
            yield from _unreadable(firm, ("tables", i), table)


def _unreadable(firm: Firm, path: tuple[str | int, ...], table: ValueTable) -> Iterator[Contradiction]:
    codes = {each.code for each in firm.entities}
    for i, row in enumerate(table.rows):
        here, value = (*path, "rows", i), row.value.strip()
        if table.name == SHARES:
            lender, _, borrower = row.key.strip().partition("/")
            if lender == borrower or not {lender, borrower} <= codes:
                yield (
                    (*here, "key"),
                    f"“{row.key}” is no pair of legal entities",
                    "Write it like DE/US: who lends, whose project.",
                )
            if value and not _NUMBER.fullmatch(value):
                yield (*here, "value"), f"“{row.value}” is no share of the agreed value", "Write it like 0.7."
        elif value and (not _MONEY.fullmatch(value) or _finer(value)):
            yield (*here, "value"), f"“{row.value}” is no money per hour", "Write it like 95.00 USD."


def _finer(value: str) -> bool:
    amount, _, currency = value.partition(" ")
    exponent = Decimal(amount).as_tuple().exponent
    return isinstance(exponent, int) and -exponent > minor_digits(currency)
