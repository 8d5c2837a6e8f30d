"""Answers people and systems: the one place where the hub listens."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

from tieout.settings import Settings

# The first socket that a supervisor hands over (sd_listen_fds(3)).
_HANDED = 3


async def answer(app: ASGIApp, settings: Settings, ready: Callable[[str], None]) -> None:
    """Serves an application until it is cancelled; `ready` is called with its address.

    It listens at the settings' host and port, or on the socket that a supervisor handed over.
    """
    gc.collect()
    gc.freeze()  # all that was imported stays: to look through it again and again would stop every answer for 0.2 s
    gc.set_threshold(20_000, 20, 20)  # and nearly all that an answer needed is gone without being looked for
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    bound = handed_over() or config.bind_socket()
    # With the protocol named, asyncio sends small answers at once instead of waiting 40 ms for more.
    door = socket.socket(bound.family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())
    host, port, *_ = door.getsockname()
    server = _Server(config, lambda: ready(settings.public_url or f"http://{host}:{port}"))
    serving = asyncio.ensure_future(server.serve(sockets=[door]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True  # whoever has asked is answered still
        await serving


def handed_over() -> socket.socket | None:
    """The listening socket that a supervisor opened and keeps open while the hub is replaced, so that nobody who rings then
    is refused: systemd's socket activation, `LISTEN_PID` and `LISTEN_FDS`.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    os.set_inheritable(_HANDED, False)
    return socket.socket(fileno=_HANDED)


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to whoever started the hub."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
