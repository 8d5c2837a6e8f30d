"""Commits many small writes together: what comes while one transaction is under way shares the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from tieout.store.database import Tx, blames_a_row
from tieout.store.scope import scope

I = TypeVar("I")  # noqa: E741 - an item
A = TypeVar("A")

# The most that share a transaction: more of them only make each other wait.
_MOST = 100
# Turns of the loop in which whoever was answered too early goes on before the commit.
_SOON = 50


@dataclass(frozen=True, slots=True, eq=False)
class _Asked(Generic[I, A]):
    item: I
    answer: asyncio.Future[A]


class Gathering(Generic[I, A]):
    """One verb of the books, for many callers: `write` does it for several items, and answers in their order.

    `by` is how it comes to the database: in a transaction, or by one statement. There is no timer: who comes alone goes at
    once. Nobody is answered before the commit. When a group fails because of one of its items, each goes by itself, so that
    what is wrong with one is told to its caller alone. Items of the same `apart` never share a transaction. Verbs that share
    `turns` go so many at a time: while they wait, their groups grow.

    `early` answers before the commit: a known bug, for the suite to catch.
    """

    def __init__(
        self,
        by: Callable[[], AbstractAsyncContextManager[Tx]],
        write: Callable[[Tx, Sequence[I]], Awaitable[Sequence[A]]],
        apart: Callable[[I], Hashable] | None = None,
        *,
        turns: asyncio.Semaphore | None = None,
        early: bool = False,
    ) -> None:
        self._by = by
        self._write = write
        self._apart = apart
        self._turns = turns or asyncio.Semaphore()
        self._early = early
        self._waiting: deque[_Asked[I, A]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, item: I) -> A:
        """The answer, once it is durable. Raises what the write of this item raises.

        Whoever reads for some legal entities alone shares with nobody: the others may see more.
        """
        if scope() is not None:
            async with self._by() as tx:
                return (await self._write(tx, [item]))[0]
        asked: _Asked[I, A] = _Asked(item, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._writer is None:
            self._writer = asyncio.create_task(self._work())
        return await asked.answer

    async def _work(self) -> None:
        group: list[_Asked[I, A]] = []
        try:
            while self._waiting:
                async with self._turns:
                    group = self._next()
                    await self._commit(group)
        except BaseException as gone:  # this process ends; nobody waits for it any longer
            _fail([*group, *self._waiting], gone)
            self._waiting.clear()
            if isinstance(gone, asyncio.CancelledError):
                raise
        finally:
            self._writer = None

    def _next(self) -> list[_Asked[I, A]]:
        """Those who wait, the oldest first; whoever was cancelled meanwhile is left out."""
        group: list[_Asked[I, A]] = []
        later: list[_Asked[I, A]] = []
        seen = set[Hashable]()
        while self._waiting and len(group) < _MOST:
            each = self._waiting.popleft()
            if each.answer.done():
                continue
            mark = self._apart(each.item) if self._apart else each
            (later if mark in seen else group).append(each)
            seen.add(mark)
        self._waiting.extendleft(reversed(later))
        return group

    async def _commit(self, group: Sequence[_Asked[I, A]]) -> None:
        if not group:
            return
        try:
            async with self._by() as tx:
                answers = await self._write(tx, [each.item for each in group])
                if self._early:
                    _answer(group, answers)
                    for _ in range(_SOON):
                        await asyncio.sleep(0)
        except Exception as failed:
            if len(group) == 1 or not blames_a_row(failed):
                _fail(group, failed)
                return
        else:
            _answer(group, answers)
            return
        for each in group:
            await self._commit([each])


def _answer(group: Sequence[_Asked[I, A]], answers: Sequence[A]) -> None:
    for each, answer in zip(group, answers, strict=True):
        if not each.answer.done():
            each.answer.set_result(answer)


def _fail(group: Sequence[_Asked[I, A]], failed: BaseException) -> None:
    for each in group:
        if not each.answer.done():
            each.answer.set_exception(failed)
