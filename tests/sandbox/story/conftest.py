"""A stage for the story in one process: both applications, the people, the clock, and a hand in the place of the hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieout.sandbox.clock import StoryClock
from tieout.sandbox.credentials import Credentials
from tieout.sandbox.crm import Crm, furnish
from tieout.sandbox.firm import KestrelFirm, load
from tieout.sandbox.folder import StateFolder
from tieout.sandbox.psa import HUB, Psa
from tieout.sandbox.story.books import Auditor
from tieout.sandbox.story.cast import Office, cast
from tieout.sandbox.story.desks import SalesDesk, WorkDesk
from tieout.sandbox.story.play import Story

SEED = 7


@dataclass
class Stage:
    """Everything that stands on it. `seller` reads the CRM, `hub` is the integration's user in the PSA."""

    firm: KestrelFirm
    clock: StoryClock
    crm: Crm
    psa: Psa
    crm_http: httpx2.AsyncClient
    psa_http: httpx2.AsyncClient
    story: Story
    auditor: Auditor
    seller: SalesDesk
    hub: WorkDesk

    async def set_up_projects(self, unknown_practice: str = "People & Change") -> None:
        """What the hub would do, as far as people need it: a project for every deal that is won and complete."""
        done = {each["title"] for each in await self.hub.all("workspaces", include_archived="true")}
        cards = {each["currency"]: each["id"] for each in await self.hub.all("rate_cards")}
        templates = {each["title"]: each["id"] for each in await self.hub.all("project_templates")}
        deals = await self.seller.rows(
            "SELECT Name, CurrencyIsoCode, Amount, Service_Package__c, Expected_Start_Date__c, Expected_End_Date__c"
            f" FROM Opportunity WHERE IsWon = true AND Practice__c != null AND Practice__c != '{unknown_practice}' ORDER BY Name"
        )
        for deal in deals:
            if deal["Name"] in done or not deal["Expected_End_Date__c"]:
                continue
            project = {
                "title": deal["Name"], "creator_role": "maven", "budgeted": True, "price": int(deal["Amount"]),
                "currency": deal["CurrencyIsoCode"], "rate_card_id": cards[deal["CurrencyIsoCode"]],
                "start_date": deal["Expected_Start_Date__c"], "due_date": deal["Expected_End_Date__c"],
                "project_tracker_template_id": templates[deal["Service_Package__c"]],
                "project_template_create_unnamed_resources": True,
            }  # fmt: skip
            made = await self.hub.create("workspaces", "workspace", project)
            if deal["Name"] == "Globex Close Accelerator":  # sold with a second package
                for task in ("Data Advisory: Advice", "Data Advisory: Analysis"):
                    await self.hub.create(
                        "stories", "story", {"workspace_id": made, "title": task, "story_type": "task"}
                    )

    async def play_with_projects(self, until: date) -> None:
        """Day by day, with the projects set up after each."""
        while self.story.played < until:
            await self.story.advance(self.story.played + timedelta(days=1))
            await self.set_up_projects()

    async def entries(self) -> list[dict[str, Any]]:
        return await self.hub.all("time_entries", from_archived_workspaces="true", include="active_submission")

    def acts(self, did: str) -> list[str]:
        return [each.sentence for each in self.story.journal.acts if each.did == did]


Raise = Callable[..., Any]


@asynccontextmanager
async def raised(folder: Path | None = None) -> AsyncIterator[Stage]:
    """A stage that continues from a folder, or one that is gone with the test."""
    firm = load()
    kept = StateFolder(folder) if folder else None
    async with AsyncExitStack() as held:
        clock = StoryClock(datetime(2026, 9, 30, 6, tzinfo=UTC), state=kept.clock if kept else None)
        crm = Crm(firm, Credentials(SEED), clock, state=kept.salesforce if kept else None, seed=SEED)
        held.callback(crm.org.close)
        psa = Psa(firm, Credentials(SEED), clock, state=kept.kantata if kept else None, seed=SEED)
        held.callback(psa.account.close)
        clients = {
            name: await held.enter_async_context(
                httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"http://{name}.test")
            )
            for name, app in (("crm", crm.org.asgi()), ("psa", psa.account.asgi()))
        }
        await furnish(crm, clients["crm"])
        story, auditor = cast(
            crm, psa, Office(clients["crm"], clients["psa"], {}, {}), clock, seed=SEED,
            journal=kept.journal if kept else None, played=kept.played if kept else None,
        )  # fmt: skip
        await story.raise_curtain()
        hub = WorkDesk(clients["psa"], clock.tick, token=psa.token(HUB))
        yield Stage(firm, clock, crm, psa, clients["crm"], clients["psa"], story, auditor, auditor.crm, hub)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with raised() as stage:
        yield stage


@pytest.fixture
def raise_stage() -> Raise:
    """`async with raise_stage(folder) as stage`: more than one of them, one after the other, on the same folder."""
    return raised
