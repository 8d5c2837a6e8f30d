"""Several servers in one event loop, each system on its own port of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
# A request that a fault keeps waiting must not keep the whole process from ending.
_GRACE_SECONDS = 1


class Ports:
    """Which system listens where: on `first` and the ports after it, or on those it had before, or on free ones."""

    def __init__(self, first: int | None, before: Mapping[str, int]) -> None:
        self._first = first
        self._before = before
        self._given = 0

    def open(self, system: str) -> socket.socket:
        """A listening socket. Raises OSError when a port that was asked for is taken."""
        if self._first is not None:
            self._given += 1
            return _bound(self._first + self._given - 1)
        try:
            return _bound(self._before.get(system, 0))
        except OSError:
            return _bound(0)


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once instead of waiting 40 ms for more.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
    except OSError:
        door.close()
        raise
    return door


def url_of(door: socket.socket) -> str:
    return f"http://{HOST}:{door.getsockname()[1]}"


class _Server(uvicorn.Server):
    """Signals belong to the process, not to each of its servers."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def served(
    apps: Mapping[str, tuple[socket.socket, ASGIApp]], *, lifespan: Literal["auto", "off"] = "auto"
) -> AsyncGenerator[None]:
    """While inside, every application answers on its socket; on the way out each finishes what it is doing.

    An application that is served twice must have its lifespan in one of the two places only.
    """
    servers: list[_Server] = []
    running: list[asyncio.Task[None]] = []
    try:
        for door, app in apps.values():
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS, lifespan=lifespan
            )
            server = _Server(config)
            servers.append(server)
            running.append(asyncio.create_task(server.serve(sockets=[door])))
        await _until_started(servers, running)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running, return_exceptions=True)


async def _until_started(servers: list[_Server], running: list[asyncio.Task[None]]) -> None:
    while not all(each.started for each in servers):
        for task in running:
            if task.done():
                task.result()
                raise RuntimeError("a sandbox server ended before it began")
        await asyncio.sleep(0.01)
