"""The API as one application: every route, its limits, and the OpenAPI document that describes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from tieout import __version__
from tieout.api import (
    approvals,
    audit,
    billing_limits,
    books,
    connections,
    contracts,
    corrections,
    delegations,
    events,
    forecast,
    health,
    holds,
    hooks,
    lending,
    lineage,
    lookup,
    metrics,
    notices,
    overrides,
    plans,
    problem,
    runs,
    tables,
    talk,
    tokens,
    usage,
)
from tieout.api.belfry import Belfry
from tieout.api.collected import Collected
from tieout.api.limits import BodyLimit, Bucket, Limits, SecurityHeaders
from tieout.api.problem import ProblemBody
from tieout.api.services import Services
from tieout.api.visit import PREFIX, Door
from tieout.connectors.contract import Doorbell
from tieout.domain.firm import Firm
from tieout.domain.narrowing import narrowed
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.engine.run import Calendar, Clock
from tieout.store import bells
from tieout.store.bells import Ring
from tieout.store.database import Database
from tieout.store.metrics import snapshot
from tieout.store.scope import scope

# The addresses that are this application's own, where it stands beside the console.
OWNS = ("/api/", "/hooks/")
_ROOMS = (
    books,
    contracts,
    holds,
    talk,
    overrides,
    approvals,
    delegations,
    corrections,
    plans,
    runs,
    lookup,
    events,
    lending,
    billing_limits,
    lineage,
    usage,
    tables,
    connections,
    forecast,
    notices,
    metrics,
    audit,
    tokens,
    health,
)
_ABOUT = (
    "Everything the hub knows and everything an operator may do. Money is a decimal text with its currency. "
    "An amount is null for somebody whose role shows no money, and `masked` names it. What goes wrong is an RFC 9457 problem. "
    "See docs/api.md."
)


class Api(FastAPI):
    """FastAPI with the doorway before its routes, and with problems and doorway in its OpenAPI document."""

    doorway: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(hooks.PREFIX):
            await self.doorway(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"].setdefault("Problem", _problem_schema(document))
        document["paths"].update(hooks.described())
        for schema in document["components"]["schemas"].values():
            for name, each in schema.get("properties", {}).items():
                if each.get("$ref", "").endswith("/Amount"):
                    schema["properties"][name] = {"anyOf": [each, {"type": "null"}]}
        return document


def api(
    database: Database,
    operator: Operator,
    replays: Replays,
    access: Access,
    *,
    firm: Callable[[], Firm],
    doorbells: Mapping[str, Doorbell],
    clock: Clock,
    calendar: Calendar,
    wake: Callable[[], None],
    free_bytes: Callable[[], int],
    secrets: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    seconds: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The application of one hub.

    `wake` is called after each group of rings that is committed. `secrets` are the last part of a doorbell's address, by
    connection; a doorbell without one here decides about it by itself. `free_bytes` is the room where the database writes.
    """
    limits = limits or Limits()

    async def commit(rings: Sequence[Ring]) -> None:
        async with database.statement() as tx:
            await bells.store(tx, rings)

    application = Api(
        title="Tieout",
        version=__version__,
        description=_ABOUT,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    application.doorway = hooks.Doorway(
        doorbells, secrets or {}, Belfry(commit, wake), limits, clock, free_bytes, seconds
    )
    application.state.services = Services(
        database=database,
        operator=operator,
        replays=replays,
        access=access,
        firm=lambda: narrowed(firm(), scope()),
        clock=clock,
        calendar=calendar,
        free_bytes=free_bytes,
        limits=limits,
        collected=Collected(lambda: snapshot(database, clock())),
        requests=Bucket(limits.requests, limits.requests_at_once, seconds),
    )
    problem.install(application)
    for room in _ROOMS:
        application.include_router(room.routes(), prefix=PREFIX)
    application.add_middleware(Door)
    application.add_middleware(BodyLimit, most=limits.body)
    application.add_middleware(SecurityHeaders)
    return application


def _problem_schema(document: dict[str, Any]) -> dict[str, Any]:
    schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"].update(schema.pop("$defs", {}))
    return schema
