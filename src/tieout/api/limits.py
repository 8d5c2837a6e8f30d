"""What a request may cost: its size, its rate, and what its answer carries for the browser's sake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_ENCRYPTED = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_UNKEPT = (b"cache-control", b"no-store")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, rates per second. `least_free` is the room on the disk below which nothing is taken in."""

    body: int = 256 * 1024
    ring: int = 1024 * 1024
    ring_seconds: float = 10.0
    rings: float = 500.0
    rings_at_once: int = 2000
    requests: float = 50.0
    requests_at_once: int = 200
    least_free: int = 64 * 1024 * 1024


class Bucket:
    """Tokens that fill up steadily and are taken one by one; a bucket per name, the full ones forgotten."""

    def __init__(self, rate: float, most: int, seconds: Callable[[], float], *, names: int = 10_000) -> None:
        self._rate = rate
        self._most = most
        self._seconds = seconds
        self._names = names
        self._state: dict[str, tuple[float, float]] = {}

    def wait(self, name: str) -> float:
        """0 when one may go on; else the seconds until one may ask again."""
        now = self._seconds()
        tokens, since = self._state.pop(name, (float(self._most), now))
        tokens = min(float(self._most), tokens + (now - since) * self._rate)
        allowed = tokens >= 1
        self._state[name] = (tokens - 1 if allowed else tokens, now)
        if len(self._state) > self._names:
            del self._state[next(iter(self._state))]
        return 0.0 if allowed else (1 - tokens) / self._rate


class Patience:
    """Ends what takes too long, by a look now and then at all that waits: cheaper than a timer for each.

    What waits is ended after `seconds`, or up to a quarter later.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._next: asyncio.TimerHandle | None = None

    async def wait(self, act: Awaitable[T]) -> T:
        """The act's result. Raises TimeoutError."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._since[task] = loop.time()
        if self._next is None:
            self._next = loop.call_later(self._seconds / 4, self._look, loop)
        try:
            return await act
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:  # nobody else ends it, too
                raise TimeoutError from None
            raise
        finally:
            del self._since[task]
            self._late.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for task, since in self._since.items():
            if loop.time() - since >= self._seconds and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._next = loop.call_later(self._seconds / 4, self._look, loop) if self._since else None


class BodyLimit:
    """Refuses a body that is too long, while it arrives, whatever its Content-Length says."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most or (declared.isdecimal() and int(declared[:20]) > self._most):
                raise HTTPException(413, f"The request has more than {self._most:,} bytes.")
            return message

        await self._app(scope, counted, send)


def secured(headers: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those that protect it; nothing is kept in a cache unless the answer says so itself."""
    found = [*headers, *_HEADERS]
    if not any(name == _UNKEPT[0] for name, _ in headers):
        found.append(_UNKEPT)
    if scope.get("scheme") == "https":
        found.append(_ENCRYPTED)
    return found


class SecurityHeaders:
    """Secures every answer of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": secured(list(message.get("headers", ())), scope)}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
