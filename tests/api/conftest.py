"""An API on believable books, asked in-process with the token of any role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tieout.api.application import api
from tieout.api.limits import Limits
from tieout.connectors.contract import Bell, WebhookRefused
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity, ValueTable
from tieout.domain.identity import Ref
from tieout.domain.metering import UsageRule
from tieout.domain.problems import Problem
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.store.database import Database
from tieout.testing.books import CONNECTIONS, ENTITIES, Books

FIRM = Firm(
    name="Kestrel",
    entities=tuple(LegalEntity(code=code, name=name, currency=currency) for code, name, currency in ENTITIES),
    connections={
        name: ConnectionSettings(kind=kind, role=role, entity=entity)  # pyright: ignore[reportArgumentType]
        for name, kind, role, entity in CONNECTIONS
    },
    usage=UsageRule(sources=("metering",)),
    tables=(
        ValueTable(name="practice_department", purpose="department"),
        ValueTable(name="tax_class", purpose="tax class", four_eyes=True),
    ),
)
EMAILS = {role: f"{role}@kestrel.example" for role in ("viewer", "delivery", "operator", "finance", "engineer")}
HOOK_SECRET = "a-long-secret-at-the-end-of-an-address"
LAVISH = Limits(requests=1e9, requests_at_once=10**9, rings=1e9, rings_at_once=10**9)


@dataclass
class Doorbell:
    """A system that signs with a word and says which records changed: `secret|bell id|kind|id,id`."""

    connection: str
    secret: str = "sesame"
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Bell:
        self.headers.append(headers)
        parts = body.decode(errors="replace").split("|")
        if len(parts) != 4 or parts[0] != self.secret:
            raise WebhookRefused("the secret is wrong")
        return Bell(parts[1], [Ref(self.connection, parts[2], each) for each in parts[3].split(",") if each])

    def answer(self) -> tuple[str, bytes]:
        return "text/xml", b"<Ack>true</Ack>"


@dataclass
class Site:
    """One running API with a token per role."""

    app: FastAPI
    books: Books
    access: Access
    tokens: Mapping[str, str]
    woken: asyncio.Event
    free: list[int]
    doorbell: Doorbell

    @asynccontextmanager
    async def client(self, role: str | None) -> AsyncGenerator[httpx2.AsyncClient, None]:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://tieout", headers=headers) as client:
            yield client

    canary: str = "Canary Holdings"

    async def ask(self, role: str | None, method: str, path: str, **more: Any) -> httpx2.Response:
        async with self.client(role) as client:
            return await client.request(method, path, **more)

    async def filled(
        self, number: int = 1, entity: str = "US", canary: str = "", amount: str = "50000.00"
    ) -> dict[str, str]:
        """Books in which everything that the paths name is there; what must not be read bears the canary's name."""
        canary = canary or self.canary
        deal = await self.books.deal(number, entity=entity, name=canary, amount=amount)
        await self.books.time(deal, [(f"T{number}", 1, 61 - number)])
        await self.books.posted(deal, await self.books.proposal(deal), f"2026/000{number}")
        problem = Problem("package.unknown", {"package": canary, "deal": canary, "link": ""})
        run = await self.books.held(deal.opportunity, [problem], entity=entity, amount=amount)
        approval = await self.books.approval(deal, [canary], requested_by="margaret.osei@kestrel.example")
        (first, *_) = (await self.ask("viewer", "GET", f"/api/v1/holds?entity={entity}")).json()["items"]
        hold, cause = first["id"], first["cause"]
        rows = "/api/v1/tables/tax_class"
        await self.ask("operator", "POST", f"{rows}/rows", json={"key": canary, "value": "S", "entity": entity})
        row = (await self.ask("viewer", "GET", rows)).json()["items"][-1]["id"]
        await self.ask("operator", "POST", f"/api/v1/holds/{hold}/assign", json={"assignee": canary})
        ask = {"of": "nobody.else@kestrel.example", "question": canary}
        question = (await self.ask("operator", "POST", f"/api/v1/holds/{hold}/ask", json=ask)).json()["id"]
        field = {"kind": "engagement", "key": deal.engagement, "field": "practice", "value": "Data", "reason": "typo"}
        override = (await self.ask("operator", "POST", "/api/v1/overrides", json=field)).json()["id"]
        reading = {
            "id": f"T{number}", "engagement": deal.engagement, "meter": canary, "quantity": 1, "unit": "GB", "day": "2026-10-05",
        }  # fmt: skip
        await self.ask("operator", "POST", "/api/v1/usage", json={"source": "metering", "readings": [reading]})
        plan = (await self.ask("operator", "POST", "/api/v1/plans", json={"hold": hold})).json()["id"]
        return {
            "plan": plan, "hold": hold, "cause": cause, "question": question, "override": override,
            "approval": f"A-{approval}", "run_id": run, "anything": deal.engagement,
            "engagement": deal.engagement, "kind": "project",
            "key": deal.project, "invoice": f"2026/000{number}", "source_id": f"T{number}", "source": "metering",
            "table": "tax_class", "row": str(row),
            "token": "999", "delegation": "D-1",
        }  # fmt: skip


def site_of(books: Books, tokens: Mapping[str, str], limits: Limits = LAVISH, firm: Firm = FIRM, **more: Any) -> Site:
    access, woken, free = Access(books.database, books.now), asyncio.Event(), [10**12]
    doorbell = Doorbell("salesforce")
    app = api(
        books.database,
        Operator(books.database, books.now),
        Replays(books.database, books.now),
        access,
        firm=lambda: firm,
        doorbells={"salesforce": doorbell, "kantata": Doorbell("kantata")},
        secrets={"salesforce": HOOK_SECRET},
        clock=books.now,
        calendar=lambda: date(2026, 10, 5),
        wake=woken.set,
        free_bytes=lambda: free[0],
        limits=limits,
        **more,
    )
    return Site(app, books, access, tokens, woken, free, doorbell)


async def issue(books: Books, roles: Sequence[str] = tuple(EMAILS)) -> dict[str, str]:
    access = Access(books.database, books.now)
    return {
        role: await access.issue(name=role.title(), email=EMAILS[role], roles=[role], actor="setup") for role in roles
    }


@pytest.fixture
async def site(books: Books) -> Site:
    return site_of(books, await issue(books))


@pytest.fixture
def make_site(books: Books) -> Any:
    """Builds a site with limits of the test's own."""

    async def make(limits: Limits = LAVISH, **more: Any) -> Site:
        return site_of(books, await issue(books), limits, **more)

    return make


@pytest.fixture
def make_filled_site() -> Any:
    """Builds a site in the event loop of the caller: every role's token, one for all roles together, and full books."""

    async def make(books: Books) -> tuple[Site, dict[str, str]]:
        site = site_of(books, await issue(books))
        everything = await site.access.issue(name="All", email="all@kestrel.example", roles=EMAILS, actor="setup")
        site.tokens = {**site.tokens, "everything": everything}
        return site, await site.filled()

    return make


@pytest.fixture
def openapi(database_url: str) -> dict[str, Any]:
    """The document, from an application that nobody asks anything else."""
    return site_of(Books(Database(database_url)), {}).app.openapi()
