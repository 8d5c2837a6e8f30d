"""Holds by what causes them: one missing value is one line, however many documents wait for it, and one verb serves them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.hold_shapes import Assignment, Reason, Snooze, explained
from tieout.api.shapes import Amount, Filter, Page, Size, amount
from tieout.api.visit import Reading, Right, Visit
from tieout.engine.bulk import Outcome, to_all
from tieout.engine.operator import Operator, Refused
from tieout.store import holds, worklist
from tieout.store.worklist import CauseSum, Wanted

CauseId = Annotated[
    str, Path(pattern=r"^[a-z_.]{3,60}:[0-9a-f]{16}$", description="A cause: value.missing:0123456789abcdef")
]


class Cause(BaseModel):
    """Open holds that one fix ends. `amounts` counts each document once, by currency."""

    cause: str
    code: str
    what: str
    fix: str
    where: str
    owner: str
    team: str
    holds: int
    documents: int
    amounts: list[Amount]
    due_at: datetime = Field(description="When the first of them is due")
    opened_at: datetime = Field(description="When the first of them opened")
    urgency: str = Field(description="Money that waits for each hour that is left: what the list is ordered by")
    first: str = Field(description="The hold that is due first", examples=["H-20401"])


class Done(BaseModel):
    """How many holds it was done to, and why not to the others."""

    done: int
    refusals: list[str]


def add_to(router: APIRouter, acts: dict[int | str, dict[str, Any]]) -> None:
    router.add_api_route("/causes", listed, summary="Open holds gathered by cause, the most urgent first")
    for verb, act, summary in (
        ("ignore", ignore, "End the wait of every document of a cause without doing anything"),
        ("assign", assign, "Give every hold of a cause to somebody"),
        ("snooze", snooze, "Put every hold of a cause out of sight"),
    ):
        router.add_api_route(
            f"/causes/{{cause}}/{verb}", act, methods=["POST"], response_model=Done, summary=summary, responses=acts
        )


async def listed(
    visit: Annotated[Visit, Depends(Reading("look"))],
    code: Filter = "",
    owner: Filter = "",
    team: Filter = "",
    entity: Filter = "",
    flow: Filter = "",
    limit: Size = 50,
) -> Page[Cause]:
    """The first ones; who needs those behind them narrows the list by its filters."""
    wanted = Wanted(
        me=visit.actor.email, now=visit.hub.clock(), code=code, owner=owner, team=team, entity=entity, flow=flow
    )
    async with visit.hub.database.transaction() as tx:
        found = (await worklist.causes(tx, wanted))[:limit]
        firsts = {each["id"]: each for each in await holds.some(tx, [each.first for each in found])}
    return Page(items=[_cause(each, firsts[each.first]) for each in found])


async def ignore(visit: Annotated[Visit, Depends(Right("hold.ignore"))], cause: CauseId, why: Reason) -> Response:
    return await _all(
        visit, cause, lambda operator, each: operator.ignore(each, reason=why.reason, actor=visit.actor.email)
    )


async def assign(visit: Annotated[Visit, Depends(Right("hold.assign"))], cause: CauseId, to: Assignment) -> Response:
    return await _all(
        visit, cause, lambda operator, each: operator.assign(each, assignee=to.assignee, actor=visit.actor.email)
    )


async def snooze(visit: Annotated[Visit, Depends(Right("hold.snooze"))], cause: CauseId, how: Snooze) -> Response:
    return await _all(visit, cause, lambda operator, each: operator.snooze(each, actor=visit.actor.email, **how.said))


async def _all(visit: Visit, cause: str, act: Callable[[Operator, int], Awaitable[Any]]) -> Response:
    async def do() -> Done:
        async with visit.hub.database.transaction() as tx:
            numbers = [each["id"] for each in await holds.of_cause(tx, cause)]
        if not numbers:
            raise Refused(f"No hold waits for {cause} any more.")
        outcome: Outcome = await to_all(numbers, lambda each: act(visit.hub.operator, each))
        return Done(done=outcome.done, refusals=list(outcome.refusals[:20]))

    return await visit.once(do)


def _cause(summed: CauseSum, first: dict[str, Any]) -> Cause:
    said = explained(first)
    return Cause(
        cause=summed.cause,
        code=first["code"],
        what=said.what,
        fix=said.fix,
        where=said.where,
        owner=first["owner"],
        team=first["team"],
        holds=summed.holds,
        documents=summed.documents,
        amounts=[amount(each.amount, each.currency) for each in summed.sums],
        due_at=summed.due_at,
        opened_at=summed.oldest,
        urgency=f"{summed.urgency:.2f}",
        first=f"H-{summed.first}",
    )
