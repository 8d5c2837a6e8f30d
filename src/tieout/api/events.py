"""Billable events beside hours: fees, milestones, expenses and usage in one list, with how each stands."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.shapes import Amount, Cursor, Filter, Page, Size, amount, cursor, picked, place
from tieout.api.visit import Reading, Visit
from tieout.store import events


class EventRow(BaseModel):
    """One event. What is billed or set aside is at its agreed worth; `GET /events/{connection}/{source_id}` tells its story."""

    connection: str
    source_id: str
    kind: events.Kind
    name: str
    day: date
    engagement: str
    entity: str
    project: str
    sold: str = Field(description="The package as it was sold; empty where it is of none")
    contract_version: int
    worth: Amount | None = Field(description="null while nobody has judged it")
    billed: Amount
    set_aside: Amount = Field(description="By the contract not billed")
    state: events.State
    problem: str = Field(description="The code of what it waits for")


def routes() -> APIRouter:
    router = APIRouter(prefix="/events", tags=["lineage"], responses=documented(401, 403, 422, 429))
    router.add_api_route(
        "", listed, summary="What is billed beside hours, the latest first", response_model=Page[EventRow]
    )
    return router


async def listed(
    visit: Annotated[Visit, Depends(Reading("look"))],
    engagement: Filter = "",
    entity: Filter = "",
    kind: Annotated[events.Kind | None, Query()] = None,
    state: Annotated[events.State | None, Query()] = None,
    after: Annotated[Cursor, Query(alias="cursor")] = "",
    limit: Size = 100,
) -> Page[EventRow]:
    key = place(after, int, str, str)
    async with visit.hub.database.transaction() as tx:
        rows = await events.page(
            tx, engagement=engagement, entity=entity, kind=kind or "", state=state or "",
            after=(date.fromordinal(_day(key[0])), key[1], key[2]) if key else None, limit=limit + 1,
        )  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=[
            picked(
                EventRow, each, kind=each["shown_kind"], billed=amount(each["billed"], each["currency"]),
                worth=None if each["worth"] is None else amount(each["worth"], each["currency"]),
                set_aside=amount(each["set_aside"], each["currency"]),
            )
            for each in rows[:limit]
        ],
        next=cursor(last["day"].toordinal(), last["connection"], last["source_id"]) if last else None,
    )  # fmt: skip


def _day(told: int) -> int:
    """Within the calendar, whatever a cursor says."""
    return min(max(told, date.min.toordinal()), date.max.toordinal())
