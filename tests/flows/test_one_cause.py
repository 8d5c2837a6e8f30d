"""Sixty won deals lack one value: one row on the work list, one value, one plan to confirm, sixty projects.

`TIEOUT_DEALS=200` does it with as many as you say.
"""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.money import Money
from tieout.domain.values import ValueRow
from tieout.store import plans, worklist
from tieout.store.worklist import CauseSum, Wanted

from .world import LEAD, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
ANNA, PRIYA = "anna.fischer@kestrel.example", "priya.raman@kestrel.example"
PRACTICE = "Quantum Advisory"
DEALS = int(os.environ.get("TIEOUT_DEALS", "60"))


async def test_one_missing_department_on_many_deals_is_one_row_one_value_and_one_plan(world: World) -> None:
    await world.hub.operator.set_value(
        ValueRow("tax_class", PRACTICE, "Sales tax 8%", author=ANNA, valid_from=date(2026, 1, 1))
    )
    deals = [await world.deal(Practice__c=PRACTICE, Name=f"Quantum {number:03}") for number in range(DEALS)]
    before = await _projects(world)
    for each in deals:
        await each.win()
    await world.settle()

    (cause,) = await _causes(world)
    assert (cause.holds, cause.documents) == (DEALS, DEALS)
    assert cause.sums == (Money(Decimal(98_000 * DEALS), "USD"),)

    row = ValueRow("practice_department", PRACTICE, "440", author=ANNA, valid_from=date(2026, 1, 1))
    released = await world.hub.operator.set_value(row)
    assert released.runs == ()
    assert released.plan is not None
    await world.settle()
    assert await _projects(world) == before, "nothing moves before the plan is confirmed"

    await world.hub.planner.work()
    async with world.hub.database.transaction() as tx:
        plan = await plans.get(tx, released.plan)
    assert plan is not None
    assert plan["sums"]["lines"]["create|erp-us|create the project"] == DEALS
    assert plan["sums"]["ends"] == {"done": DEALS}
    confirmed = [
        await world.hub.replays.confirm(released.plan, hash_=plan["hash"], actor=each) for each in (PRIYA, ANNA)
    ]
    assert confirmed == [True, False]
    await world.hub.planner.work()
    await world.settle()
    await world.hub.planner.work()

    assert await _projects(world) == {name: count + DEALS for name, count in before.items()}
    assert [await each.counts() for each in (deals[0], deals[-1])] == [
        {"customers": 1, "erp projects": 1, "psa projects": 1}
    ] * 2
    assert await _causes(world) == []
    ended = await world.rows("select distinct resolved_by, state from hold where facts ->> 'value' = %s", PRACTICE)
    assert ended == [{"resolved_by": PRIYA, "state": "resolved"}]
    async with world.hub.database.transaction() as tx:
        assert (await plans.progress(tx, released.plan))["done"] == DEALS


async def _causes(world: World) -> list[CauseSum]:
    async with world.hub.database.transaction() as tx:
        return await worklist.causes(tx, Wanted(me=ANNA, now=world.clock(), text=PRACTICE))


async def _projects(world: World) -> dict[str, int]:
    """How many projects each system has that people set up and the hub made."""
    desk = await world.desk(LEAD)
    erp = await (await world.erp()).search("project.work", [["type", "=", "project"]], ["id"])
    return {"erp": len(erp), "psa": len(await desk.all("workspaces", include_archived="true"))}
