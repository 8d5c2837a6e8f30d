"""The doorbells: verify, store, answer; acknowledged means committed, and what rang is read again at its source.

A ring comes often and must cost little, so this application stands before the routes of the API, beside none of their
machinery.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from tieout.api.belfry import Belfry, NotStored
from tieout.api.limits import Bucket, Limits, Patience, SecurityHeaders, secured
from tieout.api.problem import Wrong, documented, fault
from tieout.connectors.contract import Bell, Doorbell, WebhookRefused
from tieout.engine.run import Clock
from tieout.store.bells import Ring

PREFIX = "/hooks/"
# Where a doorbell finds the last part of its address; nobody outside can set it.
TOKEN_HEADER = "tieout-token"  # noqa: S105 - the name of a header
_LONGEST = 500
_LOOK_AGAIN = 0.1  # seconds until the free room on the disk is asked for again


class HungUp(Exception):
    """Whoever rang is gone before the body was there: nobody waits for an answer."""


@dataclass(slots=True)
class Doorway:
    """Answers everything below `/hooks/`.

    `secrets` are the last part of a doorbell's address, by connection; a doorbell without one here decides about it by
    itself. `free_bytes` is the room where the database writes, `seconds` a clock that never goes back.
    """

    doorbells: Mapping[str, Doorbell]
    secrets: Mapping[str, str]
    belfry: Belfry
    limits: Limits
    clock: Clock
    free_bytes: Callable[[], int]
    seconds: Callable[[], float]
    _rings: Bucket = field(init=False)
    _patience: Patience = field(init=False)
    _free: int = field(init=False, default=0)
    _looked_at: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        self._rings = Bucket(self.limits.rings, self.limits.rings_at_once, self.seconds)
        self._patience = Patience(self.limits.ring_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            media_type, answer = await self._ring(scope, receive)
        except HungUp:
            return
        except Wrong as wrong:
            await SecurityHeaders(wrong.response(scope["path"]))(scope, receive, send)
        except Exception as failed:
            await SecurityHeaders(fault(scope["method"], scope["path"], failed))(scope, receive, send)
            raise
        else:
            headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(answer)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": secured(headers, scope)})
            await send({"type": "http.response.body", "body": answer})

    async def _ring(self, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        """What the system takes for an acknowledgement, once the ring is committed. Raises Wrong."""
        connection, token = _address(scope)
        doorbell = self._door(connection, token)
        self._room(connection)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await self._body(headers, receive)
        headers[TOKEN_HEADER] = token
        now = self.clock()
        try:
            bell = doorbell.verify(headers, body, now)
        except WebhookRefused as refused:
            raise _not_verified() from refused
        refs = _refs(connection, bell)
        if refs:
            try:
                await self.belfry.ring(Ring(connection, bell.id, refs, now, bell.content))
            except NotStored as failed:
                raise Wrong(
                    503, "not-stored", "It is not stored: ring again.", headers={"Retry-After": "1"}
                ) from failed
        return doorbell.answer()

    def _door(self, connection: str, token: str) -> Doorbell:
        """A wrong token and an unknown connection look the same, and take the same time."""
        doorbell, secret = self.doorbells.get(connection), self.secrets.get(connection, "")
        right = hmac.compare_digest(token.encode(), (secret or token).encode())
        if doorbell is None or not right:
            raise _no_such_doorbell()
        return doorbell

    def _room(self, connection: str) -> None:
        """Says no before the disk is full, never after: what cannot be stored is not acknowledged."""
        now = self.seconds()
        if now - self._looked_at >= _LOOK_AGAIN:
            self._free, self._looked_at = self.free_bytes(), now
        if self._free < self.limits.least_free:
            raise Wrong(
                507, "disk-nearly-full", "There is no room to store it: ring again.", headers={"Retry-After": "60"}
            )
        wait = self._rings.wait(connection)
        if wait:
            raise Wrong(429, "too-fast", "Too many rings.", headers={"Retry-After": str(math.ceil(wait))})

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise Wrong(415, "encoded", "The body must come as it is, not compressed.")
        most, declared = self.limits.ring, headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > most:
            raise _too_large(most)
        try:
            return await self._patience.wait(_read(receive, most))
        except TimeoutError as slow:
            raise Wrong(408, "too-slow", "The body took too long to arrive.") from slow


async def _read(receive: Receive, most: int) -> bytes:
    """The body's bytes as they are; refused while it arrives when it has more, whatever its Content-Length said."""
    body, more = b"", True
    parts: list[bytes] = []
    length = 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        body, more = message.get("body", b""), message.get("more_body", False)
        parts.append(body)
        length += len(body)
        if length > most:
            raise _too_large(most)
    return body if len(parts) == 1 else b"".join(parts)


def _address(scope: Scope) -> tuple[str, str]:
    """Connection and token."""
    parts = scope["path"].removeprefix(PREFIX).split("/")
    if len(parts) != 2 or not all(0 < len(each) <= _LONGEST and each.isprintable() for each in parts):
        raise _no_such_doorbell()
    if scope["method"] != "POST":
        raise Wrong(405, "method-not-allowed", "Method not allowed.", headers={"Allow": "POST"})
    return parts[0], parts[1]


def _refs(connection: str, bell: Bell) -> list[tuple[str, str]]:
    """What rang, of this connection only: a verified call still cannot ring for another system."""
    refs = [(each.kind, each.id) for each in bell.refs if each.connection == connection]
    texts = [bell.id, *(text for ref in refs for text in ref)]
    if not all(0 < len(each) <= _LONGEST and each.isprintable() for each in texts):
        raise _not_verified()
    return refs


def _no_such_doorbell() -> Wrong:
    return Wrong(404, "not-found", "There is no such doorbell.")


def _not_verified() -> Wrong:
    return Wrong(401, "not-verified", "The call did not prove who rings.")


def _too_large(most: int) -> Wrong:
    return Wrong(413, "too-large", f"The request has more than {most:,} bytes.")


def described() -> dict[str, Any]:
    """The doorway's paths for the OpenAPI document, which no route of the API tells."""
    text = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
    return {
        "/hooks/{connection}/{token}": {
            "post": {
                "tags": ["doorbells"],
                "summary": "A system says that something changed",
                "operationId": "ring_a_doorbell",
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": text} for name in ("connection", "token")
                ],
                "requestBody": {
                    "description": "Whatever the system sends; the bytes are verified as they are",
                    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                },
                "responses": {
                    "200": {"description": "It is stored. The body is what the system takes for an acknowledgement"},
                    **documented(401, 404, 408, 413, 415, 429, 503, 507),
                },
            }
        }
    }
