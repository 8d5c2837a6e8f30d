"""Documents that wait for a person: list them, read one, and end the wait."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from tieout.api import causes, hold_rules, talk
from tieout.api.hold_shapes import Assignment, Hold, Reason, Snooze, hold_of
from tieout.api.problem import documented, not_found
from tieout.api.shapes import (
    Cursor,
    Empty,
    Filter,
    HoldNumber,
    Line,
    Page,
    Released,
    Size,
    Word,
    cursor,
    picked,
    place,
)
from tieout.api.visit import Reading, Right, Visit, tagged, who_lacks
from tieout.store import holds, listing


class HoldEvent(BaseModel):
    """One line of a hold's story: an event, or what somebody said."""

    at: datetime
    actor: str
    kind: Literal["event", "comment", "question", "answer"]
    what: str


class HoldStory(Hold):
    """A hold with its story and the number of open holds that the same fix would end."""

    events: list[HoldEvent]
    same_cause: int


class Settlement(BaseModel):
    """What somebody found who looked into the target: `record` is its own id of what is there."""

    there: bool
    record: Word = ""
    reason: Word = ""


class Decision(BaseModel):
    """The answer to the question that a hold asks."""

    choice: Line
    reason: Word = ""


Looking = Annotated[Visit, Depends(Reading("look"))]
State = Annotated[Literal["open", "resolved", "all"], Query()]


def routes() -> APIRouter:
    router = APIRouter(prefix="/holds", tags=["holds"], responses=documented(401, 403, 422, 429))
    one, acts = documented(404), documented(404, 409, 413)
    router.add_api_route("", listed, summary="Holds, those due first before the others")
    causes.add_to(router, acts)
    hold_rules.add_to(router)
    router.add_api_route("/{hold}", read, summary="One hold with its story", response_model=HoldStory, responses=one)
    for verb, act, answer, summary in (
        ("ignore", ignore, Empty, "End the wait without doing anything"),
        ("decide", decide, Released, "Answer the question that the hold asks"),
        ("assign", assign, Empty, "Give it to somebody"),
        ("snooze", snooze, Empty, "Put it out of sight for some days, or until its source changes"),
        ("settle", settle, Released, "Say whether the target has what nobody knows of"),
    ):
        router.add_api_route(
            f"/{{hold}}/{verb}", act, methods=["POST"], response_model=answer, summary=summary, responses=acts
        )
    talk.add_to(router, acts)
    return router


async def listed(
    visit: Looking,
    state: State = "open",
    code: Filter = "",
    owner: Filter = "",
    assignee: Filter = "",
    team: Filter = "",
    cause: Filter = "",
    overdue: Annotated[bool, Query(description="Only open ones whose time is over")] = False,
    entity: Filter = "",
    engagement: Filter = "",
    flow: Filter = "",
    limit: Size = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = "",
) -> Page[Hold]:
    wanted = listing.WantedHolds(
        "" if state == "all" else state, code, owner, assignee, entity, engagement, flow, team, cause,
        visit.hub.clock() if overdue else None,
    )  # fmt: skip
    after = place(cursor_, datetime, int)
    async with visit.hub.database.transaction() as tx:
        found = await listing.holds(tx, wanted, after=after and (after[0], after[1]), limit=limit + 1)
    more = cursor(found[limit - 1]["due_at"], found[limit - 1]["id"]) if len(found) > limit else None
    return Page(items=[hold_of(each) for each in found[:limit]], next=more)


async def read(visit: Looking, hold: HoldNumber) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await holds.get(tx, number_of(hold))
        if found is None:
            raise not_found(f"hold {hold}")
        told = [picked(HoldEvent, each) for each in await holds.events(tx, found["id"])]
        same = await holds.of_cause(tx, found["cause"])
    others = sum(each["id"] != found["id"] for each in same)
    return tagged(visit, HoldStory(**hold_of(found).model_dump(), events=told, same_cause=others))


async def ignore(visit: Annotated[Visit, Depends(Right("hold.ignore"))], hold: HoldNumber, why: Reason) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.ignore(number_of(hold), reason=why.reason, actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


async def decide(
    visit: Annotated[Visit, Depends(Right("hold.decide"))], hold: HoldNumber, decision: Decision
) -> Response:
    async def act() -> Released:
        needed = await visit.hub.operator.right_to_decide(number_of(hold))
        if not visit.actor.may(needed):
            raise who_lacks(needed)
        released = await visit.hub.operator.decide(
            number_of(hold), choice=decision.choice, reason=decision.reason, actor=visit.actor.email
        )
        return Released.of(released)

    return await visit.once(act)


async def settle(
    visit: Annotated[Visit, Depends(Right("hold.decide"))], hold: HoldNumber, found: Settlement
) -> Response:
    async def act() -> Released:
        released = await visit.hub.operator.settle(
            number_of(hold), there=found.there, record=found.record, reason=found.reason, actor=visit.actor.email
        )
        return Released.of(released)

    return await visit.once(act)


async def assign(visit: Annotated[Visit, Depends(Right("hold.assign"))], hold: HoldNumber, to: Assignment) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.assign(number_of(hold), assignee=to.assignee, actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


async def snooze(
    visit: Annotated[Visit, Depends(Right("hold.snooze"))], hold: HoldNumber, how_long: Snooze
) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.snooze(number_of(hold), actor=visit.actor.email, **how_long.said)
        return Empty()

    return await visit.once(act)


def number_of(name: str) -> int:
    return int(name.partition("-")[2])
