"""HTTP to a system: what a failed call means, told in the hub's words, and requests as bytes that can be kept."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tieout.connectors.contract import OutcomeUnknown
from tieout.domain.problems import Transient

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Untrusted(Exception):
    """The other side's certificate proves nothing, so it was told nothing. Waiting does not help: a person must look."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the effect keeps it: the same bytes again are the same request."""

    method: str
    path: str
    body: Any = None

    def encode(self) -> bytes:
        return json.dumps(
            {"method": self.method, "path": self.path, "body": self.body}, sort_keys=True, ensure_ascii=False
        ).encode()

    @classmethod
    def decode(cls, stored: bytes) -> Request:
        return cls(**json.loads(stored))

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


async def exchange(
    client: httpx2.AsyncClient, request: Request, headers: Mapping[str, str], *, writes: bool | None = None
) -> httpx2.Response:
    """One attempt. Below 500 and not 429 the answer is the caller's to read.

    Raises Transient when the request certainly had no effect, OutcomeUnknown when a write may have had one, Untrusted.
    """
    changes = request.writes if writes is None else writes
    content = None if request.body is None else json.dumps(request.body).encode()
    sent = client.build_request(
        request.method,
        request.path,
        content=content,
        headers={**headers, **({"Content-Type": "application/json"} if content is not None else {})},
    )
    try:
        response = await answered(client, sent)
    except _NOT_SENT as away:
        raise Transient(f"no connection to {client.base_url}: {away}") from away
    except httpx2.TransportError as cut:
        raise lost(changes, f"{request.method} {request.path}: {type(cut).__name__} {cut}") from cut
    if response.status_code == 429:
        raise Transient(f"{client.base_url} asks to slow down", retry_after(response))
    if response.status_code >= 500:
        raise lost(changes, f"{request.method} {request.path}: HTTP {response.status_code}")
    return response


async def answered(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """One attempt, and the whole answer. Its body may take as long as a wait for it may: the client's own limit is for each
    piece, and a system that sends a few bytes a second never reaches it. Raises httpx2.TransportError or Untrusted."""
    try:
        response = await client.send(request, stream=True)
    except httpx2.ConnectError as away:
        if (wrong := _of_the_certificate(away)) is not None:
            raise Untrusted(f"the certificate of {client.base_url} is not valid: {wrong.verify_message}") from away
        raise
    try:
        async with asyncio.timeout(client.timeout.read):
            await response.aread()
    except TimeoutError as slow:
        raise httpx2.ReadTimeout("the answer does not come to its end", request=request) from slow
    finally:
        await response.aclose()
    return response


def _of_the_certificate(away: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while away is not None and not isinstance(away, ssl.SSLCertVerificationError):
        away = away.__cause__ or away.__context__
    return away


def lost(writes: bool, what: str) -> Exception:
    """A write without a credible answer has an unknown outcome; a read can simply be made again."""
    return OutcomeUnknown(what) if writes else Transient(what)


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds the server asks to wait; None when it does not say (a date counts as not saying)."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def json_of(response: httpx2.Response, *, writes: bool) -> Any:
    """The answer's JSON; an HTML page with status 200 is no answer."""
    if response.status_code == 204 or not response.content:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError) as wrong:
        raise lost(writes, f"the answer is no JSON: {response.text[:120]!r}") from wrong
