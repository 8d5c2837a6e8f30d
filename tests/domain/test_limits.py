"""The limiter's decisions, in virtual time: near the ideal, few refusals, lanes and entities, and what the saboteurs break."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from tests.domain.throttled import Adaptive, BackingOff, System

from tieout.domain.limits.grant import Ask, Shared, grant
from tieout.domain.limits.learned import Learned
from tieout.domain.limits.pace import Heard, Pace, Rule, allowance, heard, left, per_second, refilled
from tieout.domain.limits.settings import LANES, LimitSettings, Window
from tieout.domain.limits.turns import Turns, share_out

CALLS = 20_000
# A system that was found to take a hundred calls a second.
FAST = Learned(100.0)
IDEAL = 200.0


def good(seconds: float, system: System) -> bool:
    """Goal G13."""
    return seconds <= 1.1 * IDEAL and system.wasted <= 0.05


@pytest.mark.parametrize("burst", [0.05, 0.2, 1.0], ids="{} s of capacity saved up".format)
def test_two_hundred_callers_finish_near_the_ideal_time_and_few_are_refused(burst: float) -> None:
    system = System(burst=burst)
    assert good(Adaptive(system, Counter({("backfill", "US"): CALLS})).run(), system)


def test_a_system_that_is_ten_times_slower_than_the_first_guess_is_found_out_in_seconds() -> None:
    system = System(capacity=10)
    took = Adaptive(system, Counter({("backfill", "US"): 1000}), processes=2).run()
    assert took <= 1.1 * 1000 / 10
    assert system.wasted <= 0.05


def test_a_system_that_says_when_to_come_again_is_obeyed_and_still_fully_used() -> None:
    system = System(says_when=1.0)
    assert good(Adaptive(system, Counter({("backfill", "US"): CALLS})).run(), system)


def test_calls_at_the_same_time_are_learned_where_the_system_complains_of_them() -> None:
    system = System(capacity=1e6, burst=1, most_at_once=15)
    took = Adaptive(system, Counter({("backfill", "US"): CALLS})).run()
    assert took <= 1.2 * CALLS * 0.1 / 15
    assert system.wasted <= 0.05


def test_the_saboteur_each_call_backs_off_by_itself_is_caught() -> None:
    system = System()
    assert not good(BackingOff(system, CALLS).run(), system)


def test_the_saboteur_every_process_has_a_pace_of_its_own_is_caught() -> None:
    shared, alone = System(), System()
    for system in (shared, alone):
        Adaptive(system, Counter({("backfill", "US"): CALLS // 4}), alone=system is alone).run()
    assert alone.wasted > 4 * shared.wasted, (alone.wasted, shared.wasted)


def interactive_p95(*, no_lanes: bool) -> float:
    """Seconds that a person's call takes, waiting and answer, while the back-fill fills everything."""
    world = Adaptive(System(), Counter({("backfill", "US"): CALLS}), no_lanes=no_lanes)
    world.rings(("interactive", ""), every=0.5, until=180)
    world.run()
    waits = sorted(world.waits["interactive", ""])
    return waits[int(0.95 * len(waits))]


def test_a_person_hardly_waits_while_the_backfill_fills_everything() -> None:
    assert interactive_p95(no_lanes=False) <= 0.4


def test_the_saboteur_no_lanes_is_caught() -> None:
    assert interactive_p95(no_lanes=True) > 0.4


def test_lanes_get_by_weight_and_none_starves() -> None:
    given, _ = share_out(Turns(), {(lane, "US"): 1000 for lane in LANES}, 290)
    assert {lane: given[lane, "US"] for lane in LANES} == {
        "interactive": 160, "billing": 80, "master": 40, "backfill": 10,
    }  # fmt: skip


def test_a_small_entity_gets_as_much_as_one_with_a_mountain() -> None:
    turns, given = Turns(), Counter[tuple[str, str]]()
    for _ in range(100):  # one call at a time, as a slow system allows
        one, turns = share_out(turns, {("billing", "US"): 100_000, ("billing", "DE"): 60}, 1)
        given += one
    assert given == {("billing", "US"): 50, ("billing", "DE"): 50}


