"""Fields that people set in the hub in place of their source: list, set, approve and withdraw them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.hold_shapes import Reason
from tieout.api.problem import documented
from tieout.api.shapes import Filter, Line, Page, Released, Word, picked
from tieout.api.visit import Reading, Right, Visit
from tieout.store import overrides

OverrideNumber = Annotated[str, Path(pattern=r"^O-[0-9]{1,12}$", description="An override's number: O-701")]


class Override(BaseModel):
    """A field of a document that counts as somebody set it, not as its source says."""

    id: str = Field(examples=["O-701"])
    kind: str
    key: str
    field: str = Field(description="Its path in the document", examples=["customer.address.country"])
    value: str
    author: str
    reason: str
    made_at: datetime
    waiting: bool = Field(description="Whether a second person must approve it before it counts")
    approved_by: str | None
    withdrawn_at: datetime | None
    withdrawn_by: str
    withdrawn_why: str


class NewOverride(BaseModel):
    """The field of a document of ours, and why. An empty value says nothing, where the field may."""

    kind: Line
    key: Line
    field: Line
    value: Word
    reason: Line


class Made(BaseModel):
    """The override, whether it waits for a second person, and the runs that read the document again."""

    id: str
    waiting: bool
    runs: list[str]


def routes() -> APIRouter:
    router = APIRouter(prefix="/overrides", tags=["overrides"], responses=documented(401, 403, 422, 429))
    acts = documented(404, 409, 413)
    router.add_api_route("", listed, summary="Overrides, the newest first")
    router.add_api_route(
        "", add, methods=["POST"], response_model=Made, summary="Set a field in the hub", responses=acts
    )
    for verb, act, summary in (
        ("approve", approve, "The second pair of eyes; never the author's own"),
        ("withdraw", withdraw, "What the source says counts again"),
    ):
        router.add_api_route(
            f"/{{override}}/{verb}", act, methods=["POST"], response_model=Released, summary=summary, responses=acts
        )
    return router


async def listed(
    visit: Annotated[Visit, Depends(Reading("look"))],
    kind: Filter = "",
    key: Filter = "",
    withdrawn: Annotated[bool, Query(description="Also those that were withdrawn")] = False,
) -> Page[Override]:
    async with visit.hub.database.transaction() as tx:
        found = await overrides.listed(tx, kind=kind, key=key, withdrawn=withdrawn)
    return Page(items=[picked(Override, each, id=f"O-{each['id']}", value=str(each["value"])) for each in found])


async def add(visit: Annotated[Visit, Depends(Right("override.set"))], wanted: NewOverride) -> Response:
    async def act() -> Made:
        number, waits, released = await visit.hub.operator.overrides.set(
            wanted.kind, wanted.key, wanted.field, wanted.value, reason=wanted.reason, actor=visit.actor.email,
            may_money=visit.actor.may("override.money"),
        )  # fmt: skip
        return Made(id=f"O-{number}", waiting=waits, runs=list(released.runs))

    return await visit.once(act)


async def approve(visit: Annotated[Visit, Depends(Right("override.approve"))], override: OverrideNumber) -> Response:
    async def act() -> Released:
        released = await visit.hub.operator.overrides.approve(_number(override), actor=visit.actor.email)
        return Released.of(released)

    return await visit.once(act)


async def withdraw(
    visit: Annotated[Visit, Depends(Right("override.set"))], override: OverrideNumber, why: Reason
) -> Response:
    async def act() -> Released:
        released = await visit.hub.operator.overrides.withdraw(
            _number(override), reason=why.reason, actor=visit.actor.email
        )
        return Released.of(released)

    return await visit.once(act)


def _number(name: str) -> int:
    return int(name.partition("-")[2])
