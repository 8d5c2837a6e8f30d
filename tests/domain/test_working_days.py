"""What waits in working days waits by the calendar of its legal entity, in that one's own time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.limits.settings import DAYS
from tieout.domain.routing import Region
from tieout.domain.working_days import Calendars, WorkingCalendar, WorkingDays, running_out

BEGINS, ENDS = datetime(2026, 1, 1), datetime(2027, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
GERMANY = WorkingCalendar(
    name="Germany", entities=("DE",), time_zone="Europe/Berlin", holidays={date(2026, 12, 25): "Christmas"}
)
EUROPE = WorkingCalendar(name="Europe", regions=("EMEA",), holidays={date(2026, 5, 1): "Labour Day"})
FIRM = WorkingCalendar(name="Firm", holidays={date(2026, 11, 26): "Thanksgiving"})


def berlin(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def test_a_working_day_later_is_the_same_time_of_the_next_day_on_which_people_work() -> None:
    days = WorkingDays(GERMANY, BERLIN)
    assert days.after(berlin(17, 16), 1) == berlin(18, 16)
    assert days.after(berlin(18, 16), 1) == berlin(21, 16), "the weekend does not count"
    assert days.after(berlin(24, 9, 30), 1) == berlin(28, 9, 30), "nor does a holiday"
    assert days.after(berlin(19, 12), 1) == berlin(22, 0), "what is asked on a Saturday is asked on Monday"
    assert days.after(berlin(18, 16), 1).tzinfo is UTC


def test_hours_pass_on_working_days_from_midnight_to_midnight() -> None:
    days = WorkingDays(GERMANY, BERLIN)
    assert days.later(berlin(18, 20), timedelta(hours=3)) == berlin(18, 23)
    assert days.later(berlin(18, 20), timedelta(hours=4)) == berlin(19, 0)
    assert days.later(berlin(18, 20), timedelta(hours=5)) == berlin(21, 1)
    assert days.later(berlin(25, 8), timedelta(0)) == berlin(28, 0)


def test_a_day_on_which_the_clocks_change_is_one_day() -> None:
    days = WorkingDays(WorkingCalendar(name="always", working_days=DAYS), BERLIN)
    assert days.after(berlin(24, 16, month=10), 1) == berlin(25, 16, month=10)
    assert days.later(berlin(25, 0, month=10), timedelta(hours=25)) == berlin(26, 0, month=10)


@given(
    st.datetimes(BEGINS, ENDS, timezones=st.just(UTC)),
    st.integers(0, 40),
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 3, 1)), max_size=20),
)
def test_whatever_the_calendar_what_waits_ends_on_a_working_day_and_no_sooner_with_more_days(
    moment: datetime, number: int, working: set[str], off: set[date]
) -> None:
    calendar = WorkingCalendar.model_validate(
        {"name": "any", "working_days": sorted(working), "holidays": dict.fromkeys(off, "off")}
    )
    days = WorkingDays(calendar, NEW_YORK)
    at = days.after(moment, number)
    assert days.works(at.astimezone(NEW_YORK).date())
    assert moment <= at < days.after(moment, number + 1)
    between = [moment.astimezone(NEW_YORK).date() + timedelta(days=n) for n in range(1, 600)]
    passed = [each for each in between if each <= at.astimezone(NEW_YORK).date() and days.works(each)]
    began_off = not days.works(moment.astimezone(NEW_YORK).date())
    assert len(passed) == number + began_off


def test_a_calendar_whose_last_holiday_is_over_is_told() -> None:
    told = ["Germany names no holiday after 2026-12-25: write down those of the next year"]
    assert running_out([GERMANY, WorkingCalendar(name="none")], date(2026, 12, 25)) == told
    assert running_out([GERMANY], date(2026, 12, 24)) == []


def test_an_entity_works_by_its_own_calendar_then_by_its_regions_then_by_the_firms() -> None:
    regions = {"EMEA": Region(entities=("DE", "FR"))}
    calendars = Calendars((FIRM, EUROPE, GERMANY), regions, "America/New_York")
    found = {code: calendars.of(code) for code in ("DE", "FR", "US", None)}
    assert {code: each.calendar.name for code, each in found.items()} == {
        "DE": "Germany", "FR": "Europe", "US": "Firm", None: "Firm",
    }  # fmt: skip
    assert (found["DE"].zone, found["FR"].zone) == (BERLIN, NEW_YORK)
    nobody = Calendars((GERMANY,), regions, "UTC").of("US")
    assert (nobody.works(date(2026, 11, 27)), nobody.works(date(2026, 11, 28))) == (True, False)
