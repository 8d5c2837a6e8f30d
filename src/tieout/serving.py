"""What a process of the hub does: it answers, it works, it keeps another one at work, or it carries out one run alone.

A process can die of a record. So a worker is kept by one that does no work, and is there again at once; and a run at which
a worker died goes in a process of its own (docs/decisions/0015).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from pydantic import BaseModel

from tieout.answering import answer
from tieout.app import Hub, calendar_of, firm_in_force, open_hub, web
from tieout.domain.firm import Firm
from tieout.engine.prefork import Prefork, nothing
from tieout.engine.run import Clock
from tieout.engine.watchdog import watched
from tieout.folder import channels as channel_settings
from tieout.folder.connections import resolve
from tieout.settings import Settings
from tieout.store.database import Database

log = structlog.get_logger(__name__)

# What processes are forked from has imported it.
IMPORTED = (__name__,)
# Seconds between two tries to begin a worker that does not come to work.
_PAUSE = 1.0


class NeverWorked(Exception):
    """A worker ended before it worked, and another one would, too."""


@dataclass(frozen=True, slots=True)
class Post:
    """What a process that works is told; it is handed from process to process.

    `configs` and `channels` are the settings of connections and channels by name, `memory` is in bytes; the rest is as
    in `open_hub`.
    """

    url: str
    configs: Mapping[str, BaseModel]
    channels: Mapping[str, BaseModel]
    address: str
    calendar_file: Path | None
    every: timedelta
    memory: int | None
    clock: Clock | None = None
    sabotage: frozenset[str] = frozenset()


async def serve(
    settings: Settings,
    environment: Mapping[str, str],
    *,
    calendar_file: Path | None,
    sweep_every: timedelta,
    setup: Callable[[], None],
    ready: Callable[[str], None],
) -> None:
    """Runs the hub until it is cancelled: `settings.role` says whether it answers, works, or both.

    The work is done by `settings.workers` processes of their own, so that no record of which one dies takes the answers with
    it. `setup` is called first in every process that is started. `ready` is called once all of it is there, with the address,
    or with an empty text when it only works. Raises NotApplied, Unsafe and NeverWorked.
    """
    assert settings.database_url is not None, "whoever starts the hub has found its database"
    url = settings.database_url.get_secret_value()
    firm = await _applied(url)
    post = Post(
        url, resolve(firm, environment), channel_settings.resolve(firm, environment), settings.address, calendar_file,
        sweep_every, settings.memory_mb << 20,
    )  # fmt: skip
    prefork = Prefork(IMPORTED, setup)
    workers = 0 if settings.role == "web" else settings.workers
    there = _There(workers + (settings.role != "worker"), ready)
    try:
        async with asyncio.TaskGroup() as everything:
            for _ in range(workers):
                everything.create_task(keep_working(prefork, post, there.one))
            if settings.role != "worker":
                everything.create_task(_answer(prefork, post, settings, there.one))
    except ExceptionGroup as ended:
        raise ended.exceptions[0] from None


@dataclass(slots=True)
class _There:
    """Calls `ready` with the address when the last one that is missing has said that it is there."""

    missing: int
    ready: Callable[[str], None]
    address: str = ""

    def one(self, address: str = "") -> None:
        self.address = address or self.address
        self.missing -= 1
        if not self.missing:
            self.ready(self.address)


async def _answer(prefork: Prefork, post: Post, settings: Settings, ready: Callable[[str], None]) -> None:
    async with opened(prefork, post) as hub:
        telling = asyncio.create_task(hub.rounds.bell.carry())
        try:
            await answer(web(hub, post.configs, settings), settings, ready)
        finally:
            telling.cancel()


async def keep_working(
    prefork: Prefork, post: Post, ready: Callable[[], None], again: Callable[[], None] = nothing
) -> None:
    """Keeps a process at work, and begins another one whenever it dies; the first one calls `ready`, the others `again`.

    Raises NeverWorked when the first one ends before it works. What keeps a later one from working, such as a database that
    is away, may pass.
    """
    ended = await _kept(prefork, post, ready)
    if ended is not None:
        raise NeverWorked(f"A worker ended with {ended} before it worked; what it says is above.")
    while True:
        log.error("the worker ended, another one begins")
        if await _kept(prefork, post, again) is not None:
            await asyncio.sleep(_PAUSE)


async def _kept(prefork: Prefork, post: Post, ready: Callable[[], None]) -> int | None:
    """Runs one worker; what it ended with when it never worked."""
    worked = False

    def works() -> None:
        nonlocal worked
        worked = True
        ready()

    ended = await prefork.run(work, prefork, post, ready=works)
    return None if worked else ended


async def work(says_ready: Callable[[], None], prefork: Prefork, post: Post) -> None:
    """Works until it is told to stop."""
    async with opened(prefork, post) as hub, hub.working():
        says_ready()
        await asyncio.Event().wait()


async def carry_out(_: Callable[[], None], post: Post, worker: str, run_id: str, generation: int) -> None:
    """Carries out one generation of one run, for a worker that waits for it."""
    async with watched(post.memory), opened(None, post, worker) as hub:
        await hub.executor.carry_out(run_id, generation)


@asynccontextmanager
async def opened(prefork: Prefork | None, post: Post, worker: str | None = None) -> AsyncGenerator[Hub, None]:
    """The hub that a process was told of. With `prefork`, runs under suspicion get a process of their own."""
    async with open_hub(
        post.url, post.configs, channels=post.channels, address=post.address, clock=post.clock,
        calendar=calendar_of(post.calendar_file) if post.calendar_file else None, every=post.every, memory=post.memory,
        sabotage=post.sabotage, worker=worker, alone=partial(prefork.run, carry_out, post) if prefork else None,
    ) as hub:  # fmt: skip
        yield hub


async def _applied(url: str) -> Firm:
    database = Database(url, most=2)
    await database.open()
    try:
        return await firm_in_force(database)
    finally:
        await database.close()
