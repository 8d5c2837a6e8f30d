"""What a ledger has closed takes no posting: it has the first day of the next open period, and the work keeps its own (T21)."""

from __future__ import annotations

from datetime import date

from tieout.domain.posting import Period, is_closed, periods_of, posting_day

STORED = [
    {"first": "2026-12-01", "last": "2026-12-31", "open": True},
    {"first": "2026-10-01", "last": "2026-10-31", "open": False},
    {"first": "2026-11-01", "last": "2026-11-30", "open": False},
]


def test_what_is_wanted_in_a_closed_period_is_posted_on_the_first_day_that_the_ledger_takes() -> None:
    periods = periods_of(STORED)
    assert [each.first.month for each in periods] == [10, 11, 12]
    assert posting_day(periods, date(2026, 10, 31)) == date(2026, 12, 1)
    assert posting_day(periods, date(2026, 12, 24)) == date(2026, 12, 24)
    assert posting_day(periods[:2], date(2026, 11, 3)) is None


def test_nothing_is_closed_of_which_the_ledger_says_nothing() -> None:
    assert not is_closed([], date(2026, 10, 1))
    assert not is_closed(periods_of(STORED), date(2027, 1, 1))
    assert posting_day([], date(2026, 10, 1)) == date(2026, 10, 1)
    adjusted = [Period(date(2026, 10, 1), date(2026, 10, 31), open=each) for each in (False, True)]
    assert not is_closed(adjusted, date(2026, 10, 5)), "one of two open periods of a day is enough"
