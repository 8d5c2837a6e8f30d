"""A deal worth more than a gate allows waits for its people, whoever else is in a hurry, and goes on when they are silent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from decimal import Decimal

import psycopg
import pytest

from tieout.domain.firm import ApprovalGate, ApprovalRule, Firm, GateEscalation
from tieout.engine.operator import Operator, OwnRequest, Refused
from tieout.folder.loading import load

from .world import KESTREL, SELLER, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
CARLOS, KLAUS = "carlos.mendes@kestrel.example", "klaus.brandt@kestrel.example"
GATE = ApprovalGate(
    name="The sellers",
    team="sales",
    amount_above={"USD": Decimal(150000)},
    escalation=(GateEscalation(after=2, to="finance-us"),),
)


async def apply(world: World, firm: Firm) -> None:
    await Operator(world.hub.database, world.clock).apply_firm(firm, actor="suite")
    await world.hub.firm.reload(world.hub.database)


@pytest.fixture
async def gated(world: World) -> AsyncGenerator[World, None]:
    kestrel = load(KESTREL)
    await apply(world, kestrel.model_copy(update={"approvals": ApprovalRule(gates=(GATE,))}))
    yield world
    await apply(world, kestrel)


async def test_a_deal_above_a_gate_waits_goes_on_when_nobody_answers_and_becomes_a_project_by_somebody_elses_word(
    gated: World,
) -> None:
    world, below, deal = gated, await gated.deal(Amount=150000), await gated.deal(Amount=150001)
    for each in (below, deal):
        await each.win()
    await world.settle()
    assert await below.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    (asked,) = await world.rows("select * from approval where engagement in (%s, %s)", deal.key, below.key)
    assert (asked["engagement"], asked["requested_by"], asked["goes_to"]) == (deal.key, SELLER, "finance-us")
    assert asked["terms"] == ["The sellers: 150,001.00 USD, more than 150,000.00 USD"]
    assert sum((await deal.counts()).values()) == 0
    assert (await deal.in_crm())["Integration_Status__c"] == "Waiting for an approval"

    answer = world.hub.operator.answer_approval
    with pytest.raises(OwnRequest):
        await answer(asked["id"], approve=True, actor=SELLER)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with world.hub.database.transaction() as tx:
            await tx.execute(
                "update approval set state = 'approved', decided_by = %s, decided_at = now() where id = %s",
                (SELLER, asked["id"]),
            )
    with pytest.raises(Refused, match="to answer"):
        await answer(asked["id"], approve=True, actor=CARLOS)

    await world.hub.rounds.mind_holds()
    assert await world.rows("select escalated_to from approval where id = %s", asked["id"]) == [{"escalated_to": []}]
    world.clock.to(asked["answer_by"])
    await world.hub.rounds.mind_holds()
    (gone,) = await world.rows("select * from approval where id = %s", asked["id"])
    assert (gone["escalated_to"], gone["added"], gone["state"]) == (["finance-us"], [CARLOS], "open")
    assert set(gone["members"]) == {SELLER, KLAUS, CARLOS}
    await world.settle()
    assert sum((await deal.counts()).values()) == 0, "nothing happens before somebody has answered"

    await answer(asked["id"], approve=True, actor=CARLOS)
    await world.settle()
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    assert (await deal.in_crm())["Integration_Status__c"] == "Project ready"
