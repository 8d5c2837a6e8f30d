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
    """`begins` ends just before the hub would act; `counts` tells how many there are of what there must be one of."""

    name: str
    begins: Callable[[World], Awaitable[Deal]]
    counts: Callable[[World, Deal], Awaitable[Counts]]


async def _won(world: World) -> Deal:
    deal = await world.deal()
    await deal.win()
    return deal


async def _billed(world: World) -> Deal:
    deal = await world.deal()
    await deal.won_project()
    await deal.approve(await deal.work(60, day=_DAY))
    return deal


async def _promised(world: World) -> Deal:
    """The customer has given their word, and delivery has accepted the risk."""
    deal = await world.deal(StageName="Verbal Commit")
    await world.settle()
    for asked in await world.rows("select id from approval where engagement = %s and state = 'open'", deal.key):
        await world.hub.operator.answer_approval(asked["id"], approve=True, actor=_DELIVERY, reason="")
    return deal


async def _held(world: World) -> Deal:
    deal = await world.deal()
    await deal.won_project()
    await deal.change(Amount=120000)
    return deal


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


STORIES = (
    Story("kickoff", _won, _projects),
    Story("billing", _billed, _invoice),
    Story("early start", _promised, _tentative),
    Story("hold status", _held, _shown),
)


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
