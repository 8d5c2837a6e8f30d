"""What a person would do in the org's setup pages or its user interface, as routes below /_sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tieout.connectors.salesforce.emulator.failures import Refusal, not_found
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.limits import Limits
from tieout.connectors.salesforce.emulator.outbound import OutboundMessages
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.removal import merge, undelete
from tieout.connectors.salesforce.emulator.schema import SObject
from tieout.connectors.salesforce.emulator.sessions import Sessions
from tieout.connectors.salesforce.emulator.wire import JsonObject, json_list, json_object, read_json

Act = Callable[[Request, JsonObject], Awaitable[Any]]


class Administration:
    """Routes without a login: they stand for the person who owns the sandbox, on this machine only.

    A body may say `as`, a username; without it the org's first user acts.
    """

    def __init__(
        self,
        records: Records,
        sessions: Sessions,
        limits: Limits,
        outbound: OutboundMessages,
        outbound_client: httpx2.AsyncClient | None,
    ) -> None:
        self._records = records
        self._sessions = sessions
        self._limits = limits
        self._outbound = outbound
        self._outbound_client = outbound_client

    def routes(self) -> list[Route]:
        messages = "/_sandbox/outbound-messages"
        return [
            _route("/_sandbox/login-as", "POST", self._login_as),
            _route("/_sandbox/merge", "POST", self._merge),
            _route("/_sandbox/undelete", "POST", self._undelete),
            _route("/_sandbox/sessions", "DELETE", self._expire),
            _route("/_sandbox/limits", "PUT", self._limit),
            _route(messages, "GET", self._list_messages),
            _route(messages, "POST", self._define_message),
            _route(f"{messages}/deliver", "POST", self._deliver),
            _route(f"{messages}/{{message}}", "DELETE", self._remove_message),
        ]

    async def _login_as(self, request: Request, body: JsonObject) -> Any:
        """A token of any user: {username} → {access_token}."""
        user = self._sessions.user(str(body.get("username", "")))
        if user is None:
            raise not_found("no such user")
        return {"access_token": self._sessions.open(user, "login-as").token, "user_id": user["Id"]}

    async def _merge(self, request: Request, body: JsonObject) -> Any:
        """{master, losers: [id, …]} → {moved: [id of each child that has a new parent]}."""
        entity = self._object_of(str(body.get("master", "")))
        losers = [str(each) for each in json_list(body.get("losers")) or ()]
        moved = merge(self._records, entity, str(body["master"]), losers, self._actor(body)["Id"])
        return {"moved": moved}

    async def _undelete(self, request: Request, body: JsonObject) -> Any:
        record_id = str(body.get("id", ""))
        undelete(self._records, self._object_of(record_id), record_id, self._actor(body)["Id"])
        return {"id": full_id(record_id)}

    async def _expire(self, request: Request, body: JsonObject) -> Any:
        return {"expired": self._sessions.close_all()}

    async def _limit(self, request: Request, body: JsonObject) -> Any:
        self._limits.daily = int(body["daily"])
        return {"daily": self._limits.daily, "used": self._limits.used}

    async def _list_messages(self, request: Request, body: JsonObject) -> Any:
        return self._outbound.overview()

    async def _define_message(self, request: Request, body: JsonObject) -> Any:
        return asdict(self._outbound.define(body))

    async def _remove_message(self, request: Request, body: JsonObject) -> Any:
        return {"removed": self._outbound.remove(str(request.path_params["message"]))}

    async def _deliver(self, request: Request, body: JsonObject) -> Any:
        """Post now what is due, with {at_once: true} everything."""
        if self._outbound_client is None:
            raise not_found("this org was given no client for Outbound Messages")
        at_once = bool(body.get("at_once"))
        return {"acknowledged": await self._outbound.deliver(self._outbound_client, at_once=at_once)}

    def _object_of(self, record_id: str) -> SObject:
        known = full_id(record_id)
        entity = self._records.schema.by_id(known) if known else None
        if entity is None:
            raise not_found(f"no object has ids like {record_id!r}")
        return entity

    def _actor(self, body: JsonObject) -> Row:
        if "as" not in body:
            return next(iter(self._records.all(self._records.schema["User"])))
        user = self._sessions.user(str(body["as"]))
        if user is None:
            raise not_found("no such user")
        return user


def _route(path: str, method: str, act: Act) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            body = json_object(read_json(await request.body())) or {}
            return JSONResponse(await act(request, body))
        except Refusal as refused:
            return JSONResponse([each.as_error() for each in refused.flaws], refused.status)
        except (KeyError, ValueError) as wrong:
            return JSONResponse([{"errorCode": "INVALID_INPUT", "message": f"{type(wrong).__name__}: {wrong}"}], 400)

    return Route(path, endpoint, methods=[method])
