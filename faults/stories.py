"""What people do and the hub answers with, in both value streams: each story begins, is troubled, and has one right end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.flows.world import LEAD, Deal, World

from tieout.testing.crash import Crashed
from tieout.testing.hand import settle

_DAY, _DELIVERY = date(2026, 10, 5), "ingrid.vogel@kestrel.example"
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Story:
    """`prepares` so many deals up to the last thing that a person does, `acts` does that for one of them, just before the hub
    would act; `counts` tells how many there are of what there must be one of."""

    name: str
    prepares: Callable[[World, int], Awaitable[list[Deal]]]
    acts: Callable[[World, Deal], Awaitable[None]]
    counts: Callable[[World, Deal], Awaitable[Counts]]

    async def begins(self, world: World) -> Deal:
        (deal,) = await self.prepares(world, 1)
        await self.acts(world, deal)
        return deal


async def _negotiated(world: World, count: int) -> list[Deal]:
    return [await world.deal() for _ in range(count)]


async def _win(world: World, deal: Deal) -> None:
    await deal.win()


async def _with_project(world: World, count: int) -> list[Deal]:
    deals = await _negotiated(world, count)
    for deal in deals:
        await deal.win()
    await world.settle()
    return deals


async def _approve_work(world: World, deal: Deal) -> None:
    await deal.approve(await deal.work(60, day=_DAY))


async def _promised(world: World, count: int) -> list[Deal]:
    """The customer has given their word."""
    deals = [await world.deal(StageName="Verbal Commit") for _ in range(count)]
    await world.settle()
    return deals


async def _accept_risk(world: World, deal: Deal) -> None:
    for asked in await world.rows("select id from approval where engagement = %s and state = 'open'", deal.key):
        await world.hub.operator.answer_approval(asked["id"], approve=True, actor=_DELIVERY, reason="")


async def _change_amount(world: World, deal: Deal) -> None:
    await deal.change(Amount=120000)


async def _projects(world: World, deal: Deal) -> Counts:
    told = await deal.in_crm()
    return {**await deal.counts(), "news for sales": int(told["Integration_Status__c"] == "Project ready")}


async def _invoice(world: World, deal: Deal) -> Counts:
    lines = await world.rows("select delivered_minutes as m from time_entry where engagement = %s", deal.key)
    return {
        "drafts in the ERP": len(await deal.in_erp("account.invoice", "reference", f"{deal.key}-2026-10")),
        "drafts": len(await world.rows("select from invoice where engagement = %s and state = 'draft'", deal.key)),
        "entries delivered": int([each["m"] for each in lines] == [60]),
    }


async def _tentative(world: World, deal: Deal) -> Counts:
    return {"psa projects": len(await deal.projects())}


async def _shown(world: World, deal: Deal) -> Counts:
    """What the project waits for stands on it in the PSA."""
    desk = await world.desk(LEAD)
    (project,) = await deal.in_kantata()
    values: list[dict[str, Any]] = await desk.all("custom_field_values")
    mine = [each for each in values if str(each["subject_id"]) == str(project["id"])]
    return {"hold status": len([each for each in mine if each["custom_field_name"] == "Hold Status"])}


KICKOFF = Story("kickoff", _negotiated, _win, _projects)
BILLING = Story("billing", _with_project, _approve_work, _invoice)
EARLY_START = Story("early start", _promised, _accept_risk, _tentative)
HOLD_STATUS = Story("hold status", _with_project, _change_amount, _shown)
STORIES = (KICKOFF, BILLING, EARLY_START, HOLD_STATUS)


async def works(world: World) -> bool:
    """Works until nothing new happens; False when the hub died before."""
    try:
        await settle(world.hub)
    except Crashed:
        return False
    except BaseExceptionGroup as group:
        if not group.subgroup(Crashed):
            raise
        return False
    finally:
        world.fuse.light(0, "before")
    return True


async def abandon(world: World, deal: Deal) -> None:
    """A saboteur's victim can never be finished, and must not stay in the way."""
    for hold in await world.holds(deal.key):
        await world.hub.operator.ignore(hold["id"], reason="a saboteur's victim", actor="bench")


async def judged(world: World, story: Story, deal: Deal) -> tuple[int, int, list[str]]:
    """What was lost and doubled, and the evidence."""
    counts = await story.counts(world, deal)
    lost, doubled = sum(each == 0 for each in counts.values()), sum(max(0, each - 1) for each in counts.values())
    evidence = [f"{story.name}, {deal.name}: {counts}"] if lost or doubled else []
    missing = await world.rows("select * from conservation where missing <> 0 or missing_minor <> 0")
    doubts = await world.rows(
        "select operation, version, state, attempts, sent_at, detail from effect where state in ('sent', 'unknown') and engagement = %s",
        deal.key,
    )
    evidence += [f"{story.name}, {deal.name}: {each}" for each in (*missing, *doubts)]
    return lost + len(missing) + len(doubts), doubled, evidence
