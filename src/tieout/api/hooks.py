"""The doorbells: verify, store, answer; acknowledged means committed, and what rang is read again at its source."""

from __future__ import annotations

import asyncio
import hmac
import math
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tieout.api.belfry import NotStored
from tieout.api.problem import Wrong, documented
from tieout.api.services import Hub, Services
from tieout.api.shapes import Id
from tieout.connectors.contract import Bell, Doorbell, WebhookRefused
from tieout.store.bells import Ring

# Where a doorbell finds the last part of its address; nobody outside can set it.
TOKEN_HEADER = "tieout-token"  # noqa: S105 - the name of a header
_LONGEST = 500
_ANY_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "Whatever the system sends; the bytes are verified as they are",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    "responses": {"200": {"description": "It is stored. The body is what the system takes for an acknowledgement"}},
}


def routes() -> APIRouter:
    router = APIRouter(prefix="/hooks", tags=["doorbells"])
    router.add_api_route(
        "/{connection}/{token}",
        ring,
        methods=["POST"],
        summary="A system says that something changed",
        response_class=Response,
        openapi_extra=_ANY_BODY,
        responses=documented(401, 404, 408, 413, 415, 422, 429, 503, 507),
    )
    return router


async def ring(hub: Hub, request: Request, connection: Id, token: Id) -> Response:
    doorbell = _door(hub, connection, token)
    _room(hub, connection)
    body = await _body(hub, request)
    headers = {**dict(request.headers), TOKEN_HEADER: token}
    now = hub.clock()
    try:
        bell = doorbell.verify(headers, body, now)
    except WebhookRefused as refused:
        raise Wrong(401, "not-verified", "The call did not prove who rings.") from refused
    refs = _refs(connection, bell)
    if refs:
        try:
            await hub.belfry.ring(Ring(connection, bell.id, refs, now))
        except NotStored as failed:
            raise Wrong(503, "not-stored", "It is not stored: ring again.", headers={"Retry-After": "1"}) from failed
    media_type, answer = doorbell.answer()
    return Response(answer, media_type=media_type)


def _door(hub: Services, connection: str, token: str) -> Doorbell:
    """A wrong token and an unknown connection look the same, and take the same time."""
    doorbell = hub.doorbells.get(connection)
    secret = hub.secrets.get(connection, "")
    right = hmac.compare_digest(token.encode(), (secret or token).encode())
    if doorbell is None or not right:
        raise Wrong(404, "not-found", "There is no such doorbell.")
    return doorbell


def _room(hub: Services, connection: str) -> None:
    """Says no before the disk is full, never after: what cannot be stored is not acknowledged."""
    if hub.free_bytes() < hub.limits.least_free:
        raise Wrong(507, "disk-nearly-full", "There is no room to store it: ring again.", headers={"Retry-After": "60"})
    wait = hub.rings.wait(connection)
    if wait:
        raise Wrong(429, "too-fast", "Too many rings.", headers={"Retry-After": str(math.ceil(wait))})


async def _body(hub: Services, request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Wrong(415, "encoded", "The body must come as it is, not compressed.")
    try:
        async with asyncio.timeout(hub.limits.ring_seconds):
            return await request.body()
    except TimeoutError as slow:
        raise Wrong(408, "too-slow", "The body took too long to arrive.") from slow


def _refs(connection: str, bell: Bell) -> list[tuple[str, str]]:
    """What rang, of this connection only: a verified call still cannot ring for another system."""
    refs = [(each.kind, each.id) for each in bell.refs if each.connection == connection]
    texts = [bell.id, *(text for ref in refs for text in ref)]
    if not all(0 < len(each) <= _LONGEST and each.isprintable() for each in texts):
        raise Wrong(401, "not-verified", "The call did not prove who rings.")
    return refs
