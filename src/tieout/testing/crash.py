"""Kills a hub at a chosen moment: at the n-th transaction or network call, before it takes effect or right after."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import httpx2

from tieout.store.database import Database, Tx

When = Literal["before", "after"]


class Crashed(BaseException):
    """The process is gone. Not an Exception, so that nothing in the hub can catch it and tidy up."""


@dataclass(slots=True)
class Fuse:
    """Counts the moments of one life and ends it at moment `at` (1 is the first; 0 never), or at the call `on`."""

    at: int = 0
    when: When = "after"
    on: str = ""
    passed: int = 0

    def burns(self, when: When, call: str = "") -> bool:
        """Counts a moment (once, before it happens) and says whether this is the end."""
        if when == "before":
            self.passed += 1
        if self.when != when:
            return False
        return self.on in call if self.on else self.passed == self.at

    def light(self, at: int, when: When, on: str = "") -> None:
        """`on` names a call by method and path, such as "POST /workspaces"."""
        self.at, self.when, self.on, self.passed = at, when, on, 0


class FragileDatabase(Database):
    """A database whose user may die at any commit."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        async with super().transaction() as tx:
            yield tx
            if self._fuse.burns("before"):
                raise Crashed(f"before commit {self._fuse.at}")
        if self._fuse.burns("after"):
            raise Crashed(f"after commit {self._fuse.at}")

    single = transaction


class FragileTransport(httpx2.AsyncBaseTransport):
    """A network whose user may die before a request leaves, or after the other side has carried it out."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = f"{request.method} {request.url.path}"
        if self._fuse.burns("before", call):
            raise Crashed(f"before {call}")
        response = await self._inner.handle_async_request(request)
        if self._fuse.burns("after", call):
            await response.aread()
            raise Crashed(f"after {call}")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
