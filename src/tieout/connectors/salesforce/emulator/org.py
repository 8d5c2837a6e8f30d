"""The emulated org as one value: its records, its rules, its users, and the ASGI application that speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from starlette.applications import Starlette

from tieout.connectors.salesforce.emulator.batches import Collections
from tieout.connectors.salesforce.emulator.calls import Router
from tieout.connectors.salesforce.emulator.composite import Composite
from tieout.connectors.salesforce.emulator.describing import Describing
from tieout.connectors.salesforce.emulator.failures import Flaw
from tieout.connectors.salesforce.emulator.founding import found
from tieout.connectors.salesforce.emulator.limits import Limits
from tieout.connectors.salesforce.emulator.oauth import OAuth
from tieout.connectors.salesforce.emulator.outbound import OutboundMessages
from tieout.connectors.salesforce.emulator.querying import Querying
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.replication import Replication
from tieout.connectors.salesforce.emulator.schema import STANDARD, Schema, load
from tieout.connectors.salesforce.emulator.sessions import IDLE, ConnectedApp, OrgUser, Sessions
from tieout.connectors.salesforce.emulator.soap import Soap
from tieout.connectors.salesforce.emulator.sobjects import SObjects
from tieout.connectors.salesforce.emulator.storage import Storage
from tieout.connectors.salesforce.emulator.web import Web
from tieout.connectors.salesforce.emulator.wire import write_json

LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


def _fault(code: str, message: str) -> tuple[str, bytes]:
    return "application/json;charset=UTF-8", write_json([Flaw(code, message).as_error()])


# How this vendor words the failures that a fault proxy in front of it invents: kind or status → (media type, body).
FAULT_BODIES: Mapping[str, tuple[str, bytes]] = {
    "429": _fault("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    "500": _fault(
        "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support"
    ),
    "503": _fault("SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later."),
    "error_in_200": _fault("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId"),
}


class SalesforceOrg:
    """One org. `schema` are files that extend the standard objects, or a schema that is loaded already; `clock` is the
    org's time and may stand still or jump.

    `public_url` is where clients reach the org and may be set once the port is known. With `state` the org continues
    from that SQLite file. `outbound` posts Outbound Messages: from the application's lifespan on a real server, or when
    `deliver_outbound_messages` is called. `wall_clock` judges JWT assertions, whose clock is the client's own.
    A session ends when it was not used for `idle`.
    """

    def __init__(
        self,
        schema: Sequence[Path] | Schema,
        clock: Callable[[], datetime],
        *,
        public_url: str = "",
        state: Path | None = None,
        users: Sequence[OrgUser],
        apps: Sequence[ConnectedApp] = (),
        seed: int = 0,
        name: str = "Sandbox",
        daily_requests: int = 15_000,
        idle: timedelta = IDLE,
        outbound: httpx2.AsyncClient | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.public_url = public_url
        self._outbound_client = outbound
        self._storage = Storage(state)
        loaded = schema if isinstance(schema, Schema) else load([STANDARD, *schema])
        self.records = Records(loaded, clock, self._storage, seed)
        found(self.records, name, users)
        self.sessions = Sessions(self.records, users, apps, idle)
        self.limits = Limits(self.records.now, daily_requests)
        self.outbound = OutboundMessages(self.records, lambda: self.sessions.organization["Id"], self._url)
        self._oauth = OAuth(self.records, self.sessions, self._url, LOGIN_HOSTS, wall_clock)
        self._soap = Soap(self.records, self.sessions, self._url)
        self._router = self._routes()

    def asgi(self) -> Starlette:
        """The application; one per org is enough, each has the same records behind it."""
        return Web(
            self.records, self.sessions, self.limits, self._router, self._oauth, self._soap, self.outbound
        ).application(self._outbound_client)

    async def deliver_outbound_messages(self, *, at_once: bool = False) -> int:
        """Post the notifications that are due, `at_once` those that wait for a retry too; how many were acknowledged."""
        if self._outbound_client is None:
            raise ValueError("this org was given no client for Outbound Messages")
        return await self.outbound.deliver(self._outbound_client, at_once=at_once)

    def close(self) -> None:
        self._storage.close()

    def _url(self) -> str:
        return self.public_url.rstrip("/")

    def _routes(self) -> Router:
        records = self.records
        plain = [
            *Describing(records).resources(),
            *Replication(records).resources(),
            *SObjects(records).resources(),
            *Querying(records, self.sessions).resources(),
            *Collections(records).resources(),
            *self.limits.resources(),
        ]
        return Router(records, [*Composite(records, Router(records, plain)).resources(), *plain])
