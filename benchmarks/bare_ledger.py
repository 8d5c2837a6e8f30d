"""ERPs that cost next to nothing, in a process of their own: the null ERP behind the hub's own web server, one for each path.

`POST /NAME/OPERATION` carries out, `GET /NAME` counts. Run as `python -m benchmarks.bare_ledger`; announces its address with one
line of JSON and ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import psutil
from starlette.types import ASGIApp, Receive, Scope, Send

from tieout.answering import answer
from tieout.connectors.contract import Receipt
from tieout.settings import Settings
from tieout.testing.null_erp import NullErp


class Counting(NullErp):
    """Every line and every invoice that it was asked for, however often."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [])
        self.asked = 0
        self.invoices = Counter[str]()

    async def send(self, operation: str, request: bytes) -> Receipt:
        if operation == "invoice.propose":
            self.invoices[json.loads(request)["key"]] += 1
        return await super().send(operation, request)

    def _line(self, uuid: str) -> str:
        self.asked += 1
        return super()._line(uuid)

    def counted(self) -> dict[str, int]:
        """`asked` beside `lines` says how many lines were told twice."""
        return {
            "lines": len(self.lines),
            "asked": self.asked,
            "calls": len(self.batches),
            "invoices": len(self.invoices),
            "invoices_again": self.invoices.total() - len(self.invoices),
            "memory_mb": psutil.Process().memory_info().rss // 2**20,
        }


class BareLedger:
    def __init__(self) -> None:
        self._erps: defaultdict[str, Counting] = defaultdict(lambda: Counting("bare"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].split("/")
        erp, body = self._erps[parts[1]], await body_of(receive)
        told = asdict(await erp.send(parts[2], body)) if scope["method"] == "POST" else erp.counted()
        await answered(send, 200, told)


async def body_of(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def answered(send: Send, status: int, told: Mapping[str, Any]) -> None:
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve(ledger: ASGIApp) -> None:
    """Says its address in a line of JSON, and ends with its input."""

    def ready(address: str) -> None:
        sys.stdout.write(json.dumps({"address": address}) + "\n")
        sys.stdout.flush()

    serving = asyncio.create_task(answer(ledger, Settings(port=0), ready))
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(serve(BareLedger()))
