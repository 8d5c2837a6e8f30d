"""What is left of figures and texts for somebody whose role shows no money: the work, and a dash."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.domain.masking import in_words, is_amount, without_money


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Above 250,000.00 USD waits", "Above \N{EN DASH} waits"),
        ("sold for EUR 1200 at €99.5", "sold for \N{EN DASH} at \N{EN DASH}"),
        ("differs by \u22120.01", "differs by \N{EN DASH}"),
        ("budget: 50000.00, rate 340.5 USD", "budget: \N{EN DASH}, rate \N{EN DASH}"),
        ("3 holds of H-20401, version 1.2.30, 09:12:00.000Z, 10.0.0.12", None),
        ("12 ERP projects in 7 days", None),
    ],
)
def test_a_text_loses_its_amounts_and_nothing_else(text: str, left: str | None) -> None:
    assert in_words(text) == (text if left is None else left)


@pytest.mark.parametrize(
    ("told", "left", "paths"),
    [
        ({"amount": {"amount": "1.00", "currency": "USD"}}, {"amount": None}, ["amount"]),
        ({"items": [{"rate": "340"}, {"rate": 340}]}, {"items": [{"rate": None}, {"rate": None}]}, ["items[].rate"]),
        ({"hours": "7.50", "minutes": 450, "share": 0.5}, {"hours": "7.50", "minutes": 450, "share": 0.5}, []),
        ({"something": "7.50", "other": 7.5}, {"something": None, "other": None}, ["something", "other"]),
        ({"amount_minor": 5000}, {"amount_minor": None}, ["amount_minor"]),
        (
            {"title": "5 USD", "open": True, "none": None},
            {"title": "\N{EN DASH}", "open": True, "none": None},
            ["title"],
        ),
        (["1.5", "a"], [None, "a"], ["[]"]),
    ],
)
def test_json_names_what_was_taken_out(told: Any, left: Any, paths: list[str]) -> None:
    assert without_money(told) == (left, paths)


def test_a_name_says_whether_a_field_is_money() -> None:
    assert [
        name for name in ("unit_price", "sold.amount", "amount_minor", "cost", "hours", "rate_card") if is_amount(name)
    ] == [
        "unit_price",
        "sold.amount",
        "amount_minor",
        "cost",
    ]
