"""Amounts and figures as the command line writes them: exact, with the digits of their currency, never as a float."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tieout.domain.money import Money, minor_digits
from tieout.store.figures import Difference, Totals


def written(amount: Decimal | None, currency: str) -> str:
    """A decimal string; an amount that is finer than its currency keeps its digits."""
    if amount is None:
        return ""
    if not currency:
        return f"{amount.normalize():f}"
    digits = Decimal(1).scaleb(-minor_digits(currency))
    return f"{amount.quantize(digits):f}" if amount == amount.quantize(digits) else f"{amount.normalize():f}"


def for_people(amount: Decimal | None, currency: str) -> str:
    """With thousands separators."""
    if amount is None:
        return ""
    text = written(amount, currency)
    whole, dot, fraction = text.partition(".")
    return f"{int(whole):,}{dot}{fraction}" if whole not in ("", "-", "-0") else text


def of_minor(minor: Decimal | int | None, currency: str) -> Decimal | None:
    """What stands in the books in minor units; None without a currency."""
    return Money.from_minor(int(minor), currency).amount if currency and minor is not None else None


def totals(found: Iterable[Totals]) -> list[dict[str, Any]]:
    """One row per legal entity and currency, for a JSON document."""
    rows: list[dict[str, Any]] = []
    for each in found:
        values = {field.name: getattr(each, field.name) for field in dataclasses.fields(each)}
        row = {
            name: written(value, each.currency) if isinstance(value, Decimal) else value
            for name, value in values.items()
        }
        rows.append({**row, "left": written(each.left, each.currency)})
    return rows


def differences(found: Iterable[Difference]) -> list[dict[str, str]]:
    return [
        {
            "name": each.name,
            "entity": each.entity,
            "currency": each.currency,
            "amount": written(each.amount, each.currency),
        }
        for each in found
    ]
