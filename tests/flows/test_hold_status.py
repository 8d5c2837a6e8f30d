"""What a project waits for stands on it in the PSA, and goes away with the wait."""

from __future__ import annotations

from typing import Any

import pytest

from .world import LEAD, Deal, World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]


async def shown(world: World, deal: Deal) -> dict[str, Any]:
    """The custom fields of the deal's project, by name."""
    desk = await world.desk(LEAD)
    (project,) = await deal.in_kantata()
    values = await desk.all("custom_field_values")
    mine = [each for each in values if str(each["subject_id"]) == str(project["id"])]
    return {each["custom_field_name"]: each["display_value"] for each in mine}


async def test_a_hold_is_shown_on_the_project_and_taken_away_when_it_is_resolved(world: World) -> None:
    deal = await world.deal()
    await deal.win()
    await world.settle()
    assert not (await shown(world, deal)).get("Hold Status")
    await deal.change(Amount=120000)
    await world.settle()
    told = await shown(world, deal)
    assert told["Hold Status"] == "Waits: 1 problem"
    assert told["Hold Message"].startswith(f"The deal “{deal.name}” now says 120,000.00 USD; contract version 1 says")
    await deal.change(Amount=98000)
    await world.settle()
    assert not {"Hold Status", "Hold Message"} & (await shown(world, deal)).keys()
    before = await world.rows("select count(*) as n from effect where operation = 'project.report'")
    await world.settle()
    assert await world.rows("select count(*) as n from effect where operation = 'project.report'") == before
