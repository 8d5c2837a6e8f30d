"""A deal that was quoted from packages: each is sold under its own name, in one project, however often it is quoted (T04)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.documents.engagement import Contract
from tieout.sandbox.story.quoting import Offered, Quoting

from .world import LEAD, Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
DAY = date(2026, 10, 1)


def quoting(world: World, deal: Deal) -> Quoting:
    firm = world.box.story.firm
    return Quoting(firm, firm.seller("US"), deal.seller, world.box.story.journal)


async def contract_of(world: World, deal: Deal) -> Contract:
    (row,) = await world.rows(
        "select body from document where kind = 'contract' and key = %s order by version desc limit 1", deal.key
    )
    return Contract.model_validate(row["body"])


async def test_a_quote_of_two_packages_becomes_two_sales_in_one_project_and_quoting_again_changes_neither(
    world: World,
) -> None:
    deal = await world.deal()
    seller = quoting(world, deal)
    offers = [
        Offered("P-1", "DATA-FOUNDATION", {"Discovery": Decimal(60)}), Offered("P-2", "CLOSE-ACCELERATOR", {}),
    ]  # fmt: skip
    await seller.present(deal.id, await seller.quote(deal.id, "Offer 1", offers, DAY))
    await seller.win_by(deal.id, await seller.quote(deal.id, "Offer 2", offers, DAY))
    await world.settle()
    assert await world.holds(deal.name) == []
    sold = (await contract_of(world, deal)).current.sold
    assert [(each.id, each.package) for each in sold] == [
        (f"{deal.key}/P-1", "DATA-FOUNDATION"), (f"{deal.key}/P-2", "CLOSE-ACCELERATOR"),
    ]  # fmt: skip
    (row,) = await deal.seller.rows(f"SELECT Amount FROM Opportunity WHERE Id = '{deal.id}'")
    assert sum(each.amount for each in sold) == Decimal(str(row["Amount"]))
    tasks = await world.rows("select key, name, sold from project_task where project = %s order by key", deal.project)
    (project,) = await deal.projects()
    lead = await world.desk(LEAD)
    stories = await lead.all("stories", workspace_id=project["id"])
    assert sorted(each["title"] for each in stories) == sorted(each["name"] for each in tasks)
    assert "Close Accelerator: Automation" in {each["title"] for each in stories}
    planned = {each["title"]: int(each["time_estimate_in_minutes"]) for each in stories}
    assert planned["Discovery"] == 3600
    (work,) = await deal.in_erp("project.work", "number", deal.project)
    erp = await world.erp()
    children = await erp.search("project.work", [["parent", "=", work["id"]]], ["name"])
    assert sorted(each["name"] for each in children) == sorted(planned)
    before = await world.rows("select count(*) as n from effect")
    await seller.present(deal.id, await seller.quote(deal.id, "Offer 3, the same", offers, DAY))
    await world.settle()
    assert (await contract_of(world, deal)).current.sold == sold
    assert await world.holds(deal.name) == []
    assert await world.rows("select count(*) as n from effect") == before
