"""Who did what, and the proof that nobody changed the log afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.shapes import Cursor, Filter, Page, Size, cursor, picked, place
from tieout.api.visit import Reading, Visit
from tieout.store import audit
from tieout.store.scope import widen


class Entry(BaseModel):
    """One entry of the chain."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Verification(BaseModel):
    """`head`, kept outside, also shows a log that was cut short or rebuilt as a whole."""

    entries: int
    first_bad: int | None = Field(description="The first entry that does not fit; null when all do")
    head: str


Auditing = Annotated[Visit, Depends(Reading("audit.read"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/audit", tags=["audit"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="The log, the newest first")
    router.add_api_route("/verification", verification, summary="Compute the whole chain again")
    return router


async def listed(
    visit: Auditing,
    actor: Filter = "",
    action: Annotated[Filter, Query(description="An action or its beginning: hold.")] = "",
    object_: Annotated[Filter, Query(alias="object")] = "",
    limit: Size = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = "",
) -> Page[Entry]:
    before = place(cursor_, int)
    async with visit.hub.database.transaction() as tx:
        found = await audit.entries(
            tx, actor=actor, action=action, object_=object_, before=before[0] if before else None, limit=limit + 1
        )
    more = cursor(found[limit - 1]["id"]) if len(found) > limit else None
    return Page(items=[picked(Entry, each) for each in found[:limit]], next=more)


async def verification(visit: Auditing) -> Verification:
    async with visit.hub.database.transaction() as tx:
        await widen(tx)
        found = await audit.verify(tx)
    return Verification(entries=found.entries, first_bad=found.first_bad, head=found.head)