def test_who_rested_saves_nothing_up() -> None:
    turns = Turns()
    for _ in range(50):
        _, turns = share_out(turns, {("backfill", "US"): 5}, 1)
    given, _ = share_out(turns, {("backfill", "US"): 50, ("backfill", "DE"): 50}, 20)
    assert given["backfill", "DE"] <= 11


def test_what_is_anothers_turn_is_left_to_it() -> None:
    shared = Shared(Pace(room=1.0, at=10.0))
    ask = Ask(waiting={("backfill", "US"): 9})
    mine = grant(shared, Rule(), ask, Counter({("interactive", ""): 1}), 0, 10.0)
    assert not mine.calls
    assert mine.shared.pace.room == 1.0
    ask = Ask(waiting={("interactive", ""): 1})
    theirs = grant(mine.shared, Rule(), ask, Counter({("backfill", "US"): 9}), 0, 10.0)
    assert theirs.calls == {("interactive", ""): 1}


def test_a_system_that_refuses_everything_is_left_alone_and_asked_by_one_call() -> None:
    pace, now = Pace(at=100.0), 100.0
    for _ in range(5):
        now = max(now + 1.0, pace.quiet_until)
        pace = heard(pace, Rule(), Heard(refused=9), 9, now)
        assert allowance(pace, Rule(), 0, pace.quiet_until - 0.01) == 0 if pace.strikes else True
    assert allowance(refilled(pace, Rule(), 9, 0, pace.quiet_until), Rule(), 0, pace.quiet_until) == 1
    assert pace.quiet_until - now == pytest.approx(0.25 * 2**3)


def test_the_wish_of_the_system_is_obeyed() -> None:
    pace = heard(Pace(at=100.0), Rule(), Heard(accepted=3, refused=1, wait=30.0), 4, 100.0)
    assert allowance(pace, Rule(), 0, 129.9) == 0


def test_our_share_of_a_reported_budget_ends_before_the_vendors_and_the_backfill_before_that() -> None:
    rule = Rule(share=0.5)
    told = Shared(Pace(at=10.0, room=20.0))
    for used, lane, served in [
        (390, "backfill", 1),
        (410, "backfill", 0),
        (410, "billing", 1),
        (500, "interactive", 0),
    ]:
        ask = Ask(Heard(accepted=1, budget=(used, 1000)), waiting={(lane, ""): 1})
        assert grant(told, rule, ask, {}, 0, 10.0).calls.total() == served, (used, lane)
    assert left(heard(Pace(), Rule(), Heard(budget=(390, 1000)), 0, 1.0), rule) == 110


def test_a_spent_budget_is_believed_for_a_minute_then_a_person_asks_what_is_left() -> None:
    told = Shared(heard(Pace(at=10.0, room=50.0), Rule(), Heard(accepted=1, budget=(1000, 1000)), 1, 10.0))
    for lane, now, served in [("interactive", 60.0, 0), ("backfill", 80.0, 0), ("interactive", 80.0, 5)]:
        found = grant(told, Rule(), Ask(waiting={(lane, ""): 5}), {}, 0, now)
        assert found.calls.total() == served, (lane, now)
        told = found.shared
    assert not grant(told, Rule(), Ask(waiting={("interactive", ""): 5}), {}, 0, 81.0).calls


def test_what_nobody_waits_for_is_given_in_store_and_taken_back() -> None:
    idle = grant(
        Shared(Pace(FAST, at=10.0, room=10.0)), Rule(), Ask(waiting={("billing", ""): 2}, spare=9), {}, 0, 10.0
    )
    assert (idle.calls.total(), idle.spare, idle.shared.pace.room) == (2, 4, 4.0)
    busy = grant(idle.shared, Rule(), Ask(spare=9, unused=4), {("backfill", ""): 30}, 2, 10.0)
    assert (busy.spare, busy.shared.pace.room) == (0, 8.0)


def test_while_others_wait_a_person_alone_gets_something_in_store() -> None:
    full = Shared(Pace(FAST, at=10.0, room=20.0))
    ask = Ask(waiting={("interactive", ""): 1}, spare=2, persons=1)
    found = grant(full, Rule(), ask, {("backfill", "US"): 99}, 0, 10.0)
    assert (found.calls.total(), found.spare, found.persons) == (1, 0, 1)


