"""What a firm says of expenses, and where that contradicts itself (T31)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tieout import sandbox
from tieout.domain.consistency import faults
from tieout.domain.documents.terms import ExpenseTerms
from tieout.domain.expensing import ExpenseRule, folded_terms, value_rows
from tieout.domain.firm import Firm, TableRow, ValueTable
from tieout.domain.values import ValueRow
from tieout.folder.loading import load

KESTREL = load(Path(sandbox.__file__).parent / "firm" / "kestrel")
FREE, PASSED = ExpenseTerms(treatment="non_billable"), ExpenseTerms(treatment="disbursement")


def wrong(rule: ExpenseRule, *tables: ValueTable) -> list[str]:
    """The faults of Kestrel with other expenses."""
    kept = tuple(each for each in KESTREL.tables if each.name not in ("expense_product", "exchange_rate"))
    firm = KESTREL.model_copy(update={"expenses": rule, "tables": (*kept, *tables)})
    return [str(each) for each in faults(Firm.model_validate(firm.model_dump()))]


def test_the_sandbox_s_firm_is_right() -> None:
    assert faults(KESTREL) == []
    assert wrong(ExpenseRule()) == []


def test_a_category_is_decided_about_once() -> None:
    (fault,) = wrong(ExpenseRule(categories={"Travel": PASSED, " travel": FREE}))
    assert fault.startswith("expenses.categories. travel: “ travel” and “Travel” are one category")


def test_receipts_are_demanded_in_currencies_that_the_firm_sells_in() -> None:
    (fault,) = wrong(ExpenseRule(receipt_above={"USD": Decimal(0), "CHF": Decimal(20)}))
    assert "no legal entity sells in CHF. Say one of: EUR, USD." in fault


@pytest.mark.parametrize("key", ["Gifts", "Team dinner"])
def test_only_what_is_billed_has_a_product(key: str) -> None:
    products = ValueTable(name="expense_product", purpose="product", rows=(TableRow(key=key, value="EXP"),))
    (fault,) = wrong(ExpenseRule(categories={"Team dinner": FREE, "Travel": PASSED}), products)
    assert f"“{key}” is no category of expenses that is billed" in fault
    named = ValueTable(name="expense_product", purpose="product", rows=(TableRow(key="TRAVEL ", value="EXP"),))
    assert wrong(ExpenseRule(categories={"Travel": PASSED}), named) == []


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("CHF/EUR", "1.0720", ""),
        ("CHF/EUR", "", ""),
        ("CHF to EUR", "1.0720", "“CHF to EUR” is no pair of currencies"),
        ("CHF/EUR", "1,0720", "“1,0720” is no positive number"),
        ("CHF/EUR", "0", "“0” is no positive number"),
        ("CHF/EUR", "-1", "“-1” is no positive number"),
    ],
)
def test_a_rate_is_a_pair_and_a_positive_number(key: str, value: str, what: str) -> None:
    rates = ValueTable(name="exchange_rate", purpose="rate", rows=(TableRow(key=key, value=value),))
    found = wrong(ExpenseRule(), rates)
    assert len(found) == bool(what)
    assert not what or what in found[0]


@pytest.mark.parametrize(
    ("table", "key", "value", "what"),
    [
        ("transfer_price", "DE/US", "0.70", ""),
        ("transfer_price", "DE/FR", "0.70", "“DE/FR” is no pair of legal entities"),
        ("transfer_price", "DE/US", "most of it", "“most of it” is no positive number"),
        ("person_entity", "K103", "DE", ""),
        ("person_entity", "K103", "", ""),
        ("person_entity", "K103", "FR", "“FR” is not a legal entity of the firm. Say one of: US, DE."),
    ],
)
def test_between_companies_everybody_and_every_price_is_of_the_firm(
    table: str, key: str, value: str, what: str
) -> None:
    rows = ValueTable(name=table, purpose="transfer price", rows=(TableRow(key=key, value=value),))
    found = wrong(ExpenseRule(), rows)
    assert len(found) == bool(what)
    assert not what or what in found[0]


def test_of_two_packages_that_speak_of_a_category_the_first_has_the_word() -> None:
    found = folded_terms([{"Travel": PASSED}, {"travel ": FREE, "Meals": FREE}])
    assert found == {"travel": PASSED, "meals": FREE}


def test_the_look_up_is_flat_and_folded() -> None:
    rule = ExpenseRule(categories={" Visa Fees": PASSED}, receipt_above={"USD": Decimal("25.00")})
    assert rule.treatments() == [{"category": "visa fees", "treatment": "disbursement", "markup": "0"}]
    assert rule.receipts() == [{"currency": "USD", "amount": "25.00"}]
    values = [
        ValueRow("exchange_rate", "CHF/USD", " 1.2 ", valid_from=date(2026, 1, 1), version=7),
        ValueRow("other", "a", "b"),
    ]
    assert value_rows(values) == [
        {
            "name": "exchange_rate",
            "key": "chf/usd",
            "entity": "*",
            "value": "1.2",
            "valid_from": "2026-01-01",
            "position": 7,
        }
    ]
