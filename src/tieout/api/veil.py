"""What somebody is answered whose roles show no money: JSON without amounts, and nothing that cannot be read through."""

from __future__ import annotations

import json
from typing import Any, cast

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from tieout.api.problem import Wrong
from tieout.domain.masking import without_money


class Veil:
    """Takes the place of an answer's way out. An answer of one object names under `masked` what was taken out of it."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._path = path
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._answer()

    async def _answer(self) -> None:
        assert self._start is not None, "an answer begins with its headers"
        headers = MutableHeaders(raw=list(self._start["headers"]))
        status, body = self._start["status"], bytes(self._body)
        if body and "json" in headers.get("content-type", ""):
            body = _veiled(body)
        elif body:
            status, body = 403, json.dumps(_closed().body(self._path)).encode()
            headers = MutableHeaders({"content-type": "application/problem+json"})
        # It was made of what is not shown.
        del headers["etag"]
        headers["content-length"] = str(len(body))
        await self._send({**self._start, "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _veiled(body: bytes) -> bytes:
    told, paths = without_money(json.loads(body))
    if paths and isinstance(told, dict):
        told = {**cast("dict[str, Any]", told), "masked": paths}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _closed() -> Wrong:
    return Wrong(
        403,
        "shows-money",
        "This is made of amounts, and your role does not show money.",
        detail="It takes another role than delivery.",
        fix="An engineer gives roles with a new access token.",
    )
