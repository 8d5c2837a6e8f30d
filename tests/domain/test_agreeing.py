"""What a package's plan makes of one sale: the parts sum to what was sold, whatever the dates and the amount."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tieout.domain.agreeing import agreed
from tieout.domain.charging.fees import Accepted, fees
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.terms import Cap, RetainerTerms, Sold
from tieout.domain.money import Money, total

AMOUNTS = st.decimals(1, 500_000, places=2)


def sale(
    billing: Any, amount: Decimal = Decimal(9000), start: date = date(2026, 10, 1), days: int = 91
) -> tuple[Sold, tuple[Cap, ...]]:
    package = ServicePackage(key="P", name="P", practice="Data & AI", billing=billing, tasks=())
    end = start + timedelta(days=days)
    return agreed(package, id_="ENG-1/01", amount=Money(amount, "EUR"), hours=Decimal(50), start=start, end=end)


def test_time_and_material_has_no_limit_unless_the_package_says_so() -> None:
    assert sale("time_and_material")[1] == ()
    (cap,) = sale({"kind": "time", "cap": "sold_amount", "over": "write_off", "notice_at": "0.75"})[1]
    assert (cap.amount, cap.hours, cap.lines, cap.over) == (Decimal(9000), None, ("ENG-1/01",), "write_off")
    (cap,) = sale({"kind": "time", "cap": "sold_hours"})[1]
    assert (cap.amount, cap.hours) == (None, Decimal(50))


def test_a_retainer_has_a_block_for_each_span_of_the_deal_and_unused_hours_roll_over() -> None:
    terms = sale({"kind": "retainer", "hours": 20, "roll_over_months": 1}, Decimal(10_000), date(2026, 1, 31), 88)[
        0
    ].terms
    assert isinstance(terms, RetainerTerms)
    assert [(str(each.valid_from), str(each.valid_until), str(each.price)) for each in terms.blocks] == [
        ("2026-01-31", "2026-03-30", "3333.34"), ("2026-02-28", "2026-04-27", "3333.33"), ("2026-03-31", "2026-05-30", "3333.33")
    ]  # fmt: skip


@given(AMOUNTS, st.lists(st.integers(1, 100), min_size=1, max_size=7))
def test_instalments_sum_to_what_was_sold(amount: Decimal, weights: list[int]) -> None:
    shares = [Decimal(each) / sum(weights) for each in weights]
    shares[-1] = 1 - sum(shares[:-1], Decimal(0))
    plan = {
        "kind": "fixed",
        "instalments": [
            {"name": f"i{number}", "share": each, "after_days": number} if number % 2 else {"name": "m", "share": each, "milestone": "m"}
            for number, each in enumerate(shares)
        ],
    }  # fmt: skip
    sold, _ = sale(plan, amount)
    due = fees(sold, through=date(2027, 1, 1), accepted={"m": Accepted(Decimal(1), date(2026, 12, 1))}, currency="EUR")
    assert total((each.event.worth for each in due), "EUR") == Money(amount, "EUR")


@given(AMOUNTS, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 800))
def test_the_months_of_a_fee_sum_to_what_was_sold_for_all_of_them(amount: Decimal, start: date, days: int) -> None:
    sold, _ = sale({"kind": "period"}, amount, start, days)
    due = fees(sold, through=date(2030, 1, 1), accepted={}, currency="EUR")
    assert total((each.event.worth for each in due), "EUR") == Money(amount, "EUR")
    assert all(each.event.worth.amount >= 0 for each in due)


@given(AMOUNTS, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 800), st.integers(1, 12))
def test_the_blocks_of_a_retainer_sum_to_what_was_sold(amount: Decimal, start: date, days: int, months: int) -> None:
    sold, _ = sale({"kind": "retainer", "hours": 10, "every_months": months}, amount, start, days)
    due = fees(sold, through=date(2030, 1, 1), accepted={}, currency="EUR")
    assert total((each.event.worth for each in due), "EUR") == Money(amount, "EUR")


def test_what_was_sold_per_month_is_the_fee_of_each_month() -> None:
    sold, _ = sale({"kind": "period", "sold_is": "per_month"}, Decimal(1000), date(2026, 10, 1), 45)
    due = fees(sold, through=date(2030, 1, 1), accepted={}, currency="EUR")
    assert [str(each.event.worth.amount) for each in due] == ["1000.00", "500.00"]


def test_a_subscription_says_how_many_seats_its_fee_is_for_and_begins_and_ends_by_its_days() -> None:
    package = ServicePackage(
        key="P", name="P", practice="Data & AI", tasks=(),
        billing={"kind": "period", "sold_is": "per_month", "unit": "seats"},  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    sold, _ = agreed(
        package, id_="S", amount=Money(Decimal(600), "EUR"), hours=Decimal(0), start=date(2026, 9, 16), end=date(2026, 11, 10),
        quantity=Decimal(12),
    )  # fmt: skip
    due = fees(sold, through=date(2030, 1, 1), accepted={}, currency="EUR")
    assert [(each.name, str(each.event.worth.amount)) for each in due] == [
        ("2026-09, 12 seats", "300.00"), ("2026-10, 12 seats", "600.00"), ("2026-11, 12 seats", "200.00")
    ]  # fmt: skip
    assert due[0].basis == {"month": "2026-09", "quantity": "12", "unit": "seats"}


@pytest.mark.parametrize(
    "plan",
    [
        {"kind": "fixed", "instalments": [{"name": "x", "share": "0.9", "after_days": 0}]},
        {"kind": "fixed", "instalments": [{"name": "x", "share": 1}]},
        {"kind": "retainer", "hours": 0},
        {"kind": "usage", "unit": "GB", "tiers": []},
        {"kind": "barter"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(plan: Any) -> None:
    with pytest.raises(ValidationError):
        sale(plan)
