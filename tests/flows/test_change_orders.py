"""An approved change order is one version in the CRM, the PSA and the ERP; an unapproved one is nothing (T34, T35, T36)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.engagement import Contract
from tieout.engine.replay import Wanted
from tieout.engine.run import Run
from tieout.flows import change_order as flow
from tieout.sandbox.story.quoting import Amendment, Offered, Quoting
from tieout.store import plans
from tieout.systems.systems import Systems

from .test_crash import When, dies
from .world import APPROVER, LEAD, Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
ANNA = "anna.fischer@kestrel.example"
SOLD, CHANGED = date(2026, 10, 1), date(2026, 10, 19)
WORKSHOP = Amendment("Add", "P-1", Decimal(2450), "Workshop", "Senior Consultant", Decimal(10))


async def sold(world: World) -> Deal:
    """A deal that was won by a quote and is set up."""
    deal = await world.deal()
    seller = quoting(world, deal)
    await seller.win_by(deal.id, await seller.quote(deal.id, "Offer", [Offered("P-1", "DATA-FOUNDATION", {})], SOLD))
    await world.settle()
    return deal


def quoting(world: World, deal: Deal, entity: str = "US") -> Quoting:
    firm = world.box.story.firm
    return Quoting(firm, firm.seller(entity), deal.seller, world.box.story.journal)


async def other(world: World, deal: Deal) -> Quoting:
    """Somebody else in sales, at a desk of their own."""
    firm = world.box.story.firm
    desk = await world.seller(firm.seller("DE").email)
    return Quoting(firm, firm.seller("DE"), desk, world.box.story.journal)


async def approved(world: World, deal: Deal, lines: Sequence[Amendment], effective: date = CHANGED) -> str:
    order = await quoting(world, deal).raise_change_order(deal.id, "More work", effective, lines)
    await (await other(world, deal)).decide(order, "Approved")
    return order


async def contract_of(world: World, deal: Deal) -> Contract:
    (row,) = await world.rows(
        "select body from document where kind = 'contract' and key = %s order by version desc limit 1", deal.key
    )
    return Contract.model_validate(row["body"])


async def shown(world: World, deal: Deal) -> dict[str, int]:
    rows = await world.rows("select connection, version from contract_shown where engagement = %s", deal.key)
    return {each["connection"]: each["version"] for each in rows}


async def in_the_systems(world: World, deal: Deal) -> dict[str, Any]:
    """What each system says itself: its version, its budget, its tasks."""
    (opportunity,) = await deal.seller.rows(f"SELECT Contract_Version__c FROM Opportunity WHERE Id = '{deal.id}'")
    lead = await world.desk(LEAD)
    (project,) = await deal.projects()
    stories = await lead.all("stories", workspace_id=project["id"])
    answer = await lead.all("workspaces", only=project["id"], include="custom_field_values")
    (work,) = await deal.in_erp("project.work", "number", deal.project)
    erp = await world.erp()
    (books,) = await erp.search("project.work", [["id", "=", work["id"]]], ["comment"])
    children = await erp.search("project.work", [["parent", "=", work["id"]]], ["name"])
    return {
        "crm": opportunity["Contract_Version__c"],
        "psa budget": answer[0]["price_in_cents"],
        "psa tasks": {each["title"] for each in stories},
        "erp version": next(each for each in books["comment"].splitlines() if each.startswith("Contract version")),
        "erp tasks": {each["name"] for each in children},
    }


async def believed(world: World, deal: Deal) -> bool:
    """Whether the hub says of the CRM and of the ERP the version that they have by their own word."""
    told, known = await in_the_systems(world, deal), await shown(world, deal)
    return (told["crm"], told["erp version"]) == (known["salesforce"], f"Contract version: {known['erp-us']}")


async def test_t34_an_approved_change_is_the_same_version_in_every_system(world: World) -> None:
    deal = await sold(world)
    before = await contract_of(world, deal)
    assert set((await shown(world, deal)).values()) == {1}
    await approved(world, deal, [WORKSHOP])
    await world.settle()
    contract = await contract_of(world, deal)
    assert [each.version for each in contract.versions] == [1, 2]
    assert contract.versions[0] == before.current
    assert contract.current.amount == before.current.amount + Decimal(2450)
    assert contract.current.effective_from == CHANGED
    assert await shown(world, deal) == {"salesforce": 2, "kantata": 2, "erp-us": 2}
    assert await believed(world, deal)
    told = await in_the_systems(world, deal)
    assert told["crm"] == 2
    assert told["psa budget"] == contract.current.amount.to_integral_value() * 100
    assert "Workshop" in told["psa tasks"]
    assert told["erp version"] == "Contract version: 2"
    assert told["erp tasks"] == told["psa tasks"]
    (hold,) = await world.holds(deal.name)
    assert (hold["code"], hold["facts"]["version"]) == ("change.revenue", "2")
    await world.hub.operator.decide(hold["id"], choice="booked", reason="prospective", actor=ANNA)
    await world.settle()
    assert [(each["code"], each["facts"]) for each in await world.holds(deal.name)] == []
    assert await contract_of(world, deal) == contract
    await deal.change(NextStep="call them")
    await world.settle()
    assert await world.holds(deal.name) == []
    assert set((await shown(world, deal)).values()) == {2}


async def test_t35_until_it_is_approved_nothing_changes_anywhere(world: World) -> None:
    deal = await sold(world)
    lead, (project,) = await world.desk(LEAD), await deal.in_kantata()
    story = {"workspace_id": project["id"], "title": "Workshop", "story_type": "task"}
    await lead.create("stories", "story", story)
    await deal.approve(await deal.work(60, day=date(2026, 10, 15), task="Workshop"))
    await world.settle()

    async def said() -> list[str]:
        holds = await world.rows("select * from hold where code = 'time.task_unknown' and state = 'open'")
        return [each["facts"]["change"] for each in holds if each["facts"]["project"] == deal.project]

    assert await said() == [""]
    before, told = await contract_of(world, deal), await in_the_systems(world, deal)
    order = await quoting(world, deal).raise_change_order(deal.id, "More work", CHANGED, [WORKSHOP])
    await world.settle()
    assert (await contract_of(world, deal), await in_the_systems(world, deal)) == (before, told)
    (change,) = await said()
    assert re.fullmatch(r", while CO-\d+ waits for a decision", change)
    await (await other(world, deal)).decide(order, "Rejected")
    await world.settle()
    assert (await contract_of(world, deal), await in_the_systems(world, deal)) == (before, told)
    assert await world.holds(deal.name) == []
    assert await said() == [""]


async def test_t34_work_of_a_task_that_a_change_brought_is_billed_from_its_day_on(world: World) -> None:
    deal = await sold(world)
    await approved(world, deal, [WORKSHOP])
    await world.settle()
    early = await deal.work(60, day=date(2026, 10, 15), task="Workshop")
    late = await deal.work(120, day=date(2026, 10, 20), task="Workshop")
    old = await deal.work(60, day=date(2026, 10, 15), task="Reporting")
    await deal.approve(early, late, old)
    await world.settle()
    lines = await world.rows(
        "select e.source_id, e.contract_version, e.minutes from evidence e join invoice i on i.key = e.invoice"
        " where i.engagement = %s order by e.source_id",
        deal.key,
    )
    assert {each["source_id"]: (each["contract_version"], each["minutes"]) for each in lines} == {
        early: (1, 60), late: (2, 120), old: (1, 60),
    }  # fmt: skip


async def test_t05_an_amount_that_was_edited_is_settled_by_its_change_order(world: World) -> None:
    deal = await sold(world)
    (row,) = await deal.seller.rows(
        f"SELECT Id, Quantity, UnitPrice FROM OpportunityLineItem WHERE OpportunityId = '{deal.id}' LIMIT 1"
    )
    await deal.seller.change("OpportunityLineItem", row["Id"], {"Quantity": row["Quantity"] + 10})
    await world.settle()
    assert [each["code"] for each in await world.holds(deal.key)] == ["deal.amount_changed"]
    await approved(world, deal, [Amendment("Change", "P-1", Decimal(str(10 * row["UnitPrice"])))])
    await world.settle()
    assert [each["code"] for each in await world.holds(deal.key)] == ["change.revenue"]


async def test_t36_a_reduction_below_what_is_worked_waits_for_a_credit_or_a_write_off(world: World) -> None:
    deal = await sold(world)
    entry = await deal.work(480, day=date(2026, 10, 5), task="Discovery", login=LEAD)
    await deal.approve(entry, login=LEAD)
    await world.settle()
    before = await contract_of(world, deal)
    most = before.current.amount
    await approved(world, deal, [Amendment("Change", "P-1", -(most - 100))])
    await world.settle()
    held = [each for each in await world.holds(deal.key) if each["code"].startswith("change.")]
    assert [each["code"] for each in held] == ["change.below_done"]
    assert held[0]["facts"]["after"] == "100.00 USD"
    assert (await contract_of(world, deal)).versions == before.versions
    assert set((await shown(world, deal)).values()) == {1}


async def test_t36_once_the_work_is_taken_back_the_reduction_is_planned_shown_and_carried(world: World) -> None:
    deal = await sold(world)
    entry = await deal.work(480, day=date(2026, 10, 5), task="Discovery", login=LEAD)
    await world.settle()
    most = (await contract_of(world, deal)).current.amount
    await approved(world, deal, [Amendment("Change", "P-1", -(most - 100))])
    await world.settle()
    (held,) = [each for each in await world.holds(deal.key) if each["code"] == "change.below_done"]
    await (await world.desk(LEAD)).change("time_entries", "time_entry", entry, {"time_in_minutes": 15})
    await world.settle()
    number = await world.hub.replays.ask(Wanted(hold=held["id"]), actor=ANNA)
    await world.hub.planner.work()
    async with world.hub.database.transaction() as tx:
        plan = await plans.get(tx, number)
    assert plan is not None
    assert plan["sums"]["ends"] == {"done": 1}
    assert set((await shown(world, deal)).values()) == {1}, "a plan changes nothing"
    assert await world.hub.replays.confirm(number, hash_=plan["hash"], actor=ANNA)
    await world.hub.planner.work()
    await world.settle()
    assert (await contract_of(world, deal)).current.amount == Decimal(100)
    assert set((await shown(world, deal)).values()) == {2}


async def test_a_change_above_the_limit_and_one_that_reaches_back_wait_for_somebody_else(world: World) -> None:
    deal = await sold(world)
    before = await contract_of(world, deal)
    await approved(world, deal, [Amendment("Change", "P-1", Decimal(300000))])
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s", deal.key)
    assert asked["requested_by"] == deal.seller.username
    assert await contract_of(world, deal) == before
    await world.hub.operator.answer_approval(asked["id"], approve=True, actor=ANNA)
    await world.settle()
    assert (await contract_of(world, deal)).current.version == 2


async def refused_by_the_psa(world: World) -> Deal:
    """A change of a task that is gone there; of the three systems it is told first."""
    deal = await sold(world)
    (project,) = await deal.projects()
    lead = await world.desk(APPROVER)
    (story,) = [each for each in await lead.all("stories", workspace_id=project["id"]) if each["title"] == "Discovery"]
    await lead.delete("stories", story["id"])
    await approved(world, deal, [WORKSHOP, Amendment("Change", "P-1", Decimal(0), "Discovery", hours=Decimal(50))])
    await world.settle()
    assert (await contract_of(world, deal)).current.version == 2
    return deal


async def test_a_system_that_refuses_the_change_leaves_a_hold_and_no_mixture_that_nobody_sees(world: World) -> None:
    deal = await refused_by_the_psa(world)
    assert await shown(world, deal) == {"salesforce": 1, "kantata": 1, "erp-us": 1}
    assert await believed(world, deal)
    held = await world.holds(deal.key)
    assert sorted({each["code"] for each in held}) == ["contract.version_differs", "target.refused"]
    differing = {each["facts"]["system"] for each in held if each["code"] == "contract.version_differs"}
    assert differing == {"salesforce", "kantata", "erp-us"}


async def test_a_hub_that_believes_before_a_system_confirmed_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = flow.carry

    async def carry(run: Run, systems: Systems, about: flow.Subject) -> None:
        for name in ("salesforce", "kantata", "erp-us"):
            await systems.register.shows(about.projects[0], name, whole=name == "salesforce")
        await carried(run, systems, about)

    monkeypatch.setattr(flow, "carry", carry)
    deal = await refused_by_the_psa(world)
    assert "contract.version_differs" not in {each["code"] for each in await world.holds(deal.key)}
    assert not await believed(world, deal)


async def test_t20_a_limit_that_is_raised_for_days_that_are_over_is_shown_in_money_and_accepted_first(
    world: World,
) -> None:
    deal = await world.deal()
    seller = quoting(world, deal)
    offer = Offered("A-1", "DATA-ADVISORY", {"Advice": Decimal(2), "Analysis": Decimal(1)})
    await seller.win_by(deal.id, await seller.quote(deal.id, "Offer", [offer], SOLD))
    await world.settle()
    limit = (await contract_of(world, deal)).current.amount
    entry = await deal.work(480, day=date(2026, 10, 5), task="Advice", login=LEAD)
    await deal.approve(entry, login=LEAD)
    await world.settle()
    assert "billing.over_cap" in {each["code"] for each in await world.holds(deal.key)}
    await approved(world, deal, [Amendment("Change", "A-1", Decimal(5000))], effective=date(2026, 10, 2))
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s", deal.key)
    (term,) = asked["terms"]
    assert (
        "holds from 2026-10-02, before today: 1 event not billed yet would be decided anew, 0.00 USD to bill becomes"
        in term
    )
    billed = await world.rows(
        "select sum(e.amount) as n from evidence e join invoice i on i.key = e.invoice where i.engagement = %s",
        deal.key,
    )
    await world.hub.operator.answer_approval(asked["id"], approve=True, actor=ANNA)
    await world.settle()
    assert (await contract_of(world, deal)).current.caps[0].amount == limit + 5000
    after = await world.rows(
        "select sum(e.amount) as n from evidence e join invoice i on i.key = e.invoice where i.engagement = %s",
        deal.key,
    )
    assert after == billed, "what is billed stands, the rest comes with the next cut-off"


@pytest.mark.slow
@pytest.mark.parametrize(("at", "when"), [(24, "after"), (38, "before"), (52, "after")])
async def test_a_crash_while_a_change_is_carried_leaves_one_version_and_one_of_each_task(
    world: World, at: int, when: When
) -> None:
    deal = await sold(world)
    await approved(world, deal, [WORKSHOP])
    assert await dies(world, at, when)
    await world.start()
    await world.settle()
    assert [each.version for each in (await contract_of(world, deal)).versions] == [1, 2]
    assert set((await shown(world, deal)).values()) == {2}
    told = await in_the_systems(world, deal)
    assert (told["crm"], told["erp version"]) == (2, "Contract version: 2")
    (project,) = await deal.projects()
    lead = await world.desk(LEAD)
    stories = [each["title"] for each in await lead.all("stories", workspace_id=project["id"])]
    assert stories.count("Workshop") == 1
    assert len(await deal.in_erp("project.work", "number", f"{deal.project}/05")) == 1
    assert [each["code"] for each in await world.holds(deal.key)] == ["change.revenue"]
