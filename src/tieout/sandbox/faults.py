"""Faults on demand in front of any sandbox system: slow, refusing, silent, cut off, lying or half-done, and counted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Literal, cast

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS = "/_sandbox/faults"

Kind = Literal["latency", "status", "timeout_before", "timeout_after", "lost_answer", "error_in_200", "partial_batch"]


class Match(BaseModel):
    """Which requests a rule is about; `path` is a regular expression found anywhere in the path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str | None = None
    path: str = ""

    @field_validator("path")
    @classmethod
    def _readable(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as wrong:
            raise ValueError(f"no regular expression: {wrong}") from wrong
        return path

    def fits(self, method: str, path: str) -> bool:
        return self.method in (None, method) and re.search(self.path, path) is not None


class Rule(BaseModel):
    """What goes wrong, how often and for how long.

    | kind | what happens |
    |---|---|
    | latency | the answer comes `seconds` later |
    | status | the system is not asked; the answer has `status` and, if given, Retry-After in seconds |
    | timeout_before | the system is not asked, and no answer ever comes |
    | timeout_after | the system does what it was asked, and no answer ever comes |
    | lost_answer | the system does what it was asked, and the connection breaks |
    | error_in_200 | the system is not asked; the answer is an error in the vendor's words with status 200 |
    | partial_batch | only the first `records` records of a batch succeed (a system that knows no batches ignores it) |

    `times` null means for ever. `skip` lets that many matching requests pass first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    match: Match = Match()
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    probability: float = Field(default=1, gt=0, le=1)
    seconds: float = Field(default=1, ge=0, le=600)
    status: int = Field(default=503, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    records: int = Field(default=1, ge=0)
    seed: int | None = None


class _Armed:
    """A rule at work: `seen` counts requests that matched, `hits` those that it struck."""

    def __init__(self, number: int, rule: Rule, seed: int) -> None:
        self.id = str(number)
        self.rule = rule
        self.seen = 0
        self.hits = 0
        self._chance = Random(rule.seed if rule.seed is not None else seed + number)  # noqa: S311 - repeatable on purpose

    def strikes(self, method: str, path: str) -> bool:
        if not self.rule.match.fits(method, path) or self.hits == self.rule.times:
            return False
        self.seen += 1
        struck = self.seen > self.rule.skip and self._chance.random() < self.rule.probability
        self.hits += struck
        return struck

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, **self.rule.model_dump(), "seen": self.seen, "hits": self.hits}


class Faults:
    """An ASGI middleware around an emulator, or around a proxy to a real system.

    `fault_bodies` are the vendor's words: a status as text, or `error_in_200`, to (media type, body). The same `seed`
    and the same requests make the same faults. Rules are read in order; latencies add up, of the others the first that
    strikes decides. Requests below /_sandbox are never touched.

    Under uvicorn a broken connection is closed without a byte, and a missing answer lasts until the client gives up.
    In-process there is neither connection nor clock, so the client gets at once what its own transport would have
    raised in the end: httpx2.RemoteProtocolError or httpx2.ReadTimeout.
    """

    def __init__(
        self, app: ASGIApp, seed: int = 0, fault_bodies: Mapping[str, tuple[str, bytes]] | None = None
    ) -> None:
        self._app = app
        self._seed = seed
        self._bodies = fault_bodies or {}
        self._rules: list[_Armed] = []
        self._added = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == ADDRESS or scope["path"].startswith(f"{ADDRESS}/"):
            await (await self._administer(Request(scope, receive)))(scope, receive, send)
        elif scope["path"].startswith("/_sandbox/"):
            await self._app(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    # -- rules

    def add(self, rule: Rule) -> str:
        """The id of the rule, which is at work from now on."""
        self._added += 1
        self._rules.append(_Armed(self._added, rule, self._seed))
        return str(self._added)

    def clear(self) -> None:
        self._rules.clear()

    async def _administer(self, request: Request) -> Response:
        """GET shows the rules with their hits, POST adds one, DELETE removes one (/…/{id}) or all."""
        match request.method:
            case "GET":
                return JSONResponse({"rules": [each.shown() for each in self._rules]})
            case "POST":
                try:
                    rule = Rule.model_validate_json(await request.body())
                except ValidationError as wrong:
                    return Response(wrong.json(include_url=False), 422, media_type="application/json")
                self.add(rule)
                return JSONResponse(self._rules[-1].shown(), 201)
            case "DELETE":
                one = request.url.path.removeprefix(ADDRESS).strip("/")
                kept = [each for each in self._rules if one and each.id != one]
                removed, self._rules = len(self._rules) - len(kept), kept
                return JSONResponse({"removed": removed})
            case _:
                return Response(status_code=405, headers={"Allow": "GET, POST, DELETE"})

    # -- requests

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = await self._struck(scope)
        match rule.kind if rule else None:
            case "status":
                await self._refuse(cast(Rule, rule))(scope, receive, send)
            case "error_in_200":
                await self._answer(200, "error_in_200")(scope, receive, send)
            case "timeout_before":
                await _stay_silent(receive, send)
            case "timeout_after":
                await self._app(scope, receive, _swallow)
                await _stay_silent(receive, send)
            case "lost_answer":
                await self._app(scope, receive, _swallow)
                await _break_connection(receive, send)
            case "partial_batch":
                await self._app({**scope, "tieout.partial_batch": cast(Rule, rule).records}, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _struck(self, scope: Scope) -> Rule | None:
        for armed in list(self._rules):
            if armed.strikes(scope["method"], scope["path"]):
                if armed.rule.kind != "latency":
                    return armed.rule
                await asyncio.sleep(armed.rule.seconds)
        return None

    def _refuse(self, rule: Rule) -> Response:
        response = self._answer(rule.status, str(rule.status))
        if rule.retry_after is not None:
            response.headers["Retry-After"] = str(rule.retry_after)
        return response

    def _answer(self, status: int, wording: str) -> Response:
        media_type, body = self._bodies.get(wording, ("application/json", b'{"error": "injected by the sandbox"}'))
        return Response(body, status, media_type=media_type)


async def _swallow(message: Message) -> None:
    """The system's answer goes nowhere."""


def _connection(send: Send) -> asyncio.Transport | None:
    """The connection behind a server's `send`, or None in-process.

    uvicorn gives applications no way to hang up, but `send` is a method of its request cycle, which has the transport.
    """
    return getattr(getattr(send, "__self__", None), "transport", None)


async def _stay_silent(receive: Receive, send: Send) -> None:
    if _connection(send) is None:
        raise httpx2.ReadTimeout("the sandbox never answers this request")
    await _gone(receive)


async def _break_connection(receive: Receive, send: Send) -> None:
    connection = _connection(send)
    if connection is None:
        raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")
    connection.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Until the client is away; whatever is left of its request is read and dropped."""
    while (await receive())["type"] != "http.disconnect":
        pass
