"""Credits of whole invoices and write-offs: asked for by finance, never posted by the hub."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented
from tieout.api.shapes import Amount, Line, amount
from tieout.api.visit import Right, Visit


class WantedCredit(BaseModel):
    """A posted invoice that is to be taken back whole and billed again, to the payer of that day."""

    invoice: Line = Field(description="Its number or our key")
    reason: Line


class AskedCredit(BaseModel):
    """The run that waits for somebody else of finance to agree (see /approvals)."""

    run: str


class WantedWriteOff(BaseModel):
    """Work of an engagement that waits above its limits, or above one of them, and is given up."""

    engagement: Line
    limit: str = Field(default="", max_length=200, description="One limit alone, as the hold names it")
    reason: Line


class WrittenOff(BaseModel):
    limit: str
    minutes: int
    worth: Amount


class WrittenOffs(BaseModel):
    items: list[WrittenOff]


def routes() -> APIRouter:
    router = APIRouter(
        prefix="/corrections", tags=["corrections"], responses=documented(401, 403, 404, 409, 413, 422, 429)
    )
    router.add_api_route(
        "/credits",
        credit,
        methods=["POST"],
        response_model=AskedCredit,
        summary="Ask that an invoice is credited whole and billed again; a second person agrees",
    )
    router.add_api_route(
        "/write-offs",
        write_off,
        methods=["POST"],
        response_model=WrittenOffs,
        summary="Give up work above a limit: it is never billed",
    )
    return router


async def credit(visit: Annotated[Visit, Depends(Right("credit.decide"))], wanted: WantedCredit) -> Response:
    async def act() -> AskedCredit:
        run = await visit.hub.operator.corrections.credit(wanted.invoice, reason=wanted.reason, actor=visit.actor.email)
        return AskedCredit(run=run)

    return await visit.once(act)


async def write_off(visit: Annotated[Visit, Depends(Right("work.write_off"))], wanted: WantedWriteOff) -> Response:
    async def act() -> WrittenOffs:
        gone = await visit.hub.operator.corrections.write_off(
            wanted.engagement, limit=wanted.limit, reason=wanted.reason, actor=visit.actor.email
        )
        return WrittenOffs(
            items=[
                WrittenOff(limit=each["why"], minutes=each["minutes"], worth=amount(each["worth"], each["currency"]))
                for each in gone
            ]
        )

    return await visit.once(act)
