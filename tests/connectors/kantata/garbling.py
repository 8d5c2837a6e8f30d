"""A network on which some entries say what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass
class Garbling(httpx2.AsyncBaseTransport):
    """Records of a collection reach the hub with what `garbled` says of them, by id."""

    inner: httpx2.AsyncBaseTransport
    garbled: Mapping[str, dict[str, Any]]
    collection: str = "time_entries"

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        content = await response.aread()
        if f'"{self.collection}"'.encode() not in content:
            return response
        body = json.loads(content)
        rows = body[self.collection]
        for id_ in self.garbled.keys() & rows.keys():
            rows[id_] |= self.garbled[id_]
        return httpx2.Response(response.status_code, json=body, request=request)

    async def aclose(self) -> None:
        await self.inner.aclose()
