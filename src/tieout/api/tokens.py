"""Access tokens: issued once, shown once, listed without their secrets, revoked at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import Mistake, documented, mistaken
from tieout.api.shapes import Empty, Line, Number, picked
from tieout.api.visit import Reading, Right, Visit
from tieout.domain.access import Role
from tieout.engine.operator import Refused, Unknown


class Token(BaseModel):
    """An access token without its secret."""

    id: int
    name: str
    email: str
    roles: list[Role]
    entities: list[str] | None = Field(description="The legal entities whose books it shows; null is every one")
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str


class Tokens(BaseModel):
    """Every access token, the newest first."""

    items: list[Token]


class NewToken(BaseModel):
    """For whom, with which roles, for how long."""

    name: Annotated[Line, Field(max_length=200)]
    email: str = Field(pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,255}$", examples=["anna.fischer@kestrel.example"])
    roles: list[Role] = Field(min_length=1, max_length=5)
    entities: list[str] | None = Field(
        default=None, min_length=1, max_length=200, description="Codes of legal entities; left out, every one"
    )
    days: int = Field(default=90, ge=1, le=366)


class Issued(BaseModel):
    """The secret: it is shown this once."""

    token: str


def routes() -> APIRouter:
    router = APIRouter(prefix="/access-tokens", tags=["access"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Access tokens, without their secrets")
    router.add_api_route(
        "",
        issue,
        methods=["POST"],
        status_code=201,
        summary="Issue one; the answer is not kept, so this takes no Idempotency-Key",
        responses=documented(404, 413),
    )
    router.add_api_route(
        "/{token}/revoke",
        revoke,
        methods=["POST"],
        summary="End it and the sessions that it opened",
        response_model=Empty,
        responses=documented(404, 409, 413),
    )
    return router


async def listed(visit: Annotated[Visit, Depends(Reading("access.manage"))]) -> Tokens:
    return Tokens(items=[picked(Token, each) for each in await visit.hub.access.tokens()])


async def issue(visit: Annotated[Visit, Depends(Reading("access.manage"))], wanted: NewToken) -> Issued:
    try:
        token = await visit.hub.access.issue(
            name=wanted.name,
            email=wanted.email,
            roles=wanted.roles,
            entities=wanted.entities,
            actor=visit.actor.email,
            lifetime=timedelta(days=wanted.days),
        )
    except Unknown:
        raise
    except Refused as why:
        raise mistaken([Mistake(where="body", what=str(why))]) from why
    return Issued(token=token)


async def revoke(visit: Annotated[Visit, Depends(Right("access.manage"))], token: Number) -> Response:
    async def act() -> Empty:
        await visit.hub.access.revoke(token, actor=visit.actor.email)
        return Empty()

    return await visit.once(act)
