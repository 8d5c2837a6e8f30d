"""The floor of a doorbell: the hub's own web server, an application that writes one row per request and says 200, nothing else.

Requests that arrive while one group is being committed share the next commit. Run as `python -m benchmarks.bare_door`;
announces its address with one line of JSON and ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import psycopg
from starlette.types import Receive, Scope, Send

from tieout.answering import answer
from tieout.settings import Settings

_HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"3")]


class BareDoor:
    """No address, no proof, no limits: a body in, a row committed, three letters out."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body[:40].decode(), committed))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await committed
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"yes"})

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._connection.execute(
                "insert into floor (what) select unnest(%s::text[])", ([what for what, _ in group],)
            )
            for _, committed in group:
                committed.set_result(None)
        self._writer = None


async def main() -> None:
    async with await psycopg.AsyncConnection.connect(os.environ["TIEOUT_DATABASE_URL"], autocommit=True) as connection:
        await connection.execute("create table if not exists floor (id bigint generated always as identity, what text)")

        def ready(address: str) -> None:
            sys.stdout.write(json.dumps({"address": address}) + "\n")
            sys.stdout.flush()

        serving = asyncio.create_task(answer(BareDoor(connection), Settings(port=0), ready))
        await asyncio.to_thread(sys.stdin.read)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
