"""Who answers approvals in whose place, said by the one who is away."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented
from tieout.api.shapes import Empty, Line, picked
from tieout.api.visit import Reading, Right, Visit
from tieout.store import delegations

DelegationNumber = Annotated[str, Path(pattern=r"^D-[0-9]{1,12}$", description="A delegation's number: D-101")]


class Delegation(BaseModel):
    """`delegate` answers in the place of `owner` from `begins_at` until just before `ends_at`."""

    id: str = Field(examples=["D-101"])
    owner: str
    delegate: str
    begins_at: datetime
    ends_at: datetime
    reason: str


class Delegations(BaseModel):
    """Those in force and those to come."""

    items: list[Delegation]


class NewDelegation(BaseModel):
    """To whom, and the first and the last day of it in the firm's own time zone."""

    to: str = Field(pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,255}$", examples=["carlos.mendes@kestrel.example"])
    first: date
    last: date
    reason: Line


class Given(BaseModel):
    """The number of the new delegation."""

    id: str


def routes() -> APIRouter:
    router = APIRouter(prefix="/delegations", tags=["approvals"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Who answers in whose place, now and later")
    router.add_api_route(
        "",
        give,
        methods=["POST"],
        summary="Let somebody answer approvals in your place",
        response_model=Given,
        responses=documented(409, 413),
    )
    router.add_api_route(
        "/{delegation}/withdraw",
        withdraw,
        methods=["POST"],
        summary="End a delegation of yours now",
        response_model=Empty,
        responses=documented(404, 409, 413),
    )
    return router


async def listed(visit: Annotated[Visit, Depends(Reading("look"))]) -> Delegations:
    async with visit.hub.database.transaction() as tx:
        found = await delegations.not_over(tx, visit.hub.clock())
    return Delegations(items=[delegation(each) for each in found])


async def give(visit: Annotated[Visit, Depends(Right("approval.answer"))], wanted: NewDelegation) -> Response:
    async def act() -> Given:
        number = await visit.hub.operator.delegations.delegate(
            wanted.to, first=wanted.first, last=wanted.last, zone=visit.hub.firm().time_zone, reason=wanted.reason,
            actor=visit.actor.email,
        )  # fmt: skip
        return Given(id=f"D-{number}")

    return await visit.once(act)


async def withdraw(
    visit: Annotated[Visit, Depends(Right("approval.answer"))], delegation: DelegationNumber
) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.delegations.withdraw(int(delegation.removeprefix("D-")), actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


def delegation(row: dict[str, Any]) -> Delegation:
    return picked(Delegation, row, id=f"D-{row['id']}")
