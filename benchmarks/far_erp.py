"""The null ERP in a process of its own: what is sent goes over HTTP, over connections that stay open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tieout.connectors.contract import Receipt
from tieout.testing.null_erp import NullErp

from .ground import Ground
from .serving import served

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FarErp(NullErp):
    """It remembers nothing here."""

    def __init__(self, name: str, people: Sequence[str], address: str) -> None:
        super().__init__(name, people)
        self.address = address
        self._address = urlsplit(address)
        self._open: list[_Connection] = []

    async def send(self, operation: str, request: bytes) -> Receipt:
        told = await self._asked("POST", f"/{self.name}/{operation}", request)
        return Receipt(told["id"], told["parts"], told["answer"])

    async def counted(self) -> dict[str, int]:
        """How many lines it has, how many it was asked for in how many calls, and the memory of its process."""
        return await self._asked("GET", f"/{self.name}", b"")

    async def close(self) -> None:
        for _, writer in self._open:
            writer.close()
        self._open.clear()

    async def _asked(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        reader, writer = await self._connected()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._address.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answered = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answered.partition(b"content-length:")[2].partition(b"\r\n")[0]
        told = await reader.readexactly(int(length))
        assert answered.startswith(b"http/1.1 200"), told
        self._open.append((reader, writer))
        return json.loads(told)

    async def _connected(self) -> _Connection:
        """One that is open still: the server closes those that are idle."""
        while self._open:
            reader, writer = self._open.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._address.hostname, self._address.port, limit=2**20)


@asynccontextmanager
async def far_erps(on: Ground, people: Sequence[str], *names: str) -> AsyncGenerator[list[FarErp], None]:
    """ERPs of these names, all in one process."""
    async with served(on, ["-m", "benchmarks.bare_ledger"]) as (address, _):
        erps = [FarErp(name, people, address) for name in names]
        try:
            yield erps
        finally:
            for each in erps:
                await each.close()
