"""A day's work falls into believable pieces that never exceed a budget, and into the same ones for the same seed."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tieout.sandbox.firm import load
from tieout.sandbox.story.workday import workday

PEOPLE = load().people


@given(seed=st.integers(0, 10_000), person=st.sampled_from(PEOPLE), left=st.lists(st.integers(1, 9_000), max_size=6))
def test_nobody_books_more_than_a_day_or_more_than_a_task_has_left(seed: int, person: object, left: list[int]) -> None:
    pieces = workday(Random(seed), person, left)  # type: ignore[arg-type]
    assert sum(each.minutes for each in pieces) <= 10 * 60
    for task in range(len(left)):
        assert sum(each.minutes for each in pieces if each.task == task) <= left[task]
    assert len({(each.task, each.billable) for each in pieces}) == len(pieces)


def test_the_same_seed_makes_the_same_day() -> None:
    assert workday(Random("a"), PEOPLE[2], [900, 900]) == workday(Random("a"), PEOPLE[2], [900, 900])


def test_over_some_weeks_minutes_are_odd_and_some_are_not_for_the_customer() -> None:
    pieces = [each for day in range(60) for each in workday(Random(day), PEOPLE[2], [9_000, 9_000])]
    assert any(each.minutes % 5 for each in pieces)
    assert any(each.minutes % 5 == 0 for each in pieces)
    assert {each.billable for each in pieces} == {True, False}
