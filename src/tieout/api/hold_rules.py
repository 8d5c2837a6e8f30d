"""Whose holds are: the rules in force, and rules that are tried on past holds before they count."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tieout.api.problem import Mistake, mistaken
from tieout.api.visit import Reading, Visit
from tieout.domain.consistency import dotted, faults
from tieout.domain.routing import HoldRules, Trial
from tieout.store import routing

Looking = Annotated[Visit, Depends(Reading("look"))]
Days = Annotated[int, Query(ge=1, le=3650, description="Over the holds of how many days")]


class Tried(BaseModel):
    """What rules do to the holds of the last days, compared with where these are now."""

    rules: HoldRules
    days: int
    holds: int
    routed: int = Field(description="How many a rule fits")
    share: int = Field(description="The same in whole per cent, rounded down")
    differently: int = Field(description="How many would be with another team or assignee than now")
    by_hand: int = Field(description="How many were given to somebody by hand and stay there")
    teams: dict[str, int]
    unrouted: dict[str, int] = Field(description="Problem code → how many no rule fits")


def add_to(router: APIRouter) -> None:
    router.add_api_route("/routes", in_force, summary="The rules in force and what they do to past holds")
    router.add_api_route("/routes/try", attempt, methods=["POST"], summary="Try other rules; nothing is changed")


async def in_force(visit: Looking, days: Days = 90) -> Tried:
    async with visit.hub.database.transaction() as tx:
        rules = await routing.rules_in_force(tx)
        return _tried(rules, days, await routing.trial(tx, rules, now=visit.hub.clock(), days=days))


async def attempt(visit: Looking, rules: HoldRules, days: Days = 90) -> Tried:
    wrong = [each for each in faults(visit.hub.firm().model_copy(update={"holds": rules})) if each.path[0] == "holds"]
    if wrong:
        raise mistaken(
            [Mistake(where=f"body.{dotted(each.path[1:])}", what=f"{each.what}.", fix=each.fix) for each in wrong]
        )
    async with visit.hub.database.transaction() as tx:
        return _tried(rules, days, await routing.trial(tx, rules, now=visit.hub.clock(), days=days))


def _tried(rules: HoldRules, days: int, trial: Trial) -> Tried:
    return Tried(
        rules=rules,
        days=days,
        holds=trial.holds,
        routed=trial.routed,
        share=trial.share,
        differently=trial.differently,
        by_hand=trial.by_hand,
        teams=dict(trial.teams),
        unrouted=dict(trial.unrouted),
    )
