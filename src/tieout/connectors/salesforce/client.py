"""Salesforce's REST API over one connection: tokens, pages of a query, and what its errors mean."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import quote

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tieout.connectors.contract import AlreadyThere
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.transports.answers import MISSHAPEN
from tieout.connectors.transports.http import Request, Untrusted, answered, exchange, lost, retry_after
from tieout.domain.problems import Conflict, Misconfigured, Transient

Row = dict[str, Any]

# How many ids a condition names at once: the address of a request may be 16 KB long.
CHUNK = 200
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
# Certainly without effect, and gone later.
_AGAIN = {
    "UNABLE_TO_LOCK_ROW",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "INVALID_QUERY_LOCATOR",  # a cursor died between two pages: the whole query is asked again
}
# The org lacks something that the connection was promised, or hides it from our user.
_SETUP = {
    "API_DISABLED_FOR_ORG",
    "API_CURRENTLY_DISABLED",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_TYPE",
    "UNSUPPORTED_API_VERSION",
}


class SalesforceError(Exception):
    """The org refused a write for a reason that a person must see; `code` is Salesforce's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What the org said: a body with exact numbers, or None where it was empty."""

    status: int
    body: Any
    date: datetime | None = None


class SalesforceClient:
    """Speaks for one connection; it keeps its token and the last usage that the org reported."""

    def __init__(self, name: str, config: SalesforceConfig, http: httpx2.AsyncClient) -> None:
        self.name = name
        self.usage: tuple[int, int] | None = None
        self.now: datetime | None = None  # the org's own clock, as of its last answer
        self._config = config
        self._http = http
        self._token = ""
        self._door = asyncio.Lock()

    @property
    def base(self) -> str:
        return f"/services/data/v{self._config.version}"

    async def close(self) -> None:
        await self._http.aclose()

    # -- reads

    async def get(self, path: str) -> Answer:
        """What stands at an address; status 404 is an answer. Raises Transient or Misconfigured."""
        return await self._exchange(Request("GET", path), writes=False, absent=True)

    async def query(self, soql: str, *, deleted: bool = False) -> list[Row]:
        """Every row, over all pages, children's pages too; `deleted` includes the recycle bin."""
        return await self._all(await self._page(self._query_path(soql, deleted=deleted)))

    async def queries(self, asked: Sequence[str]) -> list[list[Row]]:
        """The rows of up to five queries, recycle bin included, for the price of one API call."""
        parts = [
            {"method": "GET", "url": self._query_path(soql, deleted=True), "referenceId": f"query{number}"}
            for number, soql in enumerate(asked)
        ]
        request = Request("POST", f"{self.base}/composite", {"compositeRequest": parts})
        answer = await self._exchange(request, writes=False)
        answers: list[Row] | None = members(answer.body).get("compositeResponse")
        if answers is None:
            raise Transient(f"the answer to a composite request is none: {str(answer.body)[:200]}")
        for each in answers:
            if each["httpStatusCode"] >= 300:
                self._refused(each["httpStatusCode"], each["body"], writes=False)
        return [await self._all(_page_of(each["body"])) for each in answers]

    async def query_each(self, soql: str, ids: Sequence[str], *, deleted: bool = False) -> list[Row]:
        """The rows of a query that says `{ids}` where a list of ids belongs; a long list is asked for in chunks."""
        found: list[Row] = []
        for start in range(0, len(ids), CHUNK):
            named = ", ".join(soql_text(each) for each in ids[start : start + CHUNK])
            found += await self.query(soql.replace("{ids}", named), deleted=deleted)
        return found

    def _query_path(self, soql: str, *, deleted: bool) -> str:
        return f"{self.base}/{'queryAll' if deleted else 'query'}?q={quote(soql, safe='')}"

    async def _all(self, page: Row) -> list[Row]:
        records: list[Row] = list(page["records"])
        while not page["done"]:
            page = await self._page(page["nextRecordsUrl"])
            records += page["records"]
        for children in _unfinished(records):
            children |= {"records": await self._all(children), "done": True}
        return records

    async def _page(self, path: str) -> Row:
        return _page_of((await self._exchange(Request("GET", path), writes=False)).body)

    # -- writes

    async def write(self, request: Request) -> Answer:
        """One attempt. Raises SalesforceError for a refusal that a person must see, and what the contract names."""
        return await self._exchange(request, writes=True)

    # -- both

    async def _exchange(self, request: Request, *, writes: bool, absent: bool = False) -> Answer:
        """One request, with a fresh token when the old one has expired (a refused token never had an effect)."""
        token = self._token or await self._log_in("")
        response = await self._sent(request, token, writes=writes)
        if response.status_code == 401:
            response = await self._sent(request, await self._log_in(token), writes=writes)
        if found := _USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
            self.usage = int(found[1]), int(found[2])
        self.now = _date_of(response)
        refused = response.status_code >= 300
        body = exact(response, writes=writes and not refused)
        if refused and not (absent and response.status_code == 404):
            self._refused(response.status_code, body, writes=writes)
        return Answer(response.status_code, body, _date_of(response))

    async def _sent(self, request: Request, token: str, *, writes: bool) -> httpx2.Response:
        try:
            return await exchange(self._http, request, self._headers(token, writes=writes), writes=writes)
        except Untrusted as wrong:
            raise Misconfigured(str(wrong), self.name) from wrong

    def _headers(self, token: str, *, writes: bool) -> Mapping[str, str]:
        headers = {"Authorization": f"Bearer {token}", "Sforce-Call-Options": "client=tieout"}
        # Writing a number onto a record makes it no duplicate: the org's duplicate rules may warn, not refuse.
        return headers | {"Sforce-Duplicate-Rule-Header": "allowSave=true"} if writes else headers

    def _refused(self, status: int, body: Any, *, writes: bool) -> None:
        code, message = error_of(status, body)
        told = f"{code}: {message}"
        if code in _AGAIN:
            raise Transient(told)
        if status == 401 or code in _SETUP:
            raise Misconfigured(told, self.name)
        if status == 412:
            raise Conflict(told)
        if code == "DUPLICATE_VALUE":
            raise AlreadyThere(told)
        if writes:
            raise SalesforceError(status, code, message)
        raise Misconfigured(told, self.name)

    # -- tokens

    async def _log_in(self, refused: str) -> str:
        """A token other than the refused one; of several tasks that meet an expired token, one logs in for all."""
        async with self._door:
            if self._token == refused:
                self._token = await self._new_token()
            return self._token

    async def _new_token(self) -> str:
        try:
            response = await answered(
                self._http, self._http.build_request("POST", "/services/oauth2/token", data=self._grant())
            )
        except httpx2.TransportError as away:
            raise Transient(f"no connection to {self._config.url}: {away}") from away
        except Untrusted as wrong:
            raise Misconfigured(str(wrong), self.name) from wrong
        if response.status_code >= 500 or response.status_code == 429:
            told = f"{self._config.url} cannot issue a token now: HTTP {response.status_code}"
            raise Transient(told, retry_after(response))
        body = exact(response, writes=False)
        token = members(body).get("access_token")
        if response.status_code != 200 or not token:
            raise Misconfigured(_login_refused(response.status_code, body), self.name)
        return str(token)

    def _grant(self) -> dict[str, str]:
        config = self._config
        if config.auth == "client_credentials":
            secret = config.client_secret.get_secret_value() if config.client_secret else ""
            return {"grant_type": "client_credentials", "client_id": config.client_id, "client_secret": secret}
        claims = {
            "iss": config.client_id,
            "sub": config.username,
            "aud": config.audience,
            "exp": int(time.time()) + 180,
        }
        try:
            key = RSAKey.import_key(config.private_key.get_secret_value() if config.private_key else "")
            assertion = jwt.encode({"alg": "RS256"}, claims, key)
        except (JoseError, ValueError) as wrong:
            raise Misconfigured("private_key is no RSA key in PEM form", self.name) from wrong
        return {"grant_type": _JWT_BEARER, "assertion": assertion}


