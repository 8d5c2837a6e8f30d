"""Replay plans: ask what would happen, read it, confirm exactly that, stop it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from tieout.api.holds import number_of
from tieout.api.problem import documented, not_found
from tieout.api.shapes import Cursor, Empty, Line, Page, PlanNumber, Size, Word, cursor, picked, place
from tieout.api.visit import Reading, Right, Visit, tagged
from tieout.domain.plan import How, PlannedItem, Sums
from tieout.engine.replay import Wanted
from tieout.store import plans

PlanState = Literal["making", "open", "checking", "running", "done", "stopped", "moved", "discarded"]
RunState = Literal["held", "waiting", "done", "ignored"]


class Asked(BaseModel):
    """`as_it_was` decides with the firm folder and the value tables of the time when each run last began."""

    model_config = ConfigDict(extra="forbid")

    how: How = "as_it_is_now"


class OfHold(Asked):
    """What waits for a reason; `cause` takes everything that waits for the same one."""

    hold: Annotated[str, Field(pattern=r"^H-[0-9]{1,12}$")]
    cause: bool = False


class OfHolds(Asked):
    """Several holds; those that were resolved meanwhile are left out."""

    holds: list[Annotated[str, Field(pattern=r"^H-[0-9]{1,12}$")]] = Field(min_length=1, max_length=1000)


class OfRun(Asked):
    """One run; `step` does that step once more, where repeating it makes no second one."""

    run: Line
    step: Word = ""


class OfSpan(Asked):
    """The runs of a flow that ended as one of `states` from `since` on and before `until`."""

    flow: Line
    since: AwareDatetime
    until: AwareDatetime
    states: list[RunState] = Field(default=["held"], min_length=1)


Ask = OfHold | OfHolds | OfRun | OfSpan


class Progress(BaseModel):
    """How far the hub is: documents in all, found out, checked again after the confirmation, and by their state."""

    items: int
    found: int
    checked: int
    planned: int
    released: int
    done: int
    held: int
    stopped: int


class Plan(BaseModel):
    """A plan. `hash` is what a confirmation names; `sums` is null until the plan is made."""

    id: str = Field(examples=["P-3301"])
    state: PlanState
    reason: str
    what: str
    how: How
    made_by: str
    made_at: datetime
    hash: str
    sums: Sums | None
    needs_approval: str = Field(description="Why a second person must approve it; empty when nobody needs to")
    approved_by: str | None
    confirmed_by: str
    confirmed_at: datetime | None
    ended_at: datetime | None


class PlanStory(Plan):
    """A plan and how far it is."""

    progress: Progress


class Item(BaseModel):
    """One document of a plan: what it would do, and what became of it."""

    position: int
    run_id: str
    state: Literal["planned", "released", "done", "ignored", "held", "waiting", "stopped"]
    outcome: str
    content: PlannedItem | None


class Confirmation(BaseModel):
    """The hash of the plan that the person saw; `first` lets only its first documents begin, to try it."""

    hash: Line
    first: int | None = Field(default=None, ge=1)


class Confirmed(BaseModel):
    """`fresh` is false when somebody had confirmed it before."""

    fresh: bool


class Stopped(BaseModel):
    """How many runs had not begun and were taken back."""

    taken_back: int


Looking = Annotated[Visit, Depends(Reading("look"))]
Replaying = Annotated[Visit, Depends(Right("run.replay"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/plans", tags=["plans"], responses=documented(401, 403, 422, 429))
    acts = documented(404, 409, 413)
    router.add_api_route("", listed, summary="Plans, the newest first")
    router.add_api_route(
        "", ask, methods=["POST"], summary="Ask what a replay would do", response_model=PlanStory, responses=acts
    )
    router.add_api_route(
        "/{plan}", read, summary="One plan and how far it is", response_model=PlanStory, responses=documented(404)
    )
    router.add_api_route("/{plan}/items", items, summary="What each document would do", responses=documented(404))
    for verb, act, answer, summary in (
        ("confirm", confirm, Confirmed, "Let exactly this plan begin"),
        ("approve", approve, Empty, "Agree to a plan that somebody else made"),
        ("stop", stop, Stopped, "Take back what has not begun"),
        ("discard", discard, Empty, "Throw away a plan that nobody confirmed"),
    ):
        router.add_api_route(
            f"/{{plan}}/{verb}", act, methods=["POST"], response_model=answer, summary=summary, responses=acts
        )
    return router


async def listed(
    visit: Looking, limit: Size = 50, cursor_: Annotated[Cursor, Query(alias="cursor")] = ""
) -> Page[Plan]:
    before = place(cursor_, int)
    async with visit.hub.database.transaction() as tx:
        found = await plans.listed(tx, limit + 1, before[0] if before else None)
    more = cursor(found[limit - 1]["id"]) if len(found) > limit else None
    return Page(items=[picked(Plan, each, id=f"P-{each['id']}") for each in found[:limit]], next=more)


async def ask(visit: Replaying, wanted: Ask) -> Response:
    async def act() -> PlanStory:
        return await _plan(visit, await visit.hub.replays.ask(_wanted(wanted), actor=visit.actor.email))

    return await visit.once(act)


async def read(visit: Looking, plan: PlanNumber) -> Response:
    return tagged(visit, await _plan(visit, number_of(plan)))


async def items(
    visit: Looking, plan: PlanNumber, limit: Size = 50, cursor_: Annotated[Cursor, Query(alias="cursor")] = ""
) -> Page[Item]:
    after = place(cursor_, int)
    async with visit.hub.database.transaction() as tx:
        if await plans.get(tx, number_of(plan)) is None:
            raise not_found(f"plan {plan}")
        found = await plans.page_of_items(tx, number_of(plan), after[0] if after else 0, limit + 1)
    more = cursor(found[limit - 1]["position"]) if len(found) > limit else None
    return Page(items=[picked(Item, each) for each in found[:limit]], next=more)


async def confirm(visit: Replaying, plan: PlanNumber, seen: Confirmation) -> Response:
    async def act() -> Confirmed:
        number, actor = number_of(plan), visit.actor.email
        return Confirmed(fresh=await visit.hub.replays.confirm(number, hash_=seen.hash, actor=actor, first=seen.first))

    return await visit.once(act)


async def approve(visit: Annotated[Visit, Depends(Right("plan.approve"))], plan: PlanNumber) -> Response:
    async def act() -> Empty:
        await visit.hub.replays.approve(number_of(plan), actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


async def stop(visit: Replaying, plan: PlanNumber) -> Response:
    async def act() -> Stopped:
        return Stopped(taken_back=await visit.hub.replays.stop(number_of(plan), actor=visit.actor.email))

    return await visit.once(act)


async def discard(visit: Replaying, plan: PlanNumber) -> Response:
    async def act() -> Empty:
        await visit.hub.replays.discard(number_of(plan), actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


def _wanted(ask: Ask) -> Wanted:
    match ask:
        case OfHold():
            return Wanted(hold=number_of(ask.hold), cause=ask.cause, how=ask.how)
        case OfHolds():
            return Wanted(holds=tuple(number_of(each) for each in ask.holds), how=ask.how)
        case OfRun():
            return Wanted(run=ask.run, step=ask.step, how=ask.how)
        case OfSpan():
            return Wanted(flow=ask.flow, since=ask.since, until=ask.until, states=tuple(ask.states), how=ask.how)


async def _plan(visit: Visit, number: int) -> PlanStory:
    async with visit.hub.database.transaction() as tx:
        found = await plans.get(tx, number)
        if found is None:
            raise not_found(f"plan P-{number}")
        return _told(found, await plans.progress(tx, number))


def _told(found: dict[str, Any], progress: dict[str, int]) -> PlanStory:
    return picked(PlanStory, found, id=f"P-{found['id']}", progress=Progress(**progress))
