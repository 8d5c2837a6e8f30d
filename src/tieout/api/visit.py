"""Who asks, and whether they may: a bearer token for every route that is not public, a right for every verb."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tieout.api.problem import MEDIA_TYPE, Mistake, Wrong, mistaken, refused
from tieout.api.services import Services, services_of
from tieout.api.veil import Veil
from tieout.domain.access import Actor, Verb, who_may
from tieout.engine.operator import Refused
from tieout.store import idempotency
from tieout.store.scope import seen_by

PREFIX = "/api/v1"
PUBLIC = frozenset((f"{PREFIX}/live", f"{PREFIX}/ready", f"{PREFIX}/openapi.json"))
_BEARER = HTTPBearer(auto_error=False, scheme_name="access token", description="An access token: tieout_…")

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own: the same request again gets the first answer, and nothing happens twice",
    ),
]


class Door:
    """Asks everybody for their token before a byte of the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["path"] in PUBLIC:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope.setdefault("state", {})["actor"] = await _actor(request)
        except Wrong as wrong:
            await wrong.response(request.url.path)(scope, receive, send)
            return
        actor: Actor = scope["state"]["actor"]
        with seen_by(actor.entities):
            await self._app(scope, receive, send if actor.sees("money") else Veil(send, request.url.path))


async def _actor(request: Request) -> Actor:
    hub = services_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    actor = await hub.access.identify(token.strip()) if scheme.lower() == "bearer" else None
    if actor is None:
        # Only those without a token are slowed down by their address: behind a proxy everybody has the same one.
        _slow_down(hub, f"host {request.client.host if request.client else ''}")
        raise Wrong(
            401,
            "unknown-token",
            "The access token is missing, wrong, expired or revoked.",
            fix="Send Authorization: Bearer tieout_…; an engineer issues access tokens.",
            headers={"WWW-Authenticate": 'Bearer realm="tieout"'},
        )
    _slow_down(hub, actor.email)
    return actor


def _slow_down(hub: Services, name: str) -> None:
    wait = hub.requests.wait(name)
    if wait:
        raise Wrong(
            429,
            "too-fast",
            "Too many requests.",
            fix="Ask again after the seconds that Retry-After says.",
            headers={"Retry-After": str(math.ceil(wait))},
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by somebody who may make it."""

    request: Request
    hub: Services
    actor: Actor
    key: str | None

    async def once(self, act: Callable[[], Awaitable[BaseModel]]) -> Response:
        """Acts, and remembers the answer under the request's Idempotency-Key when it has one."""
        if self.key is None:
            return _json((await act()).model_dump(mode="json"), 200)
        known = await self._claim(self.key)
        if known is not None:
            return known
        try:
            status, body = 200, (await act()).model_dump(mode="json")
        except (Wrong, Refused) as why:
            wrong = why if isinstance(why, Wrong) else refused(why)
            status, body = wrong.status, wrong.body(self.request.url.path)
        except BaseException:
            async with self.hub.database.transaction() as tx:
                await idempotency.forget(tx, self.actor.email, self.key)
            raise
        async with self.hub.database.transaction() as tx:
            await idempotency.remember(tx, self.actor.email, self.key, status, body)
        return _json(body, status)

    async def _claim(self, key: str) -> Response | None:
        request = self.request
        # What was answered to somebody who saw more is no answer to who sees less.
        scope = "" if self.actor.entities is None else ",".join(sorted(self.actor.entities))
        body = hashlib.sha256(await request.body()).hexdigest()
        said = (request.method, request.url.path, request.url.query, body, *([scope] if scope else []))
        async with self.hub.database.transaction() as tx:
            known = await idempotency.claim(tx, self.actor.email, key, "\n".join(said), self.hub.clock())
        if known is None:
            return None
        if known.fingerprint != "\n".join(said):
            raise Wrong(
                422,
                "key-reused",
                "This Idempotency-Key was used for another request.",
                fix="A new request needs a key of its own.",
            )
        if known.status is None:
            raise Wrong(
                409,
                "still-at-work",
                "The first request with this Idempotency-Key has no answer yet.",
                fix="Ask again in a moment.",
                headers={"Retry-After": "1"},
            )
        answer = _json(known.body, known.status)
        answer.headers["Idempotent-Replayed"] = "true"
        return answer


def _json(body: Any, status: int) -> JSONResponse:
    return JSONResponse(body, status, media_type=MEDIA_TYPE if status >= 400 else "application/json")


def _no_other_filters(request: Request) -> None:
    """A misspelt filter would answer with everything: it is a mistake, and said so."""
    route: APIRoute = request.scope["route"]
    known = {str(each.alias) for each in route.dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        knows = f"This route knows {', '.join(sorted(known))}." if known else "This route knows none."
        raise mistaken([Mistake(where=f"query.{name[:100]}", what=knows) for name in unknown[:20]])


class Right:
    """Lets those go on whose role has the verb; used as a dependency of a route."""

    def __init__(self, verb: Verb) -> None:
        self.verb: Verb = verb

    async def __call__(
        self, request: Request, _: Annotated[Any, Security(_BEARER)] = None, idempotency_key: IdempotencyKey = None
    ) -> Visit:
        actor: Actor = request.state.actor
        if not actor.may(self.verb):
            raise who_lacks(self.verb)
        _no_other_filters(request)
        return Visit(request, services_of(request), actor, idempotency_key if request.method == "POST" else None)


def whole(visit: Visit) -> None:
    """For what cannot be told of some legal entities alone. Raises Wrong for somebody who sees only some."""
    if visit.actor.entities is not None:
        raise Wrong(
            403,
            "not-for-some",
            "This is about the whole firm, and your token is for some of its legal entities.",
            detail=f"Your token is for {', '.join(sorted(visit.actor.entities))}.",
            fix="Use a token without legal entities; an engineer issues it.",
        )


def who_lacks(verb: Verb) -> Wrong:
    """What somebody without a right is told."""
    return Wrong(
        403,
        "no-right",
        f"Your role does not carry the right to {verb.replace('.', ' ')}.",
        detail=f"It takes the role {who_may(verb)}.",
        fix="An engineer gives roles with a new access token.",
    )


class Reading(Right):
    """The same for routes that change nothing: they need no Idempotency-Key."""

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request, _: Annotated[Any, Security(_BEARER)] = None
    ) -> Visit:
        return await super().__call__(request)


def tagged(visit: Visit, body: BaseModel) -> Response:
    """One resource with its ETag; who has it already gets 304."""
    content = body.model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    held = [each.strip().removeprefix("W/") for each in visit.request.headers.get("if-none-match", "").split(",")]
    if tag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")
