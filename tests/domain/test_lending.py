"""Who lends whom, and at which price, as value tables say it (T49, T50)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from tieout.domain.consistency import faults
from tieout.domain.firm import TableRow, ValueTable
from tieout.domain.lending import lenders, prices
from tieout.domain.values import ValueRow

Make = Callable[..., Any]


def row(table: str, key: str, value: str, version: int = 1) -> ValueRow:
    return ValueRow(table, key, value, valid_from=date(2026, 1, 1), version=version)


def test_a_company_and_a_vendor_lend_people_and_nothing_ends_it() -> None:
    rows = [row("person_entity", " K103", "DE "), row("subcontractor", "X901", "Iberia"), row("tax_class", "a", "b")]
    found = lenders([*rows, row("subcontractor", "X901", "")])
    assert {who: [(each["kind"], each["lender"]) for each in told] for who, told in found.items()} == {
        "k103": [("company", "DE")], "x901": [("vendor", "Iberia"), ("vendor", "")]
    }  # fmt: skip


def test_prices_are_shares_between_companies_and_money_per_hour_of_a_person() -> None:
    shares = [row("transfer_share", "DE/US", each) for each in ("0.7", "", "most")]
    found = prices([*shares, *(row("subcontractor_rate", "X901", each) for each in ("95.00 USD", "95", ""))])
    assert {key: [(each["amount"], each["currency"]) for each in told] for key, told in found.items()} == {
        "company de/us": [("0.7", ""), (None, "")], "vendor x901": [("95.00", "USD"), (None, "")]
    }  # fmt: skip


def test_a_folder_is_told_what_nobody_can_reckon_with(make_firm: Make) -> None:
    shares = {"DE/US": "0.7", "DE/FR": "0.7", "DE/DE": "1", "US/DE": "70 %"}
    rates = {"X1": "95.00 USD", "X2": "95", "X3": "95.005 USD", "X4": ""}
    tables = tuple(
        ValueTable(name=name, purpose="cost", rows=tuple(TableRow(key=key, value=value) for key, value in said.items()))
        for name, said in (("transfer_share", shares), ("subcontractor_rate", rates))
    )
    firm = make_firm()
    at = len(firm.tables)
    assert [str(each) for each in faults(firm.model_copy(update={"tables": (*firm.tables, *tables)}))] == [
        f"tables[{at}].rows[1].key: “DE/FR” is no pair of legal entities. Write it like DE/US: who lends, whose project.",
        f"tables[{at}].rows[2].key: “DE/DE” is no pair of legal entities. Write it like DE/US: who lends, whose project.",
        f"tables[{at}].rows[3].value: “70 %” is no share of the agreed value. Write it like 0.7.",
        f"tables[{at + 1}].rows[1].value: “95” is no money per hour. Write it like 95.00 USD.",
        f"tables[{at + 1}].rows[2].value: “95.005 USD” is no money per hour. Write it like 95.00 USD.",
    ]