def exact(response: httpx2.Response, *, writes: bool) -> Any:
    """The answer's JSON, its numbers as decimals; None where it is empty. An HTML page with status 200 is no answer."""
    if response.status_code == 204 or not response.content:
        return None
    try:
        return json.loads(response.content, parse_float=Decimal)
    except MISSHAPEN as wrong:
        if response.status_code >= 300:
            return response.text[:500]
        raise lost(writes, f"the answer is no JSON: {response.text[:120]!r}") from wrong


def error_of(status: int, body: Any) -> tuple[str, str]:
    """Code and message of an error body, which is an array of objects when the org itself speaks; all its messages."""
    try:
        return str(body[0]["errorCode"]), "; ".join(str(each["message"]) for each in body)[:500]
    except (TypeError, KeyError, IndexError):
        return f"HTTP_{status}", str(body)[:500]


def members(body: Any) -> Row:
    """The members of a JSON object; of anything else there are none."""
    return cast("Row", body) if isinstance(body, dict) else {}


def soql_text(value: str) -> str:
    """A SOQL string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _page_of(body: Any) -> Row:
    """A page of a query. Raises Transient for anything else that came with status 200."""
    page = members(body)
    if "records" not in page or "done" not in page:
        raise Transient(f"the answer to a query is none: {str(body)[:200]}")
    return page


def _unfinished(records: Sequence[Row]) -> Iterator[Row]:
    """Lists of children that go on on a page of their own."""
    for record in records:
        for value in record.values():
            if members(value).get("done") is False:
                yield value


def _date_of(response: httpx2.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get_list("Date")[-1])
    except (IndexError, ValueError):
        return None


def _login_refused(status: int, body: Any) -> str:
    if told := members(body):
        return f"{told.get('error')}: {told.get('error_description')}"
    return f"the token endpoint answered with HTTP {status}: {str(body)[:200]}"
