"""Stores rings in groups: what rings while one group is being written becomes the next, and all share one flush."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from tieout.store.bells import Ring

log = structlog.get_logger(__name__)


class NotStored(Exception):
    """The ring is not in the database; whoever rang must ring again."""


class Belfry:
    """`commit` stores a group in one transaction; `wake` is told after each group that is stored.

    A ring is answered only after its own group is committed. When a group fails, each of its rings fails.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Ring]], Awaitable[None]],
        wake: Callable[[], None],
        *,
        most: int = 100,
        waiting: int = 10_000,
    ) -> None:
        self._commit = commit
        self._wake = wake
        self._most = most
        self._room = waiting
        self._waiting: deque[tuple[Ring, asyncio.Future[None]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def ring(self, ring: Ring) -> None:
        """Returns when the ring is committed. Raises NotStored when it is not, or when too many wait already."""
        if len(self._waiting) >= self._room:
            raise NotStored("too many rings wait")
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ring, stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        group: list[tuple[Ring, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                await self._store(group)
        finally:
            self._writer = None
            _tell([*group, *self._waiting], NotStored("Tieout stops"))  # those who were told already stay told
            self._waiting.clear()

    async def _store(self, group: Sequence[tuple[Ring, asyncio.Future[None]]]) -> None:
        try:
            await self._commit([ring for ring, _ in group])
        except Exception as failed:  # whatever it is, these rings are not stored and are told so
            log.error("rings not stored", rings=len(group), error=type(failed).__name__)
            _tell(group, NotStored(type(failed).__name__))
        else:
            _tell(group, None)
            self._wake()


def _tell(group: Sequence[tuple[Ring, asyncio.Future[None]]], failed: NotStored | None) -> None:
    for _, stored in group:
        if stored.done():  # told before, or whoever rang has hung up
            continue
        if failed is None:
            stored.set_result(None)
        else:
            stored.set_exception(failed)
