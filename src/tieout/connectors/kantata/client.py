"""Kantata's REST API over one connection: the envelope, its pages, and what its errors mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import httpx2

from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.transports.http import Request, Untrusted, exchange, json_of, lost
from tieout.domain.problems import Misconfigured, Transient

Row = dict[str, Any]
BASE = "/api/v1"
_PAGE = 200
# While a list is read in pages, rows may leave it: so many rows of a page are read again with the next one.
_SHARED = 20


class KantataError(Exception):
    """The account refused a request for a reason that a person must see."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer: its rows in order, and whatever else came with them by collection and id."""

    rows: Sequence[Row]
    maps: Mapping[str, Mapping[str, Row]]
    count: int

    def one(self, collection: str, row_id: Any) -> Row | None:
        return self.maps.get(collection, {}).get(str(row_id)) if row_id else None


class KantataClient:
    """Speaks for one connection."""

    def __init__(self, name: str, config: KantataConfig, http: httpx2.AsyncClient) -> None:
        self.name = name
        self._http = http
        self._headers = {"Authorization": f"Bearer {config.token.get_secret_value()}", "Accept": "application/json"}

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Envelope | None:
        """None for 404, which is also the answer to what a default filter hides. Raises Transient for other refusals: no
        reading of ours is wrong in itself."""
        try:
            return await self.call(Request("GET", address(path, params)))
        except KantataError as refused:
            if refused.status == 404:
                return None
            raise Transient(f"{self.name} cannot be read: {refused}") from refused

    async def record(self, path: str, **params: Any) -> Envelope | None:
        """The one record at an address. Raises Transient for an answer that is there and has none."""
        found = await self.get(path, **params)
        if found is not None and not found.rows:
            raise Transient(f"{self.name} answers to {path} without a record")
        return found

    async def list(self, path: str, **params: Any) -> Envelope:
        """One page. Raises Transient when even the list is not there."""
        found = await self.get(path, **params)
        if found is None:
            raise Transient(f"{self.name} has no {path}")
        return found

    async def pages(self, path: str, **params: Any) -> AsyncIterator[Envelope]:
        """Every page. A row may come twice, when the list changes meanwhile; none is left out.

        Raises Transient when a page repeats what came before, while there should be more: such a list has no end.
        """
        offset, seen = 0, set[str]()
        while True:
            page = await self.list(path, **params, limit=_PAGE, offset=offset)
            fresh = {str(each["id"]) for each in page.rows} - seen
            seen |= fresh
            if offset and not fresh and len(seen) < page.count:
                raise Transient(
                    f"{self.name} gives the same page of {path} again, after {len(seen)} of {page.count} rows"
                )
            yield page
            if not page.rows or offset + len(page.rows) >= page.count:
                return
            offset += step(page)

    async def all(self, path: str, **params: Any) -> list[Row]:
        """Every row once, over all pages."""
        found: dict[str, Row] = {}
        async for page in self.pages(path, **params):
            found |= {each["id"]: each for each in page.rows}
        return list(found.values())

    async def by_ids(self, path: str, ids: Iterable[str], **params: Any) -> Envelope:
        """The rows with these ids that are still there."""
        rows: dict[str, Row] = {}
        maps: dict[str, dict[str, Row]] = {}
        wanted = sorted(set(ids))
        for first in range(0, len(wanted), _PAGE):
            chunk = ",".join(wanted[first : first + _PAGE])
            page = await self.list(path, only=chunk, **params, per_page=_PAGE)
            rows |= {each["id"]: each for each in page.rows}
            for name, side in page.maps.items():
                maps.setdefault(name, {}).update(side)
        return Envelope(list(rows.values()), maps, len(rows))

    async def call(self, request: Request) -> Envelope:
        """One attempt. Raises Transient, Misconfigured, KantataError or OutcomeUnknown."""
        try:
            response = await exchange(self._http, request, self._headers)
        except Untrusted as wrong:
            raise Misconfigured(str(wrong), self.name) from wrong
        status = response.status_code
        if status == 204:
            return Envelope([], {}, 0)
        body: Any = json_of(response, writes=request.writes)
        if status in (401, 403):
            raise Misconfigured(f"HTTP {status}: {words_of(body)}", self.name)
        if status >= 400:
            raise KantataError(status, words_of(body))
        envelope = _envelope(body) if status == 200 else None
        if envelope is None:
            raise lost(request.writes, f"{request.method} {request.path}: HTTP {status} with {words_of(body)}")
        return envelope


def step(page: Envelope) -> int:
    """Rows from the beginning of one page to the beginning of the next."""
    return max(len(page.rows) - _SHARED, len(page.rows) // 2, 1)


def address(path: str, params: Mapping[str, Any]) -> str:
    return f"{BASE}/{path}?{urlencode(params)}" if params else f"{BASE}/{path}"


def words_of(body: Any) -> str:
    """The messages of an `errors` array, each with the field it is about; any other body as it stands."""
    told: Row = cast("Row", body) if isinstance(body, dict) else {}
    errors: list[Any] = cast("list[Any]", told["errors"]) if isinstance(told.get("errors"), list) else []
    named = [cast("Row", each) for each in errors if isinstance(each, dict)]
    words = "; ".join(f"{each.get('field', '')} {each.get('message', each)}".strip() for each in named)
    return (words or str(cast("Any", body)))[:1000]


def _envelope(body: Any) -> Envelope | None:
    """None for a body that is no envelope: errors come with status 200, too."""
    if not isinstance(body, dict):
        return None
    told = cast("Row", body)
    if "errors" in told or not isinstance(told.get("results"), list):
        return None
    maps: dict[str, dict[str, Row]] = {name: value for name, value in told.items() if isinstance(value, dict)}
    try:
        rows = [maps[each["key"]][each["id"]] for each in told["results"]]
        return Envelope(rows, maps, int(told["count"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
