"""Every HTTP call of the hub, written down as it goes out, and the bare replay of some of them: the floor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2
from dbos import DBOS

from tieout.store.database import Database

_HOP = {"host", "content-length", "connection", "accept-encoding"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `lot` is what the run that made it was handed over with, empty for the hub's own rounds."""

    connection: str
    lot: str
    at: float
    seconds: float
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Recorder:
    """All calls in their order. Times are seconds of the epoch."""

    calls: list[Call] = field(default_factory=list)

    def transport(self, connection: str) -> httpx2.AsyncBaseTransport:
        return _Recording(connection, self.calls)

    def of_run(self, run: Mapping[str, Any]) -> list[Call]:
        """What a run asked that was at work alone: `started_at` and `ended_at` are those of its row."""
        since, until = (run[name].timestamp() for name in ("started_at", "ended_at"))
        return [each for each in self.calls if each.lot and since <= each.at <= until]

    def of_rounds(self, connection: str, since: float, until: float) -> list[Call]:
        """What the hub asked by itself in a span: answering a bell, or a sweep."""
        return [
            each for each in self.calls if not each.lot and each.connection == connection and since <= each.at <= until
        ]


class _Recording(httpx2.AsyncBaseTransport):
    def __init__(self, connection: str, calls: list[Call]) -> None:
        self._connection = connection
        self._calls = calls
        self._network = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        at, body = time.time(), await request.aread()
        lot = DBOS.workflow_id or ""
        response = await self._network.handle_async_request(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        self._calls.append(
            Call(
                self._connection, lot, at, time.time() - at, request.method, str(request.url), headers, body
            )
        )  # fmt: skip
        return response

    async def aclose(self) -> None:
        await self._network.aclose()


async def replay(calls: Sequence[Call], renamed: Mapping[str, str], database: Database) -> float:
    """Seconds for the same calls, one after the other, and one committed insert for each.

    `renamed` gives each business key a new one, so that what was made once is made again and not refused.
    """
    async with AsyncExitStack() as held:
        clients = {
            name: await held.enter_async_context(httpx2.AsyncClient(timeout=60, trust_env=False))
            for name in {each.connection for each in calls}
        }
        prepared = [
            (each, _renamed(each.url.encode(), renamed).decode(), _renamed(each.body, renamed)) for each in calls
        ]
        began = time.perf_counter()
        for call, url, body in prepared:
            answer = await clients[call.connection].request(call.method, url, content=body, headers=dict(call.headers))
            if answer.status_code >= 300:
                raise RuntimeError(f"{call.method} {url}: {answer.status_code} {answer.text[:300]}")
            async with database.transaction() as tx:
                await tx.execute("insert into floor (what) values (%s)", (body[:200].decode(errors="replace"),))
        return time.perf_counter() - began


def _renamed(content: bytes, renamed: Mapping[str, str]) -> bytes:
    for old, new in renamed.items():
        content = content.replace(old.encode(), new.encode())
    return content


async def make_floor(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "create table if not exists floor (id bigint generated always as identity primary key, what text)"
        )
