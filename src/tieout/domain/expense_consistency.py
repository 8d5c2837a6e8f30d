"""Where what a firm says of expenses contradicts itself, each contradiction with its place and its way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from tieout.domain.expensing import EMPLOYERS, PRODUCTS, RATES, TRANSFERS, folded
from tieout.domain.firm import Firm, ValueTable

# The path in the folder, what is wrong, and what to do.
Contradiction = tuple[tuple[str | int, ...], str, str]

_CURRENCIES = re.compile(r"[A-Z]{3}/[A-Z]{3}")
_RATE = re.compile(r"[0-9]+([.][0-9]+)?")


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    here = ("expenses", "categories")
    seen: dict[str, str] = {}
    for name in firm.expenses.categories:
        other = seen.setdefault(folded(name), name)
        if other != name:
            yield (*here, name), f"“{name}” and “{other}” are one category", "Keep one of them."
    currencies = sorted({each.currency for each in firm.entities})
    for code in firm.expenses.receipt_above:
        if code not in currencies:
            fix = f"Say one of: {', '.join(currencies)}."
            yield ("expenses", "receipt_above", code), f"no legal entity sells in {code}", fix
    for i, table in enumerate(firm.tables):
        if table.name == PRODUCTS:
            yield from _products(firm, ("tables", i), table)
        if table.name == RATES:
            yield from _pairs(("tables", i), table, _CURRENCIES, "no pair of currencies", "CHF/EUR")
        if table.name == TRANSFERS:
            yield from _pairs(("tables", i), table, _companies(firm), "no pair of legal entities", "DE/US")
        if table.name == EMPLOYERS:
            yield from _employers(firm, ("tables", i), table)


def _products(firm: Firm, path: tuple[str | int, ...], table: ValueTable) -> Iterator[Contradiction]:
    said = [firm.expenses.categories, *(each.expenses for each in firm.packages)]
    billed = {folded(name) for of in said for name, each in of.items() if each.treatment != "non_billable"}
    for i, row in enumerate(table.rows):
        if folded(row.key) not in billed:
            what = f"“{row.key}” is no category of expenses that is billed"
            yield (*path, "rows", i, "key"), what, "Add it to `expenses` in tieout.yaml, or take the row away."


def _employers(firm: Firm, path: tuple[str | int, ...], table: ValueTable) -> Iterator[Contradiction]:
    for i, row in enumerate(table.rows):
        if row.value and firm.entity(row.value) is None:
            fix = f"Say one of: {', '.join(each.code for each in firm.entities)}."
            yield (*path, "rows", i, "value"), f"“{row.value}” is not a legal entity of the firm", fix


def _pairs(
    path: tuple[str | int, ...], table: ValueTable, pair: re.Pattern[str], what: str, example: str
) -> Iterator[Contradiction]:
    for i, row in enumerate(table.rows):
        if not pair.fullmatch(row.key.strip()):
            yield (*path, "rows", i, "key"), f"“{row.key}” is {what}", f"Write it like {example}."
        value = row.value.strip()
        if value and not (_RATE.fullmatch(value) and Decimal(value)):
            yield (*path, "rows", i, "value"), f"“{row.value}” is no positive number", "Write it like 1.0720."


def _companies(firm: Firm) -> re.Pattern[str]:
    codes = "|".join(re.escape(each.code) for each in firm.entities)
    return re.compile(f"({codes})/({codes})")
