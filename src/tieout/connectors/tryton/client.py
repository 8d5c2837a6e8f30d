"""Tryton's JSON-RPC over one connection: sessions, records, buttons, wizards and questions, one attempt each.

The user's stored companies decide what is visible; a context sent along never widens it, so one user per legal entity
is what separates the entities. Source: the protocol of Tryton's own web client, 8.0 series, at `/<database>/rpc/`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx2

from tieout.connectors.transports.answers import MISSHAPEN
from tieout.connectors.transports.http import Untrusted, answered, retry_after
from tieout.connectors.tryton.errors import (
    TrytonError,
    TrytonFault,
    TrytonUnauthorized,
    TrytonUnavailable,
    TrytonUnknownOutcome,
    TrytonUserWarning,
    error_of,
)
from tieout.connectors.tryton.wire import decode, encode_call

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
Domain = Sequence[Any]
Row = dict[str, Any]


class TrytonClient:
    """Speaks for one user of one database; logs in when it first needs to, and again when the session has ended.

    Every method makes one attempt and raises one of `errors`. Dates without a zone are the server's own UTC.
    """

    def __init__(self, http: httpx2.AsyncClient, *, database: str, user: str, password: str) -> None:
        self.user = user
        self.server_time: datetime | None = None  # of the last answer, to the second
        self._http = http
        self._database = database
        self._path = f"/{database}/rpc/"
        self._password = password
        self._session = ""
        self._preferences: Row = {}
        self._logging_in = asyncio.Lock()

    @classmethod
    def at(cls, url: str, *, database: str, user: str, password: str, timeout: float = 120) -> TrytonClient:
        """A client with an HTTP connection pool of its own; `timeout` in seconds, per call."""
        http = httpx2.AsyncClient(base_url=url, timeout=timeout, trust_env=False)
        return cls(http, database=database, user=user, password=password)

    async def close(self) -> None:
        await self._http.aclose()

    async def version(self) -> str:
        """The server's series, such as "8.0"; asks without logging in."""
        return str(self._result(await self._post("/rpc/", encode_call("common.server.version", []), session="")))

    async def log_in(self) -> Mapping[str, Any]:
        """Starts a session and returns the user's preferences: `company`, `companies`, `language`, `groups` and more."""
        self._session = ""
        self._preferences = {}
        await self._ensure_session()
        return self._preferences

    async def prepare(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> bytes:
        """The exact bytes of a call in the user's context (company, language); nothing but a login happens."""
        await self._ensure_session()
        return encode_call(method, [*params, {**self._preferences, **(context or {})}])

    async def send(self, body: bytes) -> Any:
        """One attempt with the bytes of `prepare`. A refused session never had an effect, so it is renewed once."""
        await self._ensure_session()
        session = self._session
        response = await self._post(self._path, body, session=session)
        if response.status_code == 401:
            if self._session == session:  # another call may have renewed it meanwhile
                self._session = ""
            await self._ensure_session()
            response = await self._post(self._path, body, session=self._session)
        return self._result(response)

    async def call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        return await self.send(await self.prepare(method, *params, context=context))

    async def create(self, model: str, values: Sequence[Row], *, context: Mapping[str, Any] | None = None) -> list[int]:
        """New ids in the order of the values. All or nothing: one bad record refuses the whole batch."""
        return await self.call(f"model.{model}.create", list(values), context=context)

    async def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        """Rows in the order of the ids. A field `lines.amount` arrives below the key `lines.`."""
        return await self.call(f"model.{model}.read", list(ids), list(fields))

    async def write(
        self, model: str, ids: Sequence[int], values: Row, *, context: Mapping[str, Any] | None = None
    ) -> None:
        await self.call(f"model.{model}.write", list(ids), values, context=context)

    async def delete(self, model: str, ids: Sequence[int]) -> None:
        await self.call(f"model.{model}.delete", list(ids))

    async def search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: Sequence[tuple[str, str]] | None = None,
    ) -> list[Row]:
        """Rows that match; every row when `limit` is None, so give one where there may be many."""
        wanted = [list(each) for each in order] if order is not None else None
        return await self.call(f"model.{model}.search_read", list(domain), 0, limit, wanted, list(fields))

    async def only(self, model: str, domain: Domain, fields: Sequence[str]) -> Row | None:
        """The one row that matches, or None. Raises TrytonFault when several do: the key is not a key."""
        rows = await self.search(model, domain, fields, limit=2)
        if len(rows) > 1:
            raise TrytonFault(f"{model}: more than one record matches {domain!r}")
        return rows[0] if rows else None

    async def press(
        self, model: str, button: str, ids: Sequence[int], *, accept: Collection[str] = (), context: Row | None = None
    ) -> Any:
        """Presses a button on records and answers yes to the questions whose topic is in `accept`.

        A question changes nothing, so asking again after the answer is not a retry. Any other question is raised.
        """
        answered: set[str] = set()
        while True:
            try:
                return await self.call(f"model.{model}.{button}", list(ids), context=context)
            except TrytonUserWarning as question:
                if question.topic not in accept or question.name in answered:
                    raise
                answered.add(question.name)
                await self.call("model.res.user.warning.skip", question.name, False)

    async def wizard(
        self, name: str, model: str, ids: Sequence[int], steps: Sequence[tuple[str, Mapping[str, Row]]]
    ) -> list[Any]:
        """Drives a wizard on records: each step names the state to execute and all forms filled so far, by state.

        Returns what each step answered (`view` with its `defaults`, or `actions`). A wizard that asks for more than the
        steps give has done nothing yet; it is then simply left.
        """
        about = {"active_model": model, "active_id": ids[0], "active_ids": list(ids)}
        session, _, _ = await self.call(f"wizard.{name}.create", context=about)
        answers: list[Any] = []
        for state, forms in steps:
            answers.append(await self.call(f"wizard.{name}.execute", session, dict(forms), state, context=about))
        await self.call(f"wizard.{name}.delete", session, context=about)
        return answers

    async def _ensure_session(self) -> None:
        async with self._logging_in:
            if self._session:
                return
            body = encode_call("common.db.login", [self.user, {"password": self._password}, "en"])
            response = await self._post(self._path, body, session="")
            match response.status_code:
                case 401:
                    raise TrytonUnauthorized(f"Tryton refuses the password of {self.user}")
                case 404:
                    raise TrytonUnauthorized(f"there is no database {self._database} at {self._http.base_url}")
                case _:
                    pass
            number, token = _session_of(self._result(response))
            pair = f"{self.user}:{number}:{token}".encode()
            session = "Session " + base64.b64encode(pair).decode()
            preferences = encode_call("model.res.user.get_preferences", [True, {}])
            self._preferences = _members(self._result(await self._post(self._path, preferences, session=session)))
            self._session = session

    async def _post(self, path: str, body: bytes, *, session: str) -> httpx2.Response:
        headers = {"Content-Type": "application/json", **({"Authorization": session} if session else {})}
        try:
            response = await answered(self._http, self._http.build_request("POST", path, content=body, headers=headers))
        except Untrusted as wrong:
            raise TrytonUnauthorized(str(wrong)) from wrong
        except _NOT_SENT as away:
            raise TrytonUnavailable(f"no connection to {self._http.base_url}: {away}", sent=False) from away
        except httpx2.TransportError as cut:
            raise TrytonUnknownOutcome(f"{type(cut).__name__} {cut}".strip()) from cut
        self.server_time = _clock_of(response) or self.server_time
        return response

    def _result(self, response: httpx2.Response) -> Any:
        status = response.status_code
        if status == 200:
            return _answer(response)
        raise _error_of_status(response)


