"""What a person waits for: the same look at full books many times, beside a bare one, on warm connections."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from .ground import Ground
from .measuring import Figure, Watch, percentile, spread


async def fill(on: Ground, statements: Sequence[Any], counts: Mapping[str, int]) -> None:
    """One transaction for everything, then the statistics that autovacuum keeps beside a hub that runs."""
    async with on.database.transaction() as tx:
        for each in statements:
            await tx.execute(each, counts)
    async with on.database.session() as session:
        await session.execute("vacuum analyze")


async def compared(
    on: Ground,
    name: str,
    asked: Sequence[tuple[Any, ...]],
    look: Callable[..., Awaitable[None]],
    bare: Callable[..., Awaitable[None]],
    floor_is: str,
) -> Figure:
    """p95 of both, in milliseconds, on connections that are open and warm."""
    await _times(on, asked[:5], look)
    watch = Watch(postgres=on.postgres)
    times = await _times(on, asked, look)
    cpu = watch.each(len(asked))
    floors = await _times(on, asked, bare)
    return Figure(name, percentile(times, 0.95), "ms", percentile(floors, 0.95), floor_is, cpu, spread(times))


async def _times(on: Ground, asked: Sequence[tuple[Any, ...]], act: Callable[..., Awaitable[None]]) -> list[float]:
    times: list[float] = []
    for each in asked:
        began = time.perf_counter()
        async with on.database.transaction() as tx:
            await act(tx, *each)
        times.append(1000 * (time.perf_counter() - began))
    return times
