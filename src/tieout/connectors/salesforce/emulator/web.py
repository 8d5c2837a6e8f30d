"""The org over HTTP: addresses to resources, tokens to users, refusals to the error arrays that clients expect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tieout.connectors.salesforce.emulator.administration import Administration
from tieout.connectors.salesforce.emulator.calls import FIRST_VERSION, LAST_VERSION, Call, Reply, Router, versioned
from tieout.connectors.salesforce.emulator.failures import Refusal, refusal, session_expired
from tieout.connectors.salesforce.emulator.limits import Limits
from tieout.connectors.salesforce.emulator.oauth import OAuth, OAuthError
from tieout.connectors.salesforce.emulator.outbound import OutboundMessages
from tieout.connectors.salesforce.emulator.pages import Pages
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.sessions import Session, Sessions
from tieout.connectors.salesforce.emulator.soap import Soap
from tieout.connectors.salesforce.emulator.wire import read_json, write_json

_JSON = "application/json;charset=UTF-8"
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
# The seasons of the releases: v31.0 was Summer '14, and there are three a year.
_SEASONS = ("Summer", "Winter", "Spring")


class Web:
    """Builds the ASGI application."""

    def __init__(
        self, records: Records, sessions: Sessions, limits: Limits, router: Router, oauth: OAuth, soap: Soap,
        outbound: OutboundMessages,
    ) -> None:  # fmt: skip
        self._records = records
        self._sessions = sessions
        self._limits = limits
        self._router = router
        self._oauth = oauth
        self._soap = soap
        self._outbound = outbound

    def application(self, outbound_client: httpx2.AsyncClient | None) -> Starlette:
        """With a client, the running server delivers Outbound Messages by itself."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None]:
            if outbound_client is None:
                yield
                return
            delivery = asyncio.create_task(self._outbound.run(outbound_client))
            yield
            delivery.cancel()
            with suppress(asyncio.CancelledError):
                await delivery

        administration = Administration(self._records, self._sessions, self._limits, self._outbound, outbound_client)
        routes = [
            Route("/services/oauth2/token", _answered(self._token), methods=["POST"]),
            Route("/services/oauth2/revoke", _answered(self._revoke), methods=["GET", "POST"]),
            Route("/services/oauth2/introspect", _answered(self._introspect), methods=["POST"]),
            Route("/services/oauth2/userinfo", _answered(self._userinfo), methods=["GET", "POST"]),
            Route("/id/{organization}/{user}", _answered(self._identity), methods=["GET", "POST"]),
            Route("/services/Soap/u/{version}", self._soap_call, methods=["POST"]),
            Route("/services/Soap/u/{version}/{organization}", self._soap_call, methods=["POST"]),
            Route("/services/data", _answered(self._versions), methods=["GET"]),
            Route("/services/data/", _answered(self._versions), methods=["GET"]),
            Route("/services/data/{rest:path}", self._data, methods=_METHODS),
            *administration.routes(),
            *Pages(self._records).routes(),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    # -- doors

    async def _token(self, request: Request) -> Reply:
        return self._oauth.token(await _form(request), request.headers.get("authorization", ""))

    async def _revoke(self, request: Request) -> Reply:
        form = await _form(request)
        return self._oauth.revoke(form.get("token") or request.query_params.get("token", ""))

    async def _introspect(self, request: Request) -> Reply:
        return self._oauth.introspect(await _form(request), request.headers.get("authorization", ""))

    async def _userinfo(self, request: Request) -> Reply:
        return self._oauth.userinfo(self._session(request))

    async def _identity(self, request: Request) -> Reply:
        return self._oauth.identity(self._session(request))

    async def _soap_call(self, request: Request) -> Response:
        status, envelope = self._soap.answer(str(request.path_params["version"]), await request.body())
        return Response(envelope, status, media_type="text/xml;charset=UTF-8")

    async def _versions(self, request: Request) -> Reply:
        listed = [
            {"label": release_name(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(FIRST_VERSION, LAST_VERSION + 1)
        ]
        return Reply(200, listed)

    # -- data

    async def _data(self, request: Request) -> Response:
        body = await request.body()
        pretty = request.headers.get("x-prettyprint", "") not in ("", "0")
        try:
            version, path = versioned(_raw_path(request))
            session = self._session(request)
            self._limits.count()
            reply = self._resources(version, session) if path == "/" else self._router.answer(
                Call(
                    method=request.method,
                    version=version,
                    path=path,
                    query=dict(request.query_params),
                    body=_body(request, body),
                    headers=dict(request.headers),
                    session=session,
                    records_kept=request.scope.get("tieout.partial_batch"),
                )
            )  # fmt: skip
        except Refusal as refused:
            reply = _refused(refused)
        date = format_datetime(self._records.now(), usegmt=True)
        headers = {**reply.headers, "Sforce-Limit-Info": self._limits.header, "Date": date}
        return _response(Reply(reply.status, reply.body, headers), pretty=pretty)

    def _resources(self, version: int, session: Session) -> Reply:
        """What there is below a version."""
        base = f"/services/data/v{version}.0"
        names = ("sobjects", "query", "queryAll", "composite", "limits")
        links = {name: f"{base}/{name}" for name in names}
        return Reply(200, {**links, "identity": self._oauth.identity_url(session.user_id)})

    def _session(self, request: Request) -> Session:
        """The session of the caller's token: `Bearer` or `OAuth`, or in the address for the identity URL."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind and kind.lower() not in ("bearer", "oauth"):
            raise refusal("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401)
        token = token.strip() or request.query_params.get("oauth_token", "")
        if not token:
            raise session_expired()
        return self._sessions.find(token)


def release_name(version: int) -> str:
    """Summer '14 for 31, and so on."""
    past = version - FIRST_VERSION
    season = _SEASONS[past % 3]
    # Winter '15 is released in autumn 2014 and named after the year it ends in.
    year = 14 + past // 3 + (season != "Summer")
    return f"{season} '{year}"


def _raw_path(request: Request) -> str:
    """The path still quoted: a slash within an external id is no separator."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("ascii", "replace").removeprefix(request.scope.get("root_path", ""))


def _body(request: Request, body: bytes) -> Any:
    media_type = request.headers.get("content-type", "application/json")
    if body and "json" not in media_type:
        raise refusal("UNSUPPORTED_MEDIA_TYPE", f"Unsupported media type: {media_type}", status=415)
    return read_json(body)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _answered(answer: Callable[[Request], Awaitable[Reply]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return _response(await answer(request))
        except OAuthError as refused:
            return _response(refused.reply)
        except Refusal as refused:
            return _response(_refused(refused))

    return endpoint


def _refused(refused: Refusal) -> Reply:
    return Reply(refused.status, [each.as_error() for each in refused.flaws])


def _response(reply: Reply, *, pretty: bool = False) -> Response:
    content = b"" if reply.status in (204, 304) or reply.body is None else write_json(reply.body, pretty=pretty)
    headers = dict(reply.headers)
    if content:
        headers["Content-Type"] = _JSON
    return Response(content, reply.status, headers)