def _session_of(answer: Any) -> tuple[Any, Any]:
    """User and token. Whatever else comes is no login, and is not kept for one."""
    try:
        number, token, *_ = answer
    except MISSHAPEN as wrong:
        raise TrytonUnavailable(f"an answer to a login that is none: {answer!r:.200}", sent=False) from wrong
    return number, token


def _members(answer: Any) -> Row:
    if not isinstance(answer, dict):
        raise TrytonUnavailable(f"an answer with preferences that is none: {answer!r:.200}", sent=False)
    return cast("Row", answer)


def _clock_of(response: httpx2.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None


def _answer(response: httpx2.Response) -> Any:
    try:
        body = decode(response.content)
        if "error" in body:
            raise error_of(body["error"])
        return body["result"]
    except MISSHAPEN as wrong:
        raise TrytonUnknownOutcome(f"an answer that is none: {response.text[:200]!r}") from wrong


def _error_of_status(response: httpx2.Response) -> TrytonError:
    told = f"HTTP {response.status_code}: {response.text[:300]}"
    match response.status_code:
        case 401:
            return TrytonUnauthorized(told)
        case 429 | 503:
            return TrytonUnavailable(told, sent=True, after=retry_after(response))
        case status if 400 <= status < 500:
            return TrytonFault(told)
        case _:
            return TrytonUnknownOutcome(told)
