"""Kestrel's Kantata account has what its packages need, their milestones included."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from tieout.sandbox.credentials import Credentials
from tieout.sandbox.firm import load
from tieout.sandbox.psa import Psa
from tieout.sandbox.story.desks import WorkDesk

pytestmark = pytest.mark.anyio


async def test_a_project_of_a_fixed_fee_has_the_milestones_that_bill_it() -> None:
    firm = load()
    psa = Psa(firm, Credentials(7), lambda: datetime(2026, 10, 5, 12, tzinfo=UTC))
    transport = httpx2.ASGITransport(psa.account.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://kantata.test") as http:
        lead = WorkDesk(http, lambda: None, token=psa.token(firm.lead("US").email))
        templates = {each["title"]: each["id"] for each in await lead.all("project_templates")}
        for package in firm.packages:
            facts = {"title": package.name, "price": 1, "project_tracker_template_id": templates[package.code]}
            project = await lead.create("workspaces", "workspace", facts)
            stories = await lead.all("stories", workspace_id=project, order="position:asc")
            titles = [(each["title"], each["story_type"]) for each in stories]
            assert titles == [
                *((task.name, "task") for task in package.tasks),
                *((name, "milestone") for name in package.milestones),
            ]
    psa.account.close()
    assert firm.package("HEALTH-CHECK").milestones == ("Report accepted",)
    assert firm.package("DATA-FOUNDATION").milestones == ()
