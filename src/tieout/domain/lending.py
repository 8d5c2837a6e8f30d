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


Rows = dict[str, list[dict[str, Any]]]


def lenders(values: Iterable[ValueRow]) -> Rows:
    """Person → who lends them from which day on: {kind, lender, valid_from, position}; no lender ends it."""
    kinds = {EMPLOYERS: "company", VENDORS: "vendor"}
    found: Rows = {}
    for each in values:
        if each.table in kinds:
            told = {"kind": kinds[each.table], "lender": each.value.strip(), **_since(each)}
            found.setdefault(folded(each.key), []).append(told)
    return found


def prices(values: Iterable[ValueRow]) -> Rows:
    """What lent work costs from which day on: {amount, currency, valid_from, position}; no amount ends it.

    By the kind of lender and, between companies, the two (company de/us), which share the agreed value; of a vendor by the
    person (vendor x901), whose hours have a rate.
    """
    found: Rows = {}
    for each in values:
        value = each.value.strip()
        amount, _, currency = value.partition(" ")
        told = {"amount": amount or None, "currency": currency, **_since(each)}
        if each.table == SHARES and (_NUMBER.fullmatch(value) or not value):
            found.setdefault(f"company {folded(each.key)}", []).append(told)
        elif each.table == RATES and (_MONEY.fullmatch(value) or not value):
            found.setdefault(f"vendor {folded(each.key)}", []).append(told)
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
