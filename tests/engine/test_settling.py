"""What follows for an effect: the whole table of classes, states and answers, without a target and without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation
from tieout.engine.settling import (
    RETRY,
    Accept,
    Act,
    Heard,
    Hold,
    Known,
    LookUp,
    RecordDone,
    RecordRefused,
    RecordUnknown,
    Send,
    State,
    Wait,
    content_version,
    moved,
    next_act,
    outlived,
    quiet_at,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=30)
HORIZON = timedelta(hours=20)
declared = partial(Operation, creates="", money=Claim.UNTOUCHED, undo="")
KEY = declared("pay", Guarantee.KEY, "pay", SETTLE, HORIZON)
UPSERT = declared("put", Guarantee.UPSERT, "put")
UNIQUE = declared("add", Guarantee.UNIQUE, "add")
LOOK_UP = declared("post", Guarantee.LOOK_UP, "post", SETTLE)
NONE = declared("fax", Guarantee.NONE, "fax")
CLASSES = (KEY, UPSERT, UNIQUE, LOOK_UP, NONE)


def known(state: State, *, attempts: int = 1) -> Known:
    return Known(state, attempts, sent_at=NOON, first_sent_at=NOON)


def after(operation: Operation, wait: timedelta, *heard: Heard, state: State = "unknown") -> Act:
    """The next act on an effect that was sent at noon, a while later."""
    return next_act(operation, known(state), heard, NOON + wait)


def at_first(operation: Operation, *heard: Heard) -> Act:
    """The next act on an effect that the books did not know."""
    return next_act(operation, None, heard, NOON)


@pytest.mark.parametrize("operation", CLASSES, ids=lambda each: each.name)
def test_the_first_time_it_is_prepared_claimed_and_sent(operation: Operation) -> None:
    assert at_first(operation) == Send(kept=False)


@pytest.mark.parametrize("operation", CLASSES, ids=lambda each: each.name)
def test_what_is_done_is_never_sent_again(operation: Operation) -> None:
    assert after(operation, timedelta(days=400), state="done") == Accept()


@pytest.mark.parametrize("operation", CLASSES, ids=lambda each: each.name)
def test_what_was_refused_is_prepared_anew(operation: Operation) -> None:
    assert after(operation, SETTLE, state="refused") == Send(kept=False)


@pytest.mark.parametrize("operation", [KEY, UPSERT, UNIQUE], ids=lambda each: each.name)
@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_where_the_target_knows_us_the_same_bytes_are_sent_again(operation: Operation, state: State) -> None:
    assert after(operation, RETRY, state=state) == Send(kept=True)


def test_where_only_a_search_helps_the_late_request_is_waited_out_before_it() -> None:
    assert after(LOOK_UP, SETTLE - RETRY) == Wait(NOON + SETTLE, "unknown")
    assert after(LOOK_UP, SETTLE) == LookUp()
    assert after(LOOK_UP, SETTLE, Heard.ABSENT) == Send(kept=True)
    assert after(LOOK_UP, SETTLE, Heard.FOUND) == RecordDone(NOON + 2 * SETTLE)


def test_what_cannot_be_asked_waits_for_a_person() -> None:
    assert after(NONE, timedelta(0)) == Hold()
    assert after(NONE, timedelta(days=400), state="sent") == Hold()


def test_what_cannot_be_asked_may_still_be_answered_to_the_run_that_sent_it() -> None:
    assert after(NONE, timedelta(seconds=1), state="sent") == Wait(NOON + timedelta(seconds=32), "overtaken")
    assert after(NONE, timedelta(seconds=32), state="sent") == Hold()


def test_a_key_is_believed_as_long_as_the_target_surely_knows_it() -> None:
    assert after(KEY, HORIZON - RETRY) == Send(kept=True)
    assert after(KEY, HORIZON) == LookUp()
    assert after(KEY, HORIZON, Heard.ABSENT) == Send(kept=True)
    assert after(KEY, HORIZON, Heard.FOUND) == RecordDone(NOON + HORIZON + SETTLE)


def test_a_forgotten_key_that_was_sent_a_moment_ago_is_waited_out() -> None:
    doubt = Known("unknown", 9, sent_at=NOON + HORIZON - RETRY, first_sent_at=NOON)
    assert next_act(KEY, doubt, (), NOON + HORIZON) == Wait(NOON + HORIZON - RETRY + SETTLE, "unknown")


def test_a_forgotten_key_that_cannot_be_searched_waits_for_a_person() -> None:
    blind = declared("pay", Guarantee.KEY, "pay", SETTLE, HORIZON, searchable=False)
    assert after(blind, HORIZON - RETRY) == Send(kept=True)
    assert after(blind, HORIZON) == Hold()


def test_a_class_that_lives_on_keys_says_how_long_they_live() -> None:
    with pytest.raises(ValueError, match="pay has class A and no horizon"):
        declared("pay", Guarantee.KEY, "pay")


@pytest.mark.parametrize("operation", CLASSES, ids=lambda each: each.name)
def test_a_lost_answer_is_a_state_and_a_moment(operation: Operation) -> None:
    wait = SETTLE if operation is LOOK_UP else RETRY
    assert at_first(operation, Heard.LOST) == RecordUnknown(NOON + wait)


def test_a_proof_ends_it_and_what_was_searched_is_searched_once_more() -> None:
    assert at_first(UPSERT, Heard.ANSWERED) == RecordDone(None)
    assert at_first(KEY, Heard.ANSWERED) == RecordDone(None)
    assert at_first(LOOK_UP, Heard.ANSWERED) == RecordDone(NOON + SETTLE)


def test_a_unique_field_that_refuses_is_followed_by_a_look() -> None:
    assert at_first(UNIQUE, Heard.TAKEN) == LookUp()
    assert at_first(UNIQUE, Heard.TAKEN, Heard.FOUND) == RecordDone(None)
    assert at_first(UNIQUE, Heard.TAKEN, Heard.ABSENT) == RecordRefused()


def test_whoever_was_overtaken_comes_back_soon() -> None:
    assert at_first(UPSERT, Heard.OVERTAKEN) == Wait(NOON + RETRY, "overtaken")


@pytest.mark.parametrize("operation", CLASSES, ids=lambda each: each.name)
@pytest.mark.parametrize("heard", [Heard.AWAY, Heard.REFUSED])
def test_what_certainly_had_no_effect_is_recorded_so(operation: Operation, heard: Heard) -> None:
    assert at_first(operation, heard) == RecordRefused()


@pytest.mark.parametrize("operation", [KEY, UPSERT, UNIQUE], ids=lambda each: each.name)
def test_a_target_that_is_away_tells_nothing_of_the_request_before(operation: Operation) -> None:
    assert after(operation, RETRY, Heard.AWAY) == RecordUnknown(None)


def test_bytes_that_are_refused_are_prepared_anew_except_under_a_key() -> None:
    assert after(UPSERT, RETRY, Heard.REFUSED) == RecordRefused()
    assert after(UNIQUE, RETRY, Heard.REFUSED) == RecordRefused()
    assert after(KEY, RETRY, Heard.REFUSED) == RecordUnknown(None)
    assert after(KEY, HORIZON, Heard.ABSENT, Heard.REFUSED) == RecordRefused()


def test_a_worker_that_stood_still_since_its_claim_does_not_send() -> None:
    assert not outlived(NOON, NOON + timedelta(seconds=2))
    assert outlived(NOON, NOON + timedelta(seconds=3))


def test_a_newer_content_waits_until_no_older_one_can_arrive() -> None:
    answered, lost = known("done"), known("unknown")
    assert quiet_at([], SETTLE) is None
    assert quiet_at([answered, known("refused")], SETTLE) is None
    assert quiet_at([answered, lost], SETTLE) == NOON + SETTLE
    assert quiet_at([known("done", attempts=2)], SETTLE) == NOON + SETTLE, "its first sending may still be on its way"
    assert quiet_at([known("superseded")], SETTLE) == NOON + SETTLE


def test_a_content_that_comes_back_is_a_change_of_its_own() -> None:
    assert content_version(None, 0, "ready") == "000001#ready"
    assert content_version(("000001#ready", "done"), 1, "ready") is None
    assert content_version(("000001#ready", "unknown"), 1, "ready") == "000001#ready"
    assert content_version(("000002#hold", "done"), 2, "ready") == "000003#ready"


def test_a_search_has_told_of_the_request_before() -> None:
    assert after(LOOK_UP, SETTLE, Heard.ABSENT, Heard.AWAY) == RecordRefused()


def test_the_fence_lets_nobody_pass_who_looked_too_early() -> None:
    assert not moved(None, None)
    assert not moved(known("unknown"), known("unknown"))
    assert moved(None, known("sent"))
    assert moved(known("unknown"), known("sent", attempts=2))
    assert moved(known("sent"), known("sent", attempts=2))
    assert not moved(None, known("sent"), frozenset({"no_fence"}))


@pytest.mark.parametrize(
    ("sabotage", "before"),
    [
        ("mark_first", (UPSERT, None, timedelta(0), ())),
        ("fresh_key", (UPSERT, known("done"), timedelta(0), ())),
        ("look_at_once", (LOOK_UP, known("unknown"), timedelta(0), ())),
        ("no_second_look", (LOOK_UP, None, timedelta(0), (Heard.ANSWERED,))),
        ("stale_key", (KEY, known("unknown"), HORIZON, ())),
    ],
)
def test_a_saboteur_decides_otherwise(
    sabotage: str, before: tuple[Operation, Known | None, timedelta, tuple[Heard, ...]]
) -> None:
    operation, books, wait, heard = before
    right = next_act(operation, books, heard, NOON + wait)
    assert next_act(operation, books, heard, NOON + wait, frozenset({sabotage})) != right
