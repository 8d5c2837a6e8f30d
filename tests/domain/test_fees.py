"""Money that no hours make: due when it is due, by the days of its month, as far as a milestone is accepted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tieout.domain.charging.fees import Accepted, fees, release_of
from tieout.domain.documents.terms import (
    Block,
    Cap,
    FixedTerms,
    Instalment,
    PeriodTerms,
    RetainerTerms,
    Sold,
    Tier,
    UsageTerms,
)


def due(terms: Any, through: date, **accepted: Accepted) -> list[tuple[str, str, str]]:
    found = fees(Sold(id="S", package="P", terms=terms), through=through, accepted=accepted, currency="EUR")
    return [(each.event.ref, str(each.event.day), str(each.event.worth.amount)) for each in found]


def test_a_monthly_fee_counts_its_first_and_last_month_by_days() -> None:
    terms = PeriodTerms(amount=Decimal(3000), start=date(2026, 9, 16), end=date(2026, 11, 10))
    assert due(terms, date(2026, 12, 31)) == [
        ("S/2026-09", "2026-09-16", "1500.00"), ("S/2026-10", "2026-10-01", "3000.00"), ("S/2026-11", "2026-11-01", "1000.00")
    ]  # fmt: skip
    assert len(due(terms, date(2026, 10, 1))) == 2
    assert due(terms, date(2026, 9, 15)) == []


def test_a_fee_in_arrears_is_due_on_the_last_day() -> None:
    terms = PeriodTerms(amount=Decimal(100), start=date(2026, 2, 1), end=date(2026, 3, 14), in_advance=False)
    assert [day for _, day, _ in due(terms, date(2026, 12, 31))] == ["2026-02-28", "2026-03-14"]


def test_an_instalment_is_due_on_its_day_or_as_far_as_its_milestone_is_accepted() -> None:
    terms = FixedTerms(
        instalments=(
            Instalment(key="start", name="Start", amount=Decimal(400), due=date(2026, 10, 1)),
            Instalment(key="live", name="Live", amount=Decimal(600), milestone="go-live"),
        )
    )
    assert due(terms, date(2026, 10, 1)) == [("S/start", "2026-10-01", "400.00")]
    live = {"go-live": Accepted(Decimal("0.5"), date(2026, 11, 2))}
    assert due(terms, date(2026, 11, 1), **live) == [("S/start", "2026-10-01", "400.00")]
    assert due(terms, date(2026, 11, 2), **live)[1:] == [("S/live", "2026-11-02", "300.00")]


def test_retainage_is_released_on_its_day_or_with_full_acceptance() -> None:
    one = (Instalment(key="i", name="I", amount=Decimal(1), due=date(2026, 1, 1)),)
    by_day = FixedTerms(instalments=one, retainage=Decimal("0.1"), released=date(2026, 12, 1))
    before, after = date(2026, 11, 30), date(2026, 12, 1)
    assert [release_of(by_day, through=each, accepted={}) for each in (before, after)] == [False, True]
    with_it = FixedTerms(instalments=one, retainage=Decimal("0.1"), released_with="end")
    half, full = ({"end": Accepted(Decimal(share), date(2026, 11, 1))} for share in ("0.99", "1"))
    assert [release_of(with_it, through=date(2026, 11, 1), accepted=each) for each in (half, full)] == [False, True]


def test_a_block_is_billed_on_its_first_day_unless_the_contract_says_when() -> None:
    terms = RetainerTerms(
        blocks=(
            Block(key="Q4", price=Decimal(9000), hours=Decimal(50), valid_from=date(2026, 10, 1)),
            Block(
                key="Q1",
                price=Decimal(9000),
                hours=Decimal(50),
                valid_from=date(2027, 1, 1),
                billed_on=date(2026, 12, 1),
            ),
        )
    )
    assert due(terms, date(2026, 12, 1)) == [("S/Q4", "2026-10-01", "9000"), ("S/Q1", "2026-12-01", "9000")]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Cap(key="nothing"),
        lambda: Instalment(key="i", name="I", amount=Decimal(1)),
        lambda: Block(key="b", price=Decimal(1), valid_from=date(2026, 1, 1)),
        lambda: UsageTerms(unit="GB", tiers=(Tier(upto=Decimal(1), price=Decimal(1)),)),
    ],
)
def test_terms_that_say_nothing_are_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        wrong()
