"""Stands in front of a real system and passes everything on, so that faults can be put between it and one connection."""

from __future__ import annotations

from collections.abc import Iterable

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Headers that are about one connection, not about the message, and those that the relay writes itself.
_OWN = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "host", "content-length", "content-encoding", "accept-encoding", "date", "server",
})  # fmt: skip


class Relay:
    """An ASGI application that is another server, for requests of ordinary size; `upstream` has its base URL."""

    def __init__(self, upstream: httpx2.AsyncClient) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"a relay passes requests on, not {scope['type']}")
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        try:
            answer = await self._upstream.request(
                request.method,
                request.url.path + query,
                content=await request.body(),
                headers=_passed_on(request.headers.items()),
            )
        except httpx2.ConnectError:
            return Response("the system behind this address is not running", 503)
        except httpx2.TransportError as cut:
            return Response(f"no answer from behind this address: {cut}", 502)
        return Response(answer.content, answer.status_code, _passed_on(answer.headers.items()))


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _OWN}
