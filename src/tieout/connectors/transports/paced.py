"""Every request of a connection waits for its turn, and what the answer says of limits is passed on."""

from __future__ import annotations

import re
from typing import Any

import httpx2

from tieout.connectors.contract import Opening
from tieout.connectors.transports.http import retry_after
from tieout.domain.limits.pace import Heard
from tieout.domain.problems import NoLeave

# Seconds after which a refused call queues for its turn again, where the system does not say.
_AGAIN = 0.05
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
# What Salesforce and NetSuite say, with 403 and 429, when a limit is reached; with `concurren` of too many calls at once.
_LIMIT = re.compile(rb"REQUEST_LIMIT_EXCEEDED|CONCURRENCY_LIMIT", re.IGNORECASE)


def client(opening: Opening, base_url: str, timeout: float, *, trust_env: bool = True) -> httpx2.AsyncClient:
    """What a connector speaks HTTP with: it follows no redirects, and calls when it is the connection's turn."""
    return _Paced(opening, base_url=base_url, timeout=timeout, trust_env=trust_env, transport=opening.transport)


class _Paced(httpx2.AsyncClient):
    """A client behind the gate of its connection, if it has one. A call is over when its answer begins.

    What a limit refused was not carried out: it raises NoLeave, for the gate, which was told, decides when it may come again.
    """

    def __init__(self, opening: Opening, **settings: Any) -> None:
        super().__init__(**settings, follow_redirects=False)
        self._gate = opening.gate

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        if self._gate is None:
            return await super().send(request, **how)
        await self._gate.enter()
        told = Heard()  # an answer that was lost tells nothing
        try:
            response = await super().send(request, **how)
            told = await heard_in(response)
        finally:
            self._gate.leave(told)
        if told.refused and not told.down:
            await response.aclose()
            raise NoLeave(f"{self.base_url} asks to slow down", told.wait or _AGAIN)
        return response


async def heard_in(response: httpx2.Response) -> Heard:
    """What an answer says of limits: 429 and 503 refuse, so does 403 with Salesforce's word for it (T60)."""
    usage = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    budget = (int(usage[1]), int(usage[2])) if usage else None
    status = response.status_code
    body = await response.aread() if status in (403, 429, 503) else b""
    by_limit = status == 429 or _LIMIT.search(body) is not None
    if status == 503 or by_limit:
        crowded = b"concurren" in body.lower()
        return Heard(refused=1, wait=retry_after(response), crowded=crowded, down=not by_limit, budget=budget)
    return Heard(accepted=1, budget=budget)