def test_some_calls_are_kept_for_persons() -> None:
    full = Shared(Pace(FAST, at=10.0, room=20.0))
    filling = grant(full, Rule(), Ask(waiting={("backfill", "US"): 99}), {}, 0, 10.0)
    assert filling.calls.total() == 15
    person = grant(filling.shared, Rule(), Ask(waiting={("interactive", ""): 3}), {("backfill", "US"): 99}, 0, 10.0)
    assert person.calls == {("interactive", ""): 3}


def test_of_a_system_with_few_places_one_is_kept_for_persons_where_arrays_would_take_all() -> None:
    full, rule = Shared(Pace(FAST, at=10.0, room=20.0)), Rule(at_once=15)
    filling = grant(full, rule, Ask(waiting={("billing", "US"): 99}), {}, 0, 10.0)
    assert filling.calls.total() == 14
    person = Ask(waiting={("interactive", ""): 1, ("billing", "US"): 85}, in_flight=14)
    assert grant(filling.shared, rule, person, {}, 0, 10.0).calls == {("interactive", ""): 1}
    narrow = grant(full, Rule(at_once=5), Ask(waiting={("billing", "US"): 99}), {}, 0, 10.0)
    assert narrow.calls.total() == 5, "of a handful each is a lot"


def after_silence(*, down: bool) -> Pace:
    """600 calls in six seconds, then nothing until 64 s after the first: one call asks now and then."""
    pace = Pace(at=100.0, rate=FAST, busy=True)
    for n in range(1, 61):
        pace = refilled(heard(pace, Rule(), Heard(accepted=10), 0, 100 + n / 10), Rule(), 9, 0, 100 + n / 10)
    now = 107.0
    while now < 164:
        pace = heard(pace, Rule(), Heard(refused=1, down=down), 1, now)
        now = max(now + 1.0, pace.quiet_until)
    return heard(pace, Rule(), Heard(accepted=1), 1, now)


def test_a_system_that_counts_by_the_minute_is_known_by_its_silence() -> None:
    assert 7.5 < per_second(after_silence(down=False), Rule()) <= 10
    assert per_second(after_silence(down=True), Rule()) > 70


def test_the_configured_rate_is_never_exceeded() -> None:
    system = System(capacity=1000)
    took = Adaptive(system, Counter({("backfill", "US"): 2000}), rule=Rule(per_second=40)).run()
    assert system.refused == 0
    assert 2000 / 40 <= took + 1 <= 1.1 * 2000 / 40


NIGHT = Window(begins="20:00", ends="06:00", lanes=LANES)
DAY = Window(
    days=("mon", "tue", "wed", "thu", "fri"), begins="08:00", ends="18:00", lanes=("interactive", "billing"), share=0.5
)
BLACKOUT = Window(days=("sun",), begins="23:00", ends="02:00", lanes=())


@pytest.mark.parametrize(
    ("moment", "lanes", "share"),
    [
        (datetime(2026, 11, 26, 12, tzinfo=UTC), ("interactive", "billing"), 0.5),  # a Thursday
        (datetime(2026, 11, 26, 18, tzinfo=UTC), LANES, 0.8),
        (datetime(2026, 11, 28, 12, tzinfo=UTC), LANES, 0.8),
        (datetime(2026, 11, 29, 23, 30, tzinfo=UTC), (), 0.8),  # Sunday night
        (datetime(2026, 11, 30, 1, 59, tzinfo=UTC), (), 0.8),
        (datetime(2026, 11, 30, 2, tzinfo=UTC), LANES, 0.8),
    ],
)
def test_the_hour_says_which_work_may_call(moment: datetime, lanes: tuple[str, ...], share: float) -> None:
    settings = LimitSettings(windows=(DAY, BLACKOUT))
    assert settings.lanes_at(moment) == lanes
    assert settings.share_at(moment) == share


def test_work_that_no_hour_allows_is_refused() -> None:
    with pytest.raises(ValidationError, match="no hour of the week allows master, backfill"):
        LimitSettings(windows=(Window(begins="00:00", ends="00:00", lanes=("interactive", "billing")),))
    LimitSettings(windows=(DAY, NIGHT, BLACKOUT))


@pytest.mark.parametrize("wrong", [{"share": 0}, {"share": 1.2}, {"concurrency": 0}, {"per_second": -1}, {"rate": 3}])
def test_a_limit_that_cannot_be_meant_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        LimitSettings(**wrong)
