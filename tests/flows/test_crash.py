"""Crash anywhere: whatever the moment a hub dies at, its successor ends with exactly one of everything (F1)."""

from __future__ import annotations

import os
from datetime import date

import pytest

from tieout.testing.crash import Crashed, When
from tieout.testing.hand import settle

from .world import Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton, pytest.mark.slow]
# A sample on every commit, every moment with `make faults`.
STEP = int(os.environ.get("TIEOUT_CRASH_STEP", "67"))
ONE_OF_EACH = {"customers": 1, "erp projects": 1, "psa projects": 1}


async def dies(world: World, at: int, when: When, on: str = "") -> bool:
    """Works until the fuse burns; False when the work was over before."""
    world.fuse.light(at, when, on)
    try:
        await settle(world.hub)
    except BaseExceptionGroup as group:
        if not group.subgroup(Crashed):
            raise
        return True
    except Crashed:
        return True
    finally:
        world.fuse.light(0, when)
    return False


async def recovers(world: World, sabotage: frozenset[str] = frozenset()) -> None:
    await world.start(sabotage)
    await world.settle()


async def check(world: World, deal: Deal) -> None:
    assert await deal.counts() == ONE_OF_EACH
    assert (await deal.in_crm())["Integration_Status__c"] == "Project ready"
    assert await world.rows("select * from conservation where missing <> 0") == []
    assert (
        await world.rows("select key from effect where state in ('sent', 'unknown') and engagement = %s", deal.key)
        == []
    )


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_of_a_kickoff_leaves_exactly_one_of_everything(world: World, when: When) -> None:
    at, walked = 1 + (STEP // 2 if when == "after" else 0), 0
    while True:
        deal = await world.deal()
        await deal.win()
        if not await dies(world, at, when):
            break
        await recovers(world)
        await check(world, deal)
        at, walked = at + STEP, walked + 1
    assert walked >= 3, "the walk must meet moments of the kickoff"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_of_billing_leaves_exactly_one_invoice(world: World, when: When) -> None:
    at, walked = (
        1 + (STEP // 2 if when == "before" else 0),
        0,
    )
    while True:
        deal = await world.deal()
        await deal.won_project()
        await deal.approve(await deal.work(60, day=date(2026, 10, 5)))
        if not await dies(world, at, when):
            break
        await recovers(world)
        key = f"{deal.key}-2026-10"
        assert len(await deal.in_erp("account.invoice", "reference", key)) == 1
        (invoice,) = await world.rows("select state, net from invoice where engagement = %s", deal.key)
        assert invoice["state"] == "draft"
        lines = await world.rows("select delivered_minutes from time_entry where engagement = %s", deal.key)
        assert lines == [{"delivered_minutes": 60}]
        at, walked = at + 3 * STEP, walked + 1
    assert walked >= 2, "the walk must meet moments of the billing"


CREATING = "POST /api/v1/workspaces"


async def test_saboteur_done_before_it_is_sent_loses_a_project(world: World) -> None:
    await world.start(frozenset({"mark_first"}))
    deal = await world.deal()
    await deal.win()
    assert await dies(world, 0, "before", CREATING)
    await world.start(frozenset({"mark_first"}))
    await world.settle()
    with pytest.raises(AssertionError):
        await check(world, deal)
    assert (await deal.counts())["psa projects"] == 0
    await world.start()
    await abandon(world, deal)


async def test_saboteur_a_fresh_key_for_every_try_doubles_a_project(world: World) -> None:
    await world.start(frozenset({"fresh_key"}))
    deal = await world.deal()
    await deal.win()
    assert await dies(world, 0, "after", CREATING)
    await world.start(frozenset({"fresh_key"}))
    await world.settle()
    assert (await deal.counts())["psa projects"] == 2
    with pytest.raises(AssertionError):
        await check(world, deal)
    await world.start()


async def abandon(world: World, deal: Deal) -> None:
    """The saboteur's victim can never be finished: it must not stay in the way of other tests."""
    for hold in await world.holds(deal.key):
        await world.hub.operator.ignore(hold["id"], reason="a saboteur's victim", actor="suite")
