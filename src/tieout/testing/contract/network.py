"""The network between a connector and its system in the contract tests: it counts the calls and breaks the one it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2

from tieout.testing.crash import Crashed

Fault = Literal[
    "refused", "too_many", "unavailable",
    "silent", "lost", "garbled", "bad_gateway", "late",
    "error_in_200", "login_page", "empty", "redirected",
    "killed_before", "killed_after",
]  # fmt: skip

# The system did not take the request and says so.
AWAY: tuple[Fault, ...] = ("refused", "too_many", "unavailable")
# The system may have done what it was asked, and no answer came that can be believed.
UNANSWERED: tuple[Fault, ...] = ("silent", "lost", "garbled", "bad_gateway")
CARRIED_OUT: tuple[Fault, ...] = ("lost", "garbled", "bad_gateway")
# An answer came that proves nothing.
LIES: tuple[Fault, ...] = ("error_in_200", "login_page", "empty", "redirected")

_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"
_STATUS = {"too_many": 429, "unavailable": 503}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it left the connector; `changes` when the system would be another one after it."""

    method: str
    path: str
    changes: bool


@dataclass(slots=True)
class _Armed:
    fault: Fault
    at: int
    only_changes: bool


class FaultyNetwork(httpx2.AsyncBaseTransport):
    """Passes requests on to `inner` until it is told to strike.

    | fault | the system is asked | the connector gets |
    |---|---|---|
    | refused | no | no connection |
    | too_many, unavailable | no | 429 or 503 in the vendor's words |
    | silent | no | no answer in time |
    | lost | yes | a broken connection |
    | garbled, bad_gateway | yes | a page of HTML with status 200 or 502 |
    | late | when `deliver` is called | no answer in time |
    | error_in_200 | no | an error in the vendor's words with status 200 |
    | login_page, empty | no | a page of HTML, or nothing at all, with status 200 |
    | redirected | no | 302 to a page where a person signs in |
    | killed_before, killed_after | no, yes | the hub's process ends (`Crashed`) |

    `changes` tells a request that changes something from one that only reads; `words` are the vendor's own bodies for
    "429", "503" and "error_in_200" as (media type, body).
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        changes: Callable[[httpx2.Request], bool],
        words: Mapping[str, tuple[str, bytes]],
    ) -> None:
        self.calls: list[Call] = []
        self.authorizations: set[str] = set()
        self._inner = inner
        self._changes = changes
        self._words = words
        self._armed: _Armed | None = None
        self._held: list[httpx2.Request] = []

    def strike(self, fault: Fault, *, at: int = 1, only_changes: bool = True) -> None:
        """The `at`-th request from now on suffers the fault, once; `only_changes` counts those alone that change something."""
        self._armed = _Armed(fault, at, only_changes)

    def calm(self) -> bool:
        """Takes the fault back; False when there was none any more, because it struck."""
        armed, self._armed = self._armed, None
        return armed is not None

    @property
    def late(self) -> int:
        """How many requests are still on their way."""
        return len(self._held)

    async def deliver(self, count: int | None = None) -> None:
        """Late requests arrive, the oldest first; nobody waits for their answers any more."""
        arriving = self._held[:count]
        del self._held[:count]
        for request in arriving:
            await (await self._inner.handle_async_request(request)).aread()

    def would_change(self, request: httpx2.Request) -> bool:
        """Whether the system would be another one after the request, whose body has been read."""
        return self._changes(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        call = Call(request.method, request.url.path, self._changes(request))
        self.calls.append(call)
        self.authorizations.add(request.headers.get("Authorization", ""))
        fault = self._due(call)
        if fault is None:
            return await self._inner.handle_async_request(request)
        return await self._suffer(fault, request)

    async def aclose(self) -> None:
        """Connections come and go, the network stays: whoever made `inner` closes it."""

    def _due(self, call: Call) -> Fault | None:
        armed = self._armed
        if armed is None or (armed.only_changes and not call.changes):
            return None
        armed.at -= 1
        if armed.at:
            return None
        self._armed = None
        return armed.fault

    async def _suffer(self, fault: Fault, request: httpx2.Request) -> httpx2.Response:
        match fault:
            case "refused":
                raise httpx2.ConnectError("All connection attempts failed", request=request)
            case "silent" | "late":
                self._held += [request] if fault == "late" else []
                raise httpx2.ReadTimeout("", request=request)
            case "killed_before":
                raise Crashed(f"before {request.method} {request.url.path}")
            case "lost" | "garbled" | "bad_gateway" | "killed_after":
                await (await self._inner.handle_async_request(request)).aread()
                return _unbelievable(fault, request)
            case _:
                return self._answer(fault, request)

    def _answer(self, fault: Fault, request: httpx2.Request) -> httpx2.Response:
        match fault:
            case "too_many" | "unavailable":
                status = _STATUS[fault]
                return _body(status, *self._words[str(status)], request)
            case "error_in_200":
                return _body(200, *self._words["error_in_200"], request)
            case "empty":
                return _body(200, "application/json", b"", request)
            case "redirected":
                return httpx2.Response(302, headers={"Location": "https://login.invalid/"}, request=request)
            case _:
                return _body(200, "text/html", _LOGIN_PAGE, request)


def _unbelievable(fault: Fault, request: httpx2.Request) -> httpx2.Response:
    """What comes instead of the answer of a system that did what it was asked."""
    match fault:
        case "garbled":
            return _body(200, "text/html", b"<html><body>One moment, please</body></html>", request)
        case "bad_gateway":
            return _body(502, "text/html", b"<html><body>Bad Gateway</body></html>", request)
        case "killed_after":
            raise Crashed(f"after {request.method} {request.url.path}")
        case _:
            raise httpx2.ReadError("connection reset by peer", request=request)


def _body(status: int, media_type: str, body: bytes, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(status, content=body, headers={"Content-Type": media_type}, request=request)
