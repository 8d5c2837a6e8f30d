"""When what waits will be done: at the system's speed, in its hours, within its day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tieout.domain.limits.forecast import Load, Speed, forecast, told
from tieout.domain.limits.settings import LimitSettings, Window

ZONE = ZoneInfo("America/New_York")
EVENING = datetime(2026, 11, 26, 18, 30, tzinfo=ZONE)  # a Thursday
HOURS = Window(
    days=("mon", "tue", "wed", "thu", "fri"), begins=time(8), ends=time(18), lanes=("interactive", "billing"), share=0.4
)


def test_what_waits_tonight_in_the_words_of_the_issue() -> None:
    found = forecast([Load("billing", 41_200, 41_200 / 200)], Speed(206 / 11_400), LimitSettings(), EVENING)
    assert told(found, EVENING) == "41,200 lines, 3 h 10 min at its limit, ends 21:40"


def test_what_is_more_pressing_is_done_first_and_all_of_it_takes_as_long() -> None:
    loads = [Load("backfill", 900, 900), Load("billing", 100, 100)]
    found = forecast(loads, Speed(10), LimitSettings(), EVENING)
    assert (found.lines, found.calls, found.working) == (1000, 1000, timedelta(seconds=100))


def test_the_backfill_waits_for_the_evening_and_billing_does_not() -> None:
    settings = LimitSettings(per_second=10, share=0.8, windows=(HOURS,))
    at_five = EVENING.replace(hour=17, minute=0)
    billing = forecast([Load("billing", 400, 400)], Speed(4), settings, at_five)
    assert billing.ends == at_five + timedelta(seconds=100)
    both = forecast([Load("billing", 400, 400), Load("backfill", 800, 800)], Speed(4), settings, at_five)
    assert both.ends == at_five.replace(hour=18) + timedelta(seconds=100)  # twice as fast from six o'clock on
    assert both.working == timedelta(seconds=200)


def test_a_blackout_interrupts() -> None:
    night = Window(begins=time(19), ends=time(23), lanes=())
    found = forecast([Load("billing", 1, 2400)], Speed(1), LimitSettings(windows=(night,)), EVENING)
    assert found.ends == EVENING.replace(hour=23, minute=10)
    assert told(found, EVENING) == "1 line, 40 min at its limit, ends 23:10"


def test_what_is_left_of_the_day_is_used_first_then_what_falls_out_of_it() -> None:
    found = forecast([Load("billing", 10, 1000)], Speed(10, left=500, day=8640), LimitSettings(), EVENING)
    assert found.ends == EVENING + timedelta(seconds=50 + 5000)
    assert told(found, EVENING) == "10 lines, 1 h 24 min at its limit, ends 19:54"


def test_an_end_that_is_not_today_says_its_day() -> None:
    found = forecast([Load("billing", 7, 3600 * 8)], Speed(1), LimitSettings(), EVENING)
    assert told(found, EVENING) == "7 lines, 8 h at its limit, ends Fri 02:30"


def test_what_takes_longer_than_a_week_has_no_end() -> None:
    found = forecast([Load("billing", 10**7, 10**7)], Speed(1), LimitSettings(), EVENING)
    assert found.ends is None
    assert "more than a week" in told(found, EVENING)


def test_nothing_waits() -> None:
    found = forecast([], Speed(1), LimitSettings(), EVENING)
    assert (found.lines, found.ends) == (0, EVENING)
    soon = forecast([Load("billing", 2, 2)], Speed(1), LimitSettings(), EVENING)
    assert told(soon, EVENING) == "2 lines, less than a minute at its limit, ends 18:30"


def test_what_persons_go_on_asking_for_is_not_there_for_what_waits() -> None:
    waits, speed = [Load("backfill", 900, 900)], Speed(20, persons=5)
    assert forecast(waits, speed, LimitSettings(), EVENING).working == timedelta(seconds=60)
    asked = [Load("interactive", 900, 900)]
    assert forecast(asked, speed, LimitSettings(), EVENING).working == timedelta(seconds=45)


def test_however_much_persons_ask_for_what_waits_has_its_turn() -> None:
    found = forecast([Load("backfill", 100, 100)], Speed(17, persons=30), LimitSettings(), EVENING)
    assert found.working == timedelta(seconds=100)
