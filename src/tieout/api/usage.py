"""Metered usage: readings come in by the page, and each can be looked up with everything that was said of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, SkipValidation
from starlette.responses import Response

from tieout.api.problem import Mistake, documented, mistaken, not_found
from tieout.api.shapes import Amount, Cursor, Filter, Id, Page, Size, amount, cursor, picked, place
from tieout.api.visit import Reading, Right, Visit, tagged, whole
from tieout.domain.documents.usage import Metered
from tieout.engine.usage import Taken
from tieout.store import usage, usage_story

MOST = 1000


class Sent(BaseModel):
    """A page of readings of one source; it is taken whole or not at all, and the same page again changes nothing."""

    source: str = Field(max_length=200, description="The name of the source, as `usage: sources` of tieout.yaml has it")
    # Each row is judged by the hub itself, which says how to correct it.
    readings: list[SkipValidation[Metered]] = Field(min_length=1, max_length=MOST)


class Waiting(BaseModel):
    """Readings that were taken and wait for a person."""

    problem: str = Field(description="The code of the hold: usage.meter_unknown …")
    readings: int


class TakenBody(BaseModel):
    """What became of the page: how many readings were new, corrected, the same as before, or older than what is known."""

    new: int
    corrected: int
    same: int
    older: int
    waits: list[Waiting]


class ReadingBody(BaseModel):
    """A reading in its newest version, and the package of the contract that it is of."""

    source: str
    source_id: str
    version: int
    meter: str
    quantity: str
    unit: str
    since: date | None
    day: date
    engagement: str | None = Field(description="Our key; null while nobody knows it")
    sold: str = Field(description="The package as it was sold; empty while nobody knows it")
    contract_version: int | None
    problem: str = Field(description="What it waits for; empty where it does not")
    changed_at: datetime


class VersionBody(BaseModel):
    """What the source said at one time."""

    version: int
    quantity: str
    unit: str
    meter: str
    day: date
    via: Literal["api", "file"]
    sent_by: str
    seen_at: datetime


class BilledBody(BaseModel):
    """An invoice line that stands on it: by how many units, in which version, and its share of the line's amount."""

    invoice: str
    number: str
    state: str
    line: str
    description: str
    version: int
    units: str
    amount: Amount


class StoryBody(ReadingBody):
    """A reading with every version of it and everything it became."""

    versions: list[VersionBody]
    billed: list[BilledBody]


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/usage", tags=["usage"], responses=documented(401, 403, 422, 429))
    router.add_api_route(
        "",
        send,
        methods=["POST"],
        summary="Send readings of metered usage",
        response_model=TakenBody,
        responses=documented(409, 413),
    )
    router.add_api_route("", listed, summary="Readings, by source and id", response_model=Page[ReadingBody])
    router.add_api_route(
        "/{source}/{source_id:path}",
        story,
        summary="A reading: every version of it, and the invoice lines that stand on it",
        response_model=StoryBody,
        responses=documented(404),
    )
    return router


async def send(visit: Annotated[Visit, Depends(Right("usage.send"))], sent: Sent) -> Response:
    whole(visit)  # a source sends for every legal entity
    rule, rows = visit.hub.firm().usage, list[Any](sent.readings)

    async def act() -> TakenBody:
        taken = await visit.hub.operator.usage.take(sent.source, rows, rule, via="api", actor=visit.actor.email)
        if taken.faults:
            raise mistaken(_mistakes(taken))
        counts = {name: taken.outcomes.get(name, 0) for name in ("new", "corrected", "same", "older")}
        waits = [Waiting(problem=code, readings=count) for code, count in taken.waits.items()]
        return TakenBody(**counts, waits=waits)

    return await visit.once(act)


async def listed(
    visit: Looking,
    source: Filter = "",
    engagement: Filter = "",
    problem: Annotated[Filter, Query(description="The code of a hold, or `any` for every reading that waits")] = "",
    after: Annotated[Cursor, Query(alias="cursor")] = "",
    limit: Size = 100,
) -> Page[ReadingBody]:
    async with visit.hub.database.transaction() as tx:
        rows = await usage.page(
            tx, source=source, engagement=engagement, problem=problem, after=place(after, str, str), limit=limit + 1
        )
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(
        items=[_reading(each) for each in rows[:limit]],
        next=cursor(last["source"], last["source_id"]) if last else None,
    )


async def story(visit: Looking, source: Id, source_id: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await usage_story.of(tx, source, source_id)
    if found is None:
        raise not_found("such reading")
    billed = [
        picked(BilledBody, each, units=f"{each['units'].normalize():f}", amount=amount(each["share"], each["currency"]))
        for each in found.billed
    ]
    versions = [picked(VersionBody, {**each["body"], **each}) for each in found.versions]
    return tagged(visit, StoryBody(**_reading(found.reading).model_dump(), versions=versions, billed=billed))


def _reading(row: dict[str, Any]) -> ReadingBody:
    return picked(ReadingBody, row, quantity=f"{row['quantity'].normalize():f}")


def _mistakes(taken: Taken) -> list[Mistake]:
    return [
        Mistake(
            where=".".join(filter(None, ("body", f"readings.{each.row - 1}" if each.row else "", each.field))),
            what=each.what,
            fix=each.fix,
        )
        for each in taken.faults
    ]
