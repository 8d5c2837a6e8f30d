"""Many things of one kind, several at once: a hand for each, as long as there is more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
# Seconds after which a free hand looks for more.
_LOOK = 1.0


async def by_hands(hands: int, next_: Callable[[], Awaitable[T | None]], act: Callable[[T], Awaitable[int]]) -> int:
    """Acts on one thing after the other, on so many at once, until there is no next one and nothing is in hand; the sum of what it
    gave. A free hand looks for more whenever another one is done, and every second.

    A hand that fails takes no more, the others go on to their end: no call is cut off in its middle. Then its error is raised.
    """
    at_work, given, failed = set[asyncio.Task[int]](), 0, list[BaseException]()
    try:
        while True:
            while len(at_work) + len(failed) < hands:
                try:
                    found = await next_()
                except Exception as wrong:
                    failed.append(wrong)
                    continue
                if found is None:
                    break
                at_work.add(asyncio.ensure_future(act(found)))
            if not at_work:
                break
            done, at_work = await asyncio.wait(at_work, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            failed += [wrong for each in done if (wrong := each.exception()) is not None]
            given += sum(each.result() for each in done if each.exception() is None)
    finally:
        for each in at_work:
            each.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
    if failed:
        raise failed[0]
    return given
