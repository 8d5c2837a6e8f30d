"""Pages give way to runs that somebody waits for, and are never slower than half their speed for it."""

from __future__ import annotations

import asyncio

import pytest

from tieout.domain.limits.settings import Lane
from tieout.engine.courtesy import Courtesy

pytestmark = pytest.mark.anyio


async def pages(courtesy: Courtesy, done: list[int], half: asyncio.Event) -> None:
    for number in range(20):
        await courtesy.give()
        with courtesy.working():
            await asyncio.sleep(0.02)
        done.append(number)
        if number == 9:
            half.set()


async def done_while_a_person_waits(courtesy: Courtesy, person: float, lane: Lane = "interactive") -> int:
    """Pages that are done while a person's run of so many seconds is under way, after ten of them."""
    done, half = list[int](), asyncio.Event()
    working = asyncio.create_task(pages(courtesy, done, half))
    await half.wait()
    with courtesy.whose(lane):
        before = len(done)
        await asyncio.sleep(person)
        meanwhile = len(done) - before
    await working
    assert done == list(range(20))
    return meanwhile


async def test_while_a_person_waits_no_page_is_begun() -> None:
    assert await done_while_a_person_waits(Courtesy(), 0.1) <= 1


async def test_pages_wait_no_longer_than_they_have_worked() -> None:
    """They had worked for 0.2 s; a person who waits for ever keeps them for as long, and then they go on."""
    assert await done_while_a_person_waits(Courtesy(), 2) >= 5


async def test_what_nobody_waits_for_keeps_nobody() -> None:
    assert await done_while_a_person_waits(Courtesy(), 0.2, "billing") >= 3


async def test_a_hub_that_gives_no_way_is_caught() -> None:
    assert await done_while_a_person_waits(Courtesy(frozenset({"pages_first"})), 0.2) >= 3


async def test_pages_are_small_for_some_seconds_after_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    courtesy = Courtesy()
    assert courtesy.size(5000) == 5000
    with courtesy.whose("interactive"):
        pass
    assert (courtesy.size(5000), courtesy.size(3)) == (1000, 1)
    monkeypatch.setattr("tieout.engine.courtesy._EXPECTED", 0.0)
    assert courtesy.size(5000) == 5000
