"""What an org may lack is written where it is there, and left out where it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tieout.connectors.contract import Write
from tieout.connectors.salesforce.emulator.schema import STANDARD, load

from .conftest import FIRM

pytestmark = pytest.mark.anyio
TEXT = "Design accepted: accepted 2026-11-02; Go-live: open"


def told(deal: str) -> Write:
    return Write("opportunity.update", f"{deal}/milestones", "1", {"milestones": TEXT}, {"record": deal})


async def test_milestones_are_shown_on_the_deal(door: Any, hub: Any) -> None:
    deal = await door.deal()
    assert await hub.find(told(deal)) is None
    await hub.send("opportunity.update", await hub.prepare(told(deal)))
    assert (await door.read("Opportunity", deal))["Milestones__c"] == TEXT
    assert (await hub.find(told(deal))).id == deal


class TestAnOrgWithoutTheField:
    @pytest.fixture
    def org(self, make_org: Callable[..., Any], tmp_path: Path) -> Any:
        lines = FIRM.read_text().splitlines(keepends=True)
        bare = tmp_path / "bare.yaml"
        bare.write_text("".join(each for each in lines if "Milestones__c" not in each))
        return make_org(schema=load([STANDARD, bare]))

    async def test_goes_without_it(self, door: Any, hub: Any) -> None:
        deal = await door.deal()
        assert (await hub.send("opportunity.update", await hub.prepare(told(deal)))).id == deal
        assert (await hub.find(told(deal))).id == deal
