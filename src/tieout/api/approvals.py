"""Terms that wait for somebody's word; nobody answers their own request."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.holds import number_of
from tieout.api.problem import documented, not_found
from tieout.api.shapes import (
    Amount,
    ApprovalNumber,
    Cursor,
    Page,
    Released,
    Size,
    Word,
    amount_of_minor,
    cursor,
    picked,
    place,
)
from tieout.api.visit import Reading, Right, Visit, tagged, who_lacks
from tieout.store import holds, listing


class Approval(BaseModel):
    """What is to be approved, who asks, and what was answered."""

    id: str = Field(examples=["A-501"])
    state: Literal["open", "approved", "rejected"]
    title: str
    terms: list[str]
    flow: str
    subject: str
    entity: str | None
    engagement: str | None
    amount: Amount | None
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    members: list[str] | None = Field(description="Those who may answer it; null is everybody with the right")
    answer_by: datetime | None = Field(
        description="When it goes on to who is next, unless somebody answers; null: never"
    )
    goes_to: str = Field(description="To whom it goes then: a team of the firm folder, or an address")
    escalated_to: list[str] = Field(
        description="Those it has gone on to, one after the other; who was asked before may answer"
    )
    escalated_at: datetime | None = Field(description="When it went on last")
    on_behalf_of: str | None = Field(description="In whose place it was answered; null where in nobody's")
    reason: str


class Answer(BaseModel):
    """Yes or no; a no says why."""

    answer: Literal["approve", "reject"]
    reason: Word = ""
    on_behalf_of: Word = Field(default="", description="In whose place, where that one has named you for now")


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/approvals", tags=["approvals"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Approvals, in the order they were asked for")
    router.add_api_route(
        "/{approval}", read, summary="One approval", response_model=Approval, responses=documented(404)
    )
    router.add_api_route(
        "/{approval}/answer",
        answer,
        methods=["POST"],
        summary="Approve or reject",
        response_model=Released,
        responses=documented(404, 409, 413),
    )
    return router


async def listed(
    visit: Looking,
    state: Annotated[Literal["open", "approved", "rejected", "all"], Query()] = "open",
    limit: Size = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = "",
) -> Page[Approval]:
    after = place(cursor_, int)
    async with visit.hub.database.transaction() as tx:
        found = await listing.approvals(
            tx, "" if state == "all" else state, after=after[0] if after else 0, limit=limit + 1
        )
    more = cursor(found[limit - 1]["id"]) if len(found) > limit else None
    return Page(items=[_approval(each) for each in found[:limit]], next=more)


async def read(visit: Looking, approval: ApprovalNumber) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await holds.approval(tx, number_of(approval))
    if found is None:
        raise not_found(f"approval {approval}")
    return tagged(visit, _approval(found))


async def answer(visit: Annotated[Visit, Depends(Right("look"))], approval: ApprovalNumber, said: Answer) -> Response:
    async def act() -> Released:
        # The right is one's own, or it is another's who lent it: the verb itself knows.
        if not said.on_behalf_of.strip() and not visit.actor.may("approval.answer"):
            raise who_lacks("approval.answer")
        released = await visit.hub.operator.answer_approval(
            number_of(approval), approve=said.answer == "approve", actor=visit.actor.email, reason=said.reason,
            on_behalf_of=said.on_behalf_of,
        )  # fmt: skip
        return Released.of(released)

    return await visit.once(act)


def _approval(row: dict[str, Any]) -> Approval:
    return picked(Approval, row, id=f"A-{row['id']}", amount=amount_of_minor(row))
