"""Systems that are slow, refuse, throttle or lie: what stands between a connection and its system while they do."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import httpx2

from tieout.testing.contract import FaultyNetwork
from tieout.testing.contract.network import Fault

# How long a record that was made is not seen, in virtual time, and how fast a slow body comes.
INVISIBLE = timedelta(seconds=30)
RETRY_AFTER = 7
_BYTES, _SECOND = 4, 1.0
_LOCKED: Mapping[str, tuple[int, Any]] = {
    "salesforce": (400, [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "The period is locked"}]),
    "kantata": (422, {"errors": [{"type": "validation", "field": "date", "message": "The period is locked"}]}),
    "tryton": (200, {"id": 1, "error": ["UserError", ["The period is locked.", "", None]]}),
}
_ROWS = ("records", "results", "result")

Answer = Callable[["Liar", httpx2.Request], Awaitable[httpx2.Response]]


@dataclass(frozen=True, slots=True)
class Lie:
    """A profile: what is answered instead, for how many calls, and what the connection may make of it.

    `means` are the words for what a run may come to while it lasts: retry, hold, pause, or done where the lie is only in
    what is shown. `changes` strikes requests alone that change something. `hides` lasts for ever, and is about what was
    asked for before. `after` is the wait in seconds that the system asks for, and the hub must have heard.
    """

    name: str
    answer: Answer
    times: int = 3
    means: frozenset[str] = frozenset({"retry", "hold", "pause"})
    changes: bool = False
    hides: bool = False
    after: float | None = None


class Liar(httpx2.AsyncBaseTransport):
    """Passes requests on to the network of a contract bench, and lies about `times` of them."""

    def __init__(self, network: FaultyNetwork, lie: Lie, kind: str, now: Callable[[], datetime]) -> None:
        self.network = network
        self.kind = kind
        self.now = now
        self.told = 0
        self.last: dict[str, tuple[int, bytes]] = {}
        self.before: dict[tuple[str, bytes], tuple[int, bytes]] = {}
        self.changed_at: datetime | None = None
        self._lie = lie

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        strikes = self.told < self._lie.times and (not self._lie.changes or self.network.would_change(request))
        self.told += strikes
        return await (self._lie.answer(self, request) if strikes else self.honest(request))

    async def honest(self, request: httpx2.Request) -> httpx2.Response:
        """What the system really says; remembered for lies about reads."""
        response = await self.network.handle_async_request(request)
        body = await response.aread()
        if self.network.would_change(request):
            self.changed_at = self.changed_at or self.now()
        else:
            self.last[request.url.path] = response.status_code, body
            if self.changed_at is None:
                self.before[_question(request)] = response.status_code, body
        return _like(response, body, request)

    async def struck(self, fault: Fault, request: httpx2.Request) -> httpx2.Response:
        """A fault of the contract suite."""
        self.network.strike(fault, only_changes=False)
        response = await self.network.handle_async_request(request)
        self.network.calm()
        return response

    async def aclose(self) -> None:
        """The network stays."""


class _Dripping(httpx2.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for first in range(0, len(self._body), _BYTES):
            await asyncio.sleep(_SECOND)
            yield self._body[first : first + _BYTES]


def _of(fault: Fault) -> Answer:
    return lambda liar, request: liar.struck(fault, request)


async def _later(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    response = await liar.struck("too_many", request)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


async def _expired(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    wrong = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    wrong.verify_message = "certificate has expired"
    raise httpx2.ConnectError(str(wrong), request=request) from wrong


async def _dripping(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """The system does what it is asked, and says so four bytes a second."""
    response = await liar.honest(request)
    body = await response.aread() or b"{}"
    return httpx2.Response(
        response.status_code, stream=_Dripping(body), headers={"Content-Type": "application/json"}, request=request
    )


async def _locked(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    status, body = _LOCKED[liar.kind]
    return httpx2.Response(status, json=body, request=request)


async def _renamed(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """The system does what it is asked; every member of its answer has a new name."""
    return await _altered(liar, request, lambda body: _with_names(body, lambda name: f"{name}_v2"))


async def _in_part(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """The system does what it is asked; of what came of it, the last part is missing."""
    return await _altered(liar, request, _without_the_last_part)


async def _without_a_row(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    if liar.network.would_change(request):
        return await liar.honest(request)
    return await _altered(liar, request, _without_the_last_row)


async def _repeating(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """A read gets the answer of the one before it at the same address, whatever it asks for."""
    known = liar.last.get(request.url.path)
    if known is None or liar.network.would_change(request):
        return await liar.honest(request)
    return httpx2.Response(known[0], content=known[1], headers={"Content-Type": "application/json"}, request=request)


async def _invisible(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """Whatever was asked before the change is answered as before it, until the lag is over."""
    known = liar.before.get(_question(request))
    over = liar.changed_at is not None and liar.now() - liar.changed_at > INVISIBLE
    if known is None or over or liar.network.would_change(request):
        return await liar.honest(request)
    return httpx2.Response(known[0], content=known[1], headers={"Content-Type": "application/json"}, request=request)


async def _lost_and_invisible(liar: Liar, request: httpx2.Request) -> httpx2.Response:
    """Besides, the answer to the first change is lost."""
    if liar.network.would_change(request) and liar.changed_at is None:
        await liar.honest(request)
        raise httpx2.ReadError("connection reset by peer", request=request)
    return await _invisible(liar, request)


_SHOWN = frozenset({"retry", "hold", "pause", "done"})
_RETRY = frozenset({"retry"})
_ALWAYS = 10**6
LIES = (
    Lie("429 that names no time", _of("too_many"), means=_RETRY),
    Lie(f"429 with Retry-After: {RETRY_AFTER}", _later, means=_RETRY, after=RETRY_AFTER),
    Lie("a burst of 503", _of("unavailable"), times=5, means=_RETRY),
    Lie("200 with an error", _of("error_in_200")),
    Lie("200 with a login page", _of("login_page")),
    Lie("200 with nothing", _of("empty")),
    Lie("an expired certificate", _expired, means=frozenset({"pause"})),
    Lie("a body of four bytes a second", _dripping, times=1, means=_RETRY),
    Lie("a locked period", _locked, times=1, means=frozenset({"hold"}), changes=True),
    Lie("another schema", _renamed),
    Lie("an answer in part", _in_part, times=2, means=_SHOWN),
    Lie("a page without a row", _without_a_row, times=2, means=_SHOWN),
    Lie("a page that repeats the one before", _repeating, means=_SHOWN),
    Lie("invisible for 30 s", _invisible, times=_ALWAYS, means=_SHOWN, hides=True),
    Lie("lost, and invisible for 30 s", _lost_and_invisible, times=_ALWAYS, means=_SHOWN, hides=True),
)
# Those that are about every call are told of the changing one alone as well.
ON_WRITES = (*LIES, *(replace(each, name=f"{each.name}, of the change", changes=True) for each in LIES[:8]))
ON_READS = tuple(each for each in LIES if not each.changes)


async def _altered(liar: Liar, request: httpx2.Request, alter: Callable[[Any], Any]) -> httpx2.Response:
    response = await liar.honest(request)
    body = await response.aread()
    try:
        altered = json.dumps(alter(json.loads(body))).encode() if body else body
    except ValueError:
        altered = body
    return _like(response, altered, request)


def _with_names(node: Any, named: Callable[[str], str]) -> Any:
    if isinstance(node, list):
        return [_with_names(each, named) for each in cast("list[Any]", node)]
    if isinstance(node, dict):
        return {named(name): _with_names(each, named) for name, each in cast("dict[str, Any]", node).items()}
    return node


def _without_the_last_row(body: Any) -> Any:
    """Lists of rows lose their last one; what counts them still counts it."""
    if not isinstance(body, dict):
        return body
    told = cast("dict[str, Any]", body)
    return {
        name: each[:-1] if name in _ROWS and isinstance(each, list) else _of_parts(each, name)
        for name, each in told.items()
    }


def _of_parts(each: Any, name: str) -> Any:
    """The bodies of a composite answer are answers of their own."""
    if name != "compositeResponse":
        return each
    return [{**part, "body": _without_the_last_row(part["body"])} for part in cast("list[dict[str, Any]]", each)]


def _without_the_last_part(body: Any) -> Any:
    """The rows that are named are not all there, or the last of several answers is an error."""
    if not isinstance(body, dict):
        return body
    told = cast("dict[str, Any]", body)
    if parts := told.get("compositeResponse"):
        wrong = [{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred"}]
        return {**told, "compositeResponse": [*parts[:-1], {**parts[-1], "httpStatusCode": 500, "body": wrong}]}
    if isinstance(told.get("results"), list):
        return {name: _shorter(each) for name, each in told.items()}
    return _without_the_last_row(told)


def _shorter(each: Any) -> Any:
    return dict(list(cast("dict[str, Any]", each).items())[:-1]) if isinstance(each, dict) else each


def _question(request: httpx2.Request) -> tuple[str, bytes]:
    return f"{request.method} {request.url}", request.content


def _like(response: httpx2.Response, body: bytes, request: httpx2.Request) -> httpx2.Response:
    headers = {
        name: value
        for name, value in response.headers.items()
        if name.lower() not in ("content-length", "content-encoding", "transfer-encoding")
    }
    return httpx2.Response(response.status_code, content=body, headers=headers, request=request)
