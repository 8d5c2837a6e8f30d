"""What sales reads of a contract's milestones, and what cannot be told of them (T39)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.acceptance import fee_of, news, unclear
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.milestone import Milestone
from tieout.domain.documents.terms import FixedTerms, Instalment, Sold
from tieout.domain.money import Money

DAY = date(2026, 11, 2)
CONTRACT = ContractVersion(
    version=1, effective_from=date(2026, 10, 1), amount=Decimal(90), currency="USD", lines=(),
    sold=(
        Sold(id="S1", package="ADVICE"),
        Sold(
            id="S2",
            package="FIXED",
            terms=FixedTerms(
                instalments=(
                    Instalment(key="01", name="Start", amount=Decimal(30), due=DAY),
                    Instalment(key="02", name="Design", amount=Decimal(40), milestone="Design"),
                    Instalment(key="03", name="End", amount=Decimal(20), milestone="Go-live"),
                )
            ),
        ),
    ),
)  # fmt: skip


def stands(
    name: str, state: str | None = None, share: str = "0", since: date | None = None, alike: int = 1
) -> dict[str, Any]:
    return {
        "agreed": name, "source_id": None if state is None else "71", "state": state, "share": Decimal(share),
        "since": since, "alike": alike, "invoice": None, "invoice_state": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "share", "since", "words"),
    [
        (None, "0", None, "open"),
        ("open", "0", None, "open"),
        ("accepted", "1", DAY, "accepted 2026-11-02"),
        ("accepted", "0.60", DAY, "60 % accepted 2026-11-02"),
        ("open", "0", DAY, "taken back 2026-11-02"),
        ("deleted", "0", DAY, "taken back 2026-11-02"),
        ("on_hold", "0", None, "on hold"),
        ("on_hold", "0.125", DAY, "on hold, 12.5 % accepted 2026-11-02"),
    ],
)
def test_sales_reads_how_each_stands(state: str | None, share: str, since: date | None, words: str) -> None:
    assert news([stands("Design", state, share, since)]) == f"Design: {words}"


def test_they_stand_side_by_side() -> None:
    assert news([stands("Design", "open"), stands("Go-live", "accepted", "1", DAY)]) == (
        "Design: open; Go-live: accepted 2026-11-02"
    )


def test_what_its_fee_is_on_is_said_with_it() -> None:
    billed = {**stands("Design", "accepted", "1", DAY), "invoice": "2026/0042", "invoice_state": "partly_paid"}
    assert news([billed]) == "Design: accepted 2026-11-02, invoice 2026/0042 partly paid"


def test_a_milestone_is_worth_what_becomes_due_with_it() -> None:
    assert fee_of(CONTRACT, "Design") == Money(Decimal(40), "USD")
    assert fee_of(CONTRACT, "Other") == Money(Decimal(0), "USD")


def test_one_that_is_not_planned_yet_is_missed_only_when_a_stranger_was_accepted() -> None:
    where = {"deal": "Deal", "project": "Project", "link": "/p"}
    states = [stands("Design", "open", alike=2), stands("Go-live", alike=0)]
    assert [each.code for each in unclear(CONTRACT, states, [], **where)] == ["milestone.doubled"]
    doubled, missing = unclear(CONTRACT, states, ["Cut-over"], **where)
    assert (doubled.code, missing.code) == ("milestone.doubled", "milestone.missing")
    assert (missing.amount, missing.facts["others"]) == (Money(Decimal(20), "USD"), "Cut-over")


def test_what_is_accepted_was_accepted_on_a_day() -> None:
    with pytest.raises(ValueError, match="accepted on a day"):
        Milestone(
            key="k-1", project="1", name="Design", state="accepted", share=Decimal(1), source_id="1", source_version="1"
        )
