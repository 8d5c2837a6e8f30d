"""Several hands work off what there is: as many as said, again when more comes, and one that fails stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tieout.engine import hands
from tieout.engine.hands import by_hands

pytestmark = pytest.mark.anyio


def one_by_one(things: list[int]) -> Callable[[], Awaitable[int | None]]:
    async def next_() -> int | None:
        return things.pop(0) if things else None

    return next_


class Work:
    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.under_way = self.most = 0
        self.done: list[int] = []

    async def act(self, number: int) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.02)
        finally:
            self.under_way -= 1
        if number == self.fails:
            raise ValueError(number)
        self.done.append(number)
        return number


@pytest.mark.parametrize("count", [1, 3])
async def test_so_many_are_under_way_at_once_and_all_is_done(count: int) -> None:
    work = Work()
    assert await by_hands(count, one_by_one(list(range(1, 11))), work.act) == 55
    assert (work.most, sorted(work.done)) == (count, list(range(1, 11)))


async def test_a_free_hand_finds_what_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_LOOK", 0.01)
    things, work, first = [1], Work(), asyncio.Event()

    async def act(number: int) -> int:
        if number == 1:
            things.extend([2, 3])
            async with asyncio.timeout(10):
                await first.wait()
        first.set()
        return await work.act(number)

    assert await by_hands(2, one_by_one(things), act) == 6


async def test_one_that_fails_takes_no_more_and_the_others_go_on() -> None:
    work = Work(fails=1)
    with pytest.raises(ValueError, match="1"):
        await by_hands(2, one_by_one(list(range(1, 7))), work.act)
    assert sorted(work.done) == [2, 3, 4, 5, 6]


async def test_what_is_under_way_ends_although_nobody_can_say_what_is_next() -> None:
    work, things = Work(), [1]

    async def next_() -> int | None:
        if not things:
            raise ConnectionError("away")
        return things.pop()

    with pytest.raises(ConnectionError):
        await by_hands(3, next_, work.act)
    assert work.done == [1]


async def test_whoever_is_cut_off_leaves_nothing_under_way() -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await by_hands(2, one_by_one([1, 2, 3]), work.act)
    assert (work.under_way, work.done) == (0, [])
