"""One verb on many holds: each by itself, so that one that cannot be done keeps no other back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tieout.engine.deeds import Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were done, and why the others were not."""

    done: int
    refusals: tuple[str, ...]


async def to_all(holds: Iterable[int], act: Callable[[int], Awaitable[Any]]) -> Outcome:
    """Does it to each hold, in order."""
    done, refusals = 0, list[str]()
    for each in holds:
        try:
            await act(each)
            done += 1
        except Refused as refused:
            refusals.append(str(refused))
    return Outcome(done, tuple(refusals))
