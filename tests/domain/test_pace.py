"""How the pace answers to refusals: a little at the limit, a lot far above it, and by what was stated where something was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tieout.domain.limits.learned import Learned
from tieout.domain.limits.pace import Heard, Pace, Rule, asked_for, for_persons, heard, per_second, refilled, saved_up

KNOWN = Learned(25.0, 20.0, 30.0)
STATED = Rule(per_second=20)


def used(pace: Pace, seconds: float, rate: float, rule: Rule, now: float) -> Pace:
    """After so many seconds, in which calls wait for it and it carries out so many a second; they end at `now`."""
    for n in range(round(seconds * 10)):
        moment = now - seconds + (n + 1) / 10
        pace = refilled(heard(pace, rule, Heard(accepted=round(rate / 10)), 0, moment), rule, 9, 0, moment)
    return pace


def test_a_refusal_at_the_limit_costs_little_and_is_made_good_in_half_a_minute() -> None:
    pace = used(Pace(KNOWN, at=90.0, busy=True), 10, 20, Rule(), 100.0)
    cut = heard(pace, Rule(), Heard(refused=1), 1, 100.0)
    assert per_second(cut, Rule()) == pytest.approx(0.97 * per_second(pace, Rule()))
    later = used(cut, 30, 20, Rule(), 130.0)
    assert per_second(later, Rule()) == pytest.approx(cut.rate.ceiling)


def test_who_is_far_above_the_limit_comes_down_by_a_quarter_at_a_time() -> None:
    pace, now = Pace(Learned(100.0, 100.0, 30.0), at=100.0), 100.0
    rates = [per_second(pace, Rule())]
    for _ in range(4):
        now += 0.1
        pace = heard(pace, Rule(), Heard(accepted=1, refused=3), 4, now)
        rates.append(per_second(pace, Rule()))
    assert rates == pytest.approx([100, 97, 75.3, 58.4, 45.3], rel=0.01)


def test_who_is_refused_seldom_is_not_far_above_the_limit_though_little_waited_meanwhile() -> None:
    pace = heard(Pace(KNOWN, at=100.0), Rule(), Heard(accepted=9, refused=1), 10, 100.0)
    later = heard(replace(pace, at=102.0), Rule(), Heard(accepted=9, refused=1), 10, 102.0)
    assert per_second(later, Rule()) > 0.93 * 20


def test_who_is_refused_at_once_after_a_pause_that_was_asked_for_is_far_above_it() -> None:
    pace = heard(Pace(KNOWN, at=100.0), Rule(), Heard(accepted=3, refused=1, wait=5.0), 4, 100.0)
    later = heard(pace, Rule(), Heard(accepted=1, refused=1, wait=5.0), 2, 105.5)
    assert per_second(later, Rule()) < 0.93 * 20


def test_who_is_refused_again_at_once_does_not_fall_below_what_was_just_carried_out() -> None:
    pace = used(Pace(KNOWN, at=90.0, busy=True), 10, 20, Rule(), 100.0)
    for now in (100.0, 100.1, 100.2, 100.3):
        pace = heard(pace, Rule(), Heard(accepted=1, refused=1), 2, now)
    assert per_second(pace, Rule()) > 0.8 * 20


def test_a_call_that_asks_whether_the_silence_is_over_says_nothing_of_the_rate() -> None:
    pace = used(Pace(KNOWN, at=90.0, busy=True), 10, 20, Rule(), 100.0)
    for now in (100.0, 100.1):
        pace = heard(pace, Rule(), Heard(refused=1), 1, now)
    pace = heard(pace, Rule(), Heard(refused=1), 1, 100.4)
    silent = per_second(pace, Rule())
    for now in (101.0, 102.0):
        pace = heard(pace, Rule(), Heard(refused=1), 1, now)
    assert pace.strikes == 3
    assert per_second(pace, Rule()) == silent


def test_a_stated_limit_is_used_from_the_first_call_and_a_refusal_cuts_from_there() -> None:
    fresh = Pace(at=100.0)
    assert per_second(fresh, STATED) == 20
    assert per_second(fresh, Rule(per_second=300)) == 300
    learned = Pace(Learned(25.0, 100.0, 30.0), at=100.0)  # before the firm stated it
    for pace in (fresh, learned):
        assert per_second(heard(pace, STATED, Heard(refused=1), 1, 100.0), STATED) == pytest.approx(19.4)


def test_what_persons_ask_for_is_counted_by_the_minute() -> None:
    pace = Pace(at=100.0)
    for n in range(20):
        pace = asked_for(pace, 4, 100.0 + n)
    assert for_persons(pace, 120.0) == pytest.approx(4.0)
    assert for_persons(pace, 150.0) == pytest.approx(80 / 50)
    assert for_persons(pace, 300.0) == 0.0


def test_one_call_is_kept_for_persons_however_slow_the_system_is() -> None:
    assert [saved_up(Pace(Learned(rate, rate, 30.0), room=1.0), Rule(), 0) for rate in (1.0, 18.0, 100.0)] == [1, 1, 5]
