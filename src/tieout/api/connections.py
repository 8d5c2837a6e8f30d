"""The connected systems: how they are, and the switch that pauses one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented
from tieout.api.shapes import Empty, Id, Line, Released, picked
from tieout.api.visit import Reading, Right, Visit
from tieout.store import firm


class Connection(BaseModel):
    """One configured system; `health` is what its last check found, with the limits it reports."""

    name: str
    kind: str
    role: str
    entity: str | None = Field(description="The legal entity it belongs to; null when it is every entity's")
    state: Literal["active", "paused"]
    reason: str
    health: dict[str, Any]
    checked_at: datetime | None


class Connections(BaseModel):
    """Every connection of the firm."""

    items: list[Connection]


class Pause(BaseModel):
    """Why it is paused, for the next person who looks."""

    reason: Line


def routes() -> APIRouter:
    router = APIRouter(prefix="/connections", tags=["connections"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Connections with their health")
    acts = documented(404, 409, 413)
    router.add_api_route(
        "/{connection}/pause",
        pause,
        methods=["POST"],
        summary="Stop reading from and writing to it; nothing is lost meanwhile",
        response_model=Empty,
        responses=acts,
    )
    router.add_api_route(
        "/{connection}/resume",
        resume,
        methods=["POST"],
        summary="Open it again and let everything go on that its failure had stopped",
        response_model=Released,
        responses=acts,
    )
    return router


async def listed(visit: Annotated[Visit, Depends(Reading("look"))]) -> Connections:
    async with visit.hub.database.transaction() as tx:
        return Connections(items=[picked(Connection, each) for each in await firm.connections(tx)])


async def pause(visit: Annotated[Visit, Depends(Right("connection.pause"))], connection: Id, why: Pause) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.pause(connection, reason=why.reason, actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


async def resume(visit: Annotated[Visit, Depends(Right("connection.resume"))], connection: Id) -> Response:
    async def act() -> Released:
        released = await visit.hub.operator.resume(connection, actor=visit.actor.email)
        return Released.of(released)

    return await visit.once(act)
