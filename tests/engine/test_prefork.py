"""A process is there at once, says when it is ready, ends when it is told to, and never outlives its parent."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tieout.engine.prefork import Prefork

pytestmark = pytest.mark.anyio


async def lives(ready: Callable[[], None], said: Path) -> None:
    say(said, str(os.getpid()))
    ready()
    try:
        await asyncio.Event().wait()
    finally:
        say(said, "told to stop")


def say(file: Path, text: str) -> None:
    file.write_text(text)


async def dies(_: Callable[[], None]) -> None:
    ctypes.string_at(0)


async def has_a_child(ready: Callable[[], None], prefork: Prefork, said: Path) -> None:
    await prefork.run(lives, said, ready=ready)


async def test_it_says_when_it_is_ready_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    ready, said = asyncio.Event(), tmp_path / "said"
    running = asyncio.create_task(Prefork(()).run(lives, said, ready=ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
        process = psutil.Process(int(said.read_text()))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not process.is_running()
    assert said.read_text() == "told to stop"


async def test_what_it_died_of_is_told(tmp_path: Path) -> None:
    ready = asyncio.Event()
    assert await Prefork(()).run(dies, ready=ready.set) == -signal.SIGSEGV
    assert not ready.is_set()


async def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """Also when nobody could tell it to: the one in the middle is killed."""
    ready, said = asyncio.Event(), tmp_path / "said"
    prefork = Prefork(())
    running = asyncio.create_task(prefork.run(has_a_child, prefork, said, ready=ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
        grandchild = psutil.Process(int(said.read_text()))
        (middle,) = [each for each in grandchild.parent().children() if each.pid != grandchild.pid]  # pyright: ignore
        middle.kill()
        assert await running == -signal.SIGKILL
        await asyncio.to_thread(grandchild.wait)


async def test_it_ends_with_what_it_was_forked_from(tmp_path: Path) -> None:
    """Its parent hears no more of it, and has another one begin."""
    ready, said = asyncio.Event(), tmp_path / "said"
    running = asyncio.create_task(Prefork(()).run(lives, said, ready=ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
        process = psutil.Process(int(said.read_text()))
        process.parent().kill()  # pyright: ignore
        assert await running == 255
        await asyncio.to_thread(process.wait)
    assert await Prefork(()).run(dies) == -signal.SIGSEGV
