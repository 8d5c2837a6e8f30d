"""How an invoice stands is told in words richer than “paid” (T51)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tieout.domain.invoice_status import status, written_off

STANDS = [
    # state, paid, credited, given up → words; the total is 100
    ("posted", 0, 0, 0, "posted"),
    ("partly_paid", 40, 0, 0, "partly paid"),
    ("partly_paid", 40, 40, 0, "posted, credited in part"),
    ("partly_paid", 60, 40, 0, "partly paid, credited in part"),
    ("paid", 100, 0, 0, "paid"),
    ("paid", 100, 40, 0, "paid, credited in part"),
    ("paid", 100, 100, 0, "credited"),
    ("paid", 90, 0, 10, "paid, rest written off"),
    ("paid", 90, 40, 10, "paid, credited in part, rest written off"),
    ("cancelled", 0, 0, 0, "cancelled"),
]


@pytest.mark.parametrize(("state", "paid", "credited", "given_up", "words"), STANDS)
def test_t51_an_invoice_stands_in_more_words_than_paid(
    state: str, paid: int, credited: int, given_up: int, words: str
) -> None:
    assert status(state, Decimal(100), Decimal(paid), Decimal(credited), Decimal(given_up)) == words
    assert len(words) <= 40, "the field of the CRM has forty characters"


def test_t51_a_dispute_is_told_as_long_as_something_is_open() -> None:
    longest = status("partly_paid", Decimal(100), Decimal(60), Decimal(40), Decimal(0), disputed=True)
    assert longest == "partly paid, credited in part, disputed"
    assert len(longest) <= 40
    assert status("posted", Decimal(100), Decimal(0), Decimal(0), Decimal(0), disputed=True) == "posted, disputed"
    assert status("paid", Decimal(100), Decimal(100), Decimal(0), Decimal(0), disputed=True) == "paid"


def test_a_credit_note_stands_as_the_ledger_says() -> None:
    assert status("paid", Decimal(-40), Decimal(0), Decimal(0), Decimal(0)) == "paid"


def test_only_what_the_ledger_calls_paid_can_have_been_written_off() -> None:
    assert written_off("paid", Decimal(100), Decimal(90), Decimal(0)) == 10
    assert written_off("partly_paid", Decimal(100), Decimal(90), Decimal(10)) == 0
    assert written_off("paid", Decimal(-40), Decimal(0), Decimal(0)) == 0
