"""The story's clock stands, jumps forward and never back, also over a restart, and shows its date in a file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tieout.sandbox.clock import StoryClock

START = datetime(2026, 9, 30, 6, tzinfo=UTC)


def test_a_clock_stands_until_it_is_moved() -> None:
    clock = StoryClock(START)
    assert clock() == clock() == START
    clock.tick()
    assert clock() == START + timedelta(seconds=1)


def test_a_clock_never_runs_backwards() -> None:
    clock = StoryClock(START)
    clock.jump(datetime(2026, 10, 5, 8, tzinfo=UTC))
    clock.jump(START)
    assert clock() == datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_a_restarted_clock_goes_on_where_it_stood(tmp_path: Path) -> None:
    StoryClock(START, state=tmp_path / "clock").jump(datetime(2026, 10, 5, 8, 0, 7, tzinfo=UTC))
    assert StoryClock(START, state=tmp_path / "clock")() == datetime(2026, 10, 5, 8, 0, 7, tzinfo=UTC)


def test_the_calendar_shows_the_date_and_nothing_else(tmp_path: Path) -> None:
    calendar = tmp_path / "elsewhere" / "calendar"
    clock = StoryClock(START, calendar=calendar)
    assert date.fromisoformat(calendar.read_text().strip()) == date(2026, 9, 30)
    clock.jump(datetime(2026, 10, 1, 7, tzinfo=UTC))
    assert calendar.read_text() == "2026-10-01\n"
    assert [each.name for each in calendar.parent.iterdir()] == ["calendar"]
