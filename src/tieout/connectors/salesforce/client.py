"""Salesforce's REST API over one connection: tokens, pages of a query, and what its errors mean."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from tieout.connectors.contract import AlreadyThere, OutcomeUnknown
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.transports.http import Request, exchange, json_of
from tieout.domain.problems import Conflict, Misconfigured, Transient

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_AGAIN = {"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"}
_RIGHTS = {"INSUFFICIENT_ACCESS_OR_READONLY", "API_DISABLED_FOR_ORG", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"}


class SalesforceError(Exception):
    """The org refused a request for a reason that a person must see; `code` is Salesforce's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code


class SalesforceClient:
    """Speaks for one connection; it keeps its token and the last usage that the org reported."""

    def __init__(self, name: str, config: SalesforceConfig, http: httpx2.AsyncClient) -> None:
        self.name = name
        self.usage: tuple[int, int] | None = None
        self._config = config
        self._http = http
        self._token = ""

    @property
    def base(self) -> str:
        return f"/services/data/v{self._config.version}"

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Any:
        """The JSON at a path below the versioned base, or None for 404."""
        return await self.call(Request("GET", f"{self.base}{path}"))

    async def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Every row, over all pages; `deleted` includes the recycle bin."""
        resource = "queryAll" if deleted else "query"
        page = await self.call(Request("GET", f"{self.base}/{resource}?q={quote(soql)}"))
        records: list[dict[str, Any]] = list(page["records"])
        while not page["done"]:
            page = await self.call(Request("GET", page["nextRecordsUrl"]))
            records += page["records"]
        return records

    async def call(self, request: Request) -> Any:
        """One request, with a fresh token when the old one has expired (a refused token never had an effect)."""
        if not self._token:
            await self._log_in()
        response = await exchange(self._http, request, self._headers())
        if response.status_code == 401:
            await self._log_in()
            response = await exchange(self._http, request, self._headers())
        if found := _USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
            self.usage = int(found[1]), int(found[2])
        body: Any = json_of(response, writes=request.writes)
        if response.status_code == 404 and not request.writes:
            return None
        if response.status_code >= 300:
            self._refused(response.status_code, body)
        if request.writes and body is not None and not isinstance(body, dict):
            raise OutcomeUnknown(
                f"{request.method} {request.path}: status {response.status_code} with a body that is no receipt"
            )
        return cast(Any, body)

    def _headers(self) -> Mapping[str, str]:
        # The client name marks our own changes, so that they can be told from other people's.
        return {"Authorization": f"Bearer {self._token}", "Sforce-Call-Options": "client=tieout"}

    def _refused(self, status: int, body: Any) -> None:
        code, message = error_of(status, body)
        if code in _AGAIN:
            raise Transient(f"{code}: {message}")
        if status == 401 or code in _RIGHTS:
            raise Misconfigured(f"{code}: {message}", self.name)
        if code == "DUPLICATE_VALUE":
            raise AlreadyThere(f"{code}: {message}")
        if status == 412:
            raise Conflict(f"{code}: {message}")
        raise SalesforceError(status, code, message)

    async def _log_in(self) -> None:
        form = self._grant()
        try:
            response = await self._http.post("/services/oauth2/token", data=form)
        except httpx2.TransportError as away:
            raise Transient(f"no connection to {self._config.url}: {away}") from away
        if response.status_code >= 500 or response.status_code == 429:
            raise Transient(f"{self._config.url} cannot issue a token now: HTTP {response.status_code}")
        body = json_of(response, writes=False)
        if response.status_code != 200:
            raise Misconfigured(f"{body.get('error')}: {body.get('error_description')}", self.name)
        self._token = body["access_token"]

    def _grant(self) -> dict[str, str]:
        config = self._config
        if config.auth == "client_credentials":
            secret = config.client_secret.get_secret_value() if config.client_secret else ""
            return {"grant_type": "client_credentials", "client_id": config.client_id, "client_secret": secret}
        key = RSAKey.import_key(config.private_key.get_secret_value() if config.private_key else "")
        claims = {
            "iss": config.client_id,
            "sub": config.username,
            "aud": config.audience,
            "exp": int(time.time()) + 180,
        }
        assertion = jwt.encode({"alg": "RS256"}, claims, key)
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


def error_of(status: int, body: Any) -> tuple[str, str]:
    """Code and message of an error body, which is an array of objects when the org itself speaks."""
    try:
        return str(body[0]["errorCode"]), str(body[0]["message"])[:500]
    except (TypeError, KeyError, IndexError):
        return f"HTTP_{status}", str(body)[:500]


def soql_text(value: str) -> str:
    """A SOQL string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
