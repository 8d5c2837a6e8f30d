"""Processes that are there at once: forked from one that has imported everything, and does no work of which it could die.

To start Python and to import the hub takes seconds, a fork takes milliseconds (docs/decisions/0015).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing import Pipe, connection, forkserver, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

# What a process does: it is given what says that it is ready, and its arguments.
Program = Callable[..., Awaitable[None]]

# Seconds that a process which is told to stop may take.
_GOODBYE = 10.0
_LOOK = 1.0


def nothing() -> None:
    """For whoever need not be told."""


@dataclass(frozen=True, slots=True)
class Prefork:
    """`modules` are imported once, `setup` is called first in every process. It can be handed to a process, which then
    has its own forked from the same one.
    """

    modules: tuple[str, ...]
    setup: Callable[[], None] = nothing

    async def run(self, program: Program, *args: Any, ready: Callable[[], None] = nothing) -> int:
        """Runs `program(says_ready, *args)` in a process of its own until that ends; what it ended with, a signal below zero.

        Cancelled, it tells the process to stop. A process whose parent is gone ends.
        """
        hears, says = Pipe(duplex=False)
        starting = asyncio.ensure_future(asyncio.to_thread(self._start, program, args, says))
        try:
            process = await asyncio.shield(starting)
            says.close()
            await _readable(hears.fileno())
            with contextlib.suppress(EOFError):  # it ended, or is not one that says so
                hears.recv_bytes()
                ready()
            await _readable(process.sentinel)
        finally:
            process = await starting
            hears.close()
            says.close()
            await asyncio.to_thread(_stop, process)
        return process.exitcode or 0

    def _start(self, program: Program, args: tuple[Any, ...], says: Connection) -> ForkServerProcess:
        context = get_context("forkserver")
        context.set_forkserver_preload(list(self.modules))
        server: Any = forkserver._forkserver  # pyright: ignore
        server.ensure_running()
        process = context.Process(target=_begin, args=(server._forkserver_address, self.setup, program, args, says))
        process.start()
        return process


async def _readable(file: int) -> None:
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(file, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(file)


def _stop(process: ForkServerProcess) -> None:
    """Nothing to do for one that has ended."""
    process.join(0)
    for end, patience in ((process.terminate, _GOODBYE), (process.kill, None)):
        if process.exitcode is None:
            end()
            process.join(patience)


def _begin(address: str, setup: Callable[[], None], program: Program, args: tuple[Any, ...], says: Connection) -> None:
    """In the new process."""
    _fork_from(address)
    threading.Thread(target=_end_with_parent, daemon=True, name="leash").start()
    setup()

    def says_ready() -> None:
        says.send_bytes(b"ready")

    asyncio.run(_until_told(program(says_ready, *args)))


def _fork_from(address: str) -> None:
    """Has this process's own children forked from what itself was forked from, where the library would start another one."""
    server: Any = forkserver._forkserver  # pyright: ignore
    server._forkserver_address = address
    server.ensure_running = nothing


def _end_with_parent() -> None:
    """At once, as if killed: what it was at, others go on with. So also when what it was forked from is gone: its parent
    then hears no more of it.
    """
    parent, forked_from = parent_process(), os.getppid()
    assert parent is not None, "whoever runs this was started"
    while os.getppid() == forked_from and not connection.wait([parent.sentinel], _LOOK):
        pass
    os._exit(1)


async def _until_told(work: Awaitable[None]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
