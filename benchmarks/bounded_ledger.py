"""ERPs that take so many calls at once and so many in five minutes, in a process of their own: each call takes its time, what is too
much is refused, and while one call writes in a person's timesheet another one that wants to is refused as well.

Limits, answers and names of errors are those that NetSuite (calls at once, on its first tier: 429 `CONCURRENCY_LIMIT_EXCEEDED`; a record
that somebody else is writing: `RCRD_HAS_BEEN_CHANGED`) and Business Central (6,000 calls in five minutes) document. How long a line
takes is assumed, and that a person's timesheet is one record.

`POST /NAME/OPERATION` carries out, `GET /NAME` counts. Run as `python -m benchmarks.bounded_ledger`, with the seconds that a line takes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict, deque
from dataclasses import asdict
from typing import Any

from starlette.types import Receive, Scope, Send

from .bare_ledger import Counting, answered, body_of, serve

AT_ONCE = 15
PER_WINDOW, WINDOW = 6_000, 300.0
# Seconds that every call takes, besides its lines.
CALL_TAKES = 0.4


class _Account:
    """One ERP. `busy` are the seconds in which its places were taken, all together; `last` is when it took the last lines."""

    def __init__(self) -> None:
        self.erp = Counting("bounded")
        self.under_way = 0
        self.busy = self.last = 0.0
        self.accepted = 0
        self.crowded = self.too_many = self.locked = 0
        self._began = deque[float]()
        self._writing: set[str] = set()

    async def call(self, operation: str, body: bytes, line_takes: float) -> tuple[int, dict[str, Any]]:
        now = time.monotonic()
        while self._began and self._began[0] <= now - WINDOW:
            self._began.popleft()
        lines: list[dict[str, Any]] = json.loads(body).get("entries", [])
        people = {each["person"] for each in lines}
        if self.under_way >= AT_ONCE:
            self.crowded += 1
            return _refused(429, "CONCURRENCY_LIMIT_EXCEEDED")
        if len(self._began) >= PER_WINDOW:
            self.too_many += 1
            return _refused(429, "REQUEST_LIMIT_EXCEEDED")
        if people & self._writing:
            self.locked += 1
            return _refused(409, "RCRD_HAS_BEEN_CHANGED")
        self._began.append(now)
        self._writing |= people
        self.under_way += 1
        takes = CALL_TAKES + line_takes * len(lines)
        self.busy += takes
        try:
            await asyncio.sleep(takes)
            told = asdict(await self.erp.send(operation, body))
            self.accepted += 1
            self.last = time.time() if lines else self.last
            return 200, told
        finally:
            self.under_way -= 1
            self._writing -= people


def _refused(status: int, code: str) -> tuple[int, dict[str, Any]]:
    return status, {
        "title": "Too many requests" if status == 429 else "Conflict",
        "o:errorDetails": [{"o:errorCode": code}],
    }


class BoundedLedger:
    def __init__(self, line_takes: float) -> None:
        self._line_takes = line_takes
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].split("/")
        account, body = self._accounts[parts[1]], await body_of(receive)
        if scope["method"] == "POST":
            status, told = await account.call(parts[2], body, self._line_takes)
        else:
            refused = {"crowded": account.crowded, "too_many": account.too_many, "locked": account.locked}
            status, told = (
                200,
                {
                    **account.erp.counted(),
                    **refused,
                    "accepted": account.accepted,
                    "busy": account.busy,
                    "last": account.last,
                },
            )
        await answered(send, status, told)


if __name__ == "__main__":
    asyncio.run(serve(BoundedLedger(float(sys.argv[1]))))
