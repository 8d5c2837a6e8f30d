"""What the hub did and is doing: runs with their steps, and effects whose outcome is still open."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from tieout.api.problem import documented, not_found
from tieout.api.shapes import Cursor, Filter, Id, Page, Size, cursor, picked, place
from tieout.api.visit import Reading, Visit, tagged
from tieout.store import listing, runs

RunState = Literal["queued", "running", "retrying", "held", "waiting", "done", "ignored"]


class Run(BaseModel):
    """One run: its id is flow, subject and source version."""

    id: str
    flow: str
    subject: str
    version: str
    state: RunState
    reason: str
    entity: str | None
    engagement: str | None
    generation: int
    attempts: int
    not_before: datetime
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Step(BaseModel):
    """One step of one generation."""

    generation: int
    position: int
    title: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str


class Effect(BaseModel):
    """One change in a target system, and the proof of it."""

    key: str
    connection: str
    operation: str
    guarantee: Literal["A", "B", "C", "D", "E"]
    subject: str
    version: str
    entity: str | None
    engagement: str | None
    run_id: str
    state: Literal["sent", "unknown", "done", "refused", "superseded"]
    attempts: int
    planned_at: datetime
    sent_at: datetime
    settled_at: datetime | None
    look_again_at: datetime | None
    receipt: dict[str, Any] | None
    detail: str


class RunStory(Run):
    """A run with its steps and effects."""

    steps: list[Step]
    effects: list[Effect]


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(tags=["runs"], responses=documented(401, 403, 422, 429))
    router.add_api_route("/runs", listed, summary="Runs, the newest first")
    router.add_api_route(
        "/runs/{run_id:path}",
        read,
        summary="One run with its steps and effects",
        response_model=RunStory,
        responses=documented(404),
    )
    router.add_api_route(
        "/effects", unsettled, summary="Effects whose outcome is open or was refused, the oldest first"
    )
    return router


async def listed(
    visit: Looking,
    state: Annotated[RunState | None, Query()] = None,
    flow: Filter = "",
    engagement: Filter = "",
    limit: Size = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = "",
) -> Page[Run]:
    before = place(cursor_, int)
    async with visit.hub.database.transaction() as tx:
        found = await listing.runs(
            tx,
            state=state or "",
            flow=flow,
            engagement=engagement,
            before=before[0] if before else None,
            limit=limit + 1,
        )
    more = cursor(found[limit - 1]["sequence"]) if len(found) > limit else None
    return Page(items=[picked(Run, each) for each in found[:limit]], next=more)


async def read(visit: Looking, run_id: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await runs.get(tx, run_id)
        if found is None:
            raise not_found("such run")
        steps = [picked(Step, each) for each in await listing.steps(tx, run_id)]
        effects = [effect_of(each) for each in await listing.effects_of_run(tx, run_id)]
    return tagged(visit, picked(RunStory, found, steps=steps, effects=effects))


async def unsettled(
    visit: Looking,
    connection: Filter = "",
    limit: Size = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = "",
) -> Page[Effect]:
    after = place(cursor_, datetime, str)
    async with visit.hub.database.transaction() as tx:
        found = await listing.unsettled_effects(
            tx, connection=connection, after=after and (after[0], after[1]), limit=limit + 1
        )
    more = cursor(found[limit - 1]["sent_at"], found[limit - 1]["key"]) if len(found) > limit else None
    return Page(items=[effect_of(each) for each in found[:limit]], next=more)


def effect_of(row: dict[str, Any]) -> Effect:
    return picked(Effect, row)
