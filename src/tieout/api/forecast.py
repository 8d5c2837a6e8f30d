"""What waits for each system, how fast that may be called, and when the last of it will be done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.visit import Reading, Visit
from tieout.engine.outlook import SystemOutlook, outlook
from tieout.flows.catalogue import FLOWS


class Outlook(BaseModel):
    """One system. Its limits are the hub's own share of them."""

    connection: str
    allowed: float = Field(description="Calls per second that may be made now")
    speed: float | None = Field(description="Calls per second that it took when it was used; null before that is known")
    accepted: int = Field(description="Calls of the last 24 hours that were carried out")
    refused: int = Field(description="Calls of the last 24 hours that a limit refused")
    left: int | None = Field(description="Calls left of a daily budget; null where there is none")
    kept_back: list[str] = Field(description="The work that may not call at this hour, by lane")
    waiting: int = Field(description="Lines that wait for it")
    calls: int | None = Field(description="The calls that they will take, as such lines did before; null: not known")
    working_seconds: float | None = Field(description="For how long calls will be made")
    ends: datetime | None = Field(description="When the last is done; null: not known, or more than a week away")
    read_later: str = Field(
        description="What is not read from it for now, and why; it is kept there. Empty: everything is"
    )
    told: str = Field(description="The same in a sentence; empty when nothing waits or nothing is known")


class Forecast(BaseModel):
    """Every connection, by name."""

    items: list[Outlook]


def routes() -> APIRouter:
    router = APIRouter(prefix="/forecast", tags=["connections"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="What waits for each system, and when it will be done")
    return router


async def listed(visit: Annotated[Visit, Depends(Reading("look"))]) -> Forecast:
    async with visit.hub.database.transaction() as tx:
        found = await outlook(tx, visit.hub.firm(), FLOWS, visit.hub.clock())
    return Forecast(items=[_of(each) for each in found])


def _of(found: SystemOutlook) -> Outlook:
    names = ("connection", "allowed", "speed", "accepted", "refused", "left", "waiting", "told", "read_later")
    ahead = found.forecast
    return Outlook(
        **{name: getattr(found, name) for name in names},
        kept_back=list(found.kept_back),
        calls=ahead.calls if ahead else None,
        working_seconds=ahead.working.total_seconds() if ahead else None,
        ends=ahead.ends if ahead else None,
    )
