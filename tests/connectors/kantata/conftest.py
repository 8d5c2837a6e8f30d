"""A Kantata account of a small consulting firm, with a clock that the test moves, spoken to in-process."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from tieout.connectors.contract import Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC, Kantata
from tieout.connectors.kantata.emulator import (
    Application,
    KantataAccount,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    RateVersion,
    TemplateTask,
)

BASE = "/api/v1"
HUB = "tieout@kestrel.example"
APPROVER = "david.lindqvist@kestrel.example"
CONSULTANT = "priya.raman@kestrel.example"
COLLEAGUE = "aisha.bello@kestrel.example"
PACKAGE = "DATA-FOUNDATION"
CARD = "US 2026"

USERS = [
    KantataUser(HUB, "Tieout Hub", permission="administrator", token="hub-token"),
    KantataUser(APPROVER, "David Lindqvist", "K002", "Principal", "project_lead"),
    KantataUser(CONSULTANT, "Priya Raman", "K003", "Senior Consultant", cost_rate=Decimal(98)),
    KantataUser(COLLEAGUE, "Aisha Bello", "", "Data Engineer"),
]
TEMPLATE = KantataTemplate(
    PACKAGE,
    [
        TemplateTask("Discovery", "Principal", Decimal(40)),
        TemplateTask("Data model", "Senior Consultant", Decimal(120)),
        TemplateTask("Pipelines", "Data Engineer", Decimal(200)),
        TemplateTask("Travel", "Senior Consultant", Decimal(10), billable=False),
    ],
)
RATES = KantataRateCard(
    CARD,
    "USD",
    [
        RateVersion(
            date(2026, 1, 1),
            {"Principal": Decimal(340), "Senior Consultant": Decimal(245), "Data Engineer": Decimal(210)},
        ),
        RateVersion(
            date(2026, 10, 15),
            {"Principal": Decimal(350), "Senior Consultant": Decimal("252.50"), "Data Engineer": Decimal("217.25")},
        ),
    ],
)
FIELDS = [
    KantataField("Engagement"),
    KantataField("ERP Project", unique=True),
    KantataField("Billed", "currency"),
    KantataField("Paid", "currency"),
    KantataField("Unbilled", "currency"),
    KantataField("Invoice Status", "single", choices=("draft", "posted", "partly_paid", "paid")),
    KantataField("Last Invoice"),
]
APP = Application("tieout-app", "app-secret", "http://tieout.test/callback")


@dataclass
class Clock:
    at: datetime = field(default_factory=lambda: datetime(2026, 10, 5, 16, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **step: float) -> None:
        self.at += timedelta(**step)


@dataclass
class Person:
    """Somebody who speaks to the account with a token of their own."""

    http: httpx2.AsyncClient
    account: KantataAccount
    email: str

    async def __call__(self, method: str, path: str, body: Any = None, **params: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.account.token(self.email)}"}
        return await self.http.request(method, BASE + path, json=body, params=params, headers=headers)

    @property
    def id(self) -> str:
        row = self.account.records.first("users", email_address=self.email)
        assert row is not None
        return row["id"]

    async def ok(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        response = await self(method, path, body, **params)
        assert response.status_code == 200, response.text
        return response.json()

    async def list(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found = await self.ok("GET", path, **params)
        return [found[each["key"]][each["id"]] for each in found["results"]]

    async def create(self, collection: str, singular: str, **values: Any) -> dict[str, Any]:
        made = await self.ok("POST", f"/{collection}", {singular: values})
        return made[collection][made["results"][0]["id"]]

    async def refused(
        self, method: str, path: str, body: Any = None, **params: Any
    ) -> tuple[int, list[dict[str, Any]]]:
        response = await self(method, path, body, **params)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json()["errors"]


@dataclass
class Cast:
    """The people of the account, and what they do every week."""

    account: KantataAccount
    clock: Clock
    http: httpx2.AsyncClient

    def person(self, email: str) -> Person:
        return Person(self.http, self.account, email)

    @property
    def hub(self) -> Person:
        return self.person(HUB)

    @property
    def approver(self) -> Person:
        return self.person(APPROVER)

    @property
    def consultant(self) -> Person:
        return self.person(CONSULTANT)

    @property
    def colleague(self) -> Person:
        return self.person(COLLEAGUE)

    def id_of(self, collection: str, **values: Any) -> str:
        row = self.account.records.first(collection, **values)
        assert row is not None, (collection, values)
        return row["id"]

    async def project(self, title: str = "Data platform", **values: Any) -> dict[str, Any]:
        """A project from the template, led by the approver, in which the consultants take part."""
        return await self.approver.create(
            "workspaces",
            "workspace",
            **{
                "title": title,
                "price": 100_000,
                "rate_card_id": self.account.records.first("rate_cards", currency="USD")["id"],  # type: ignore[index]
                "start_date": "2026-10-01",
                "project_tracker_template_id": self.id_of("project_templates", title=PACKAGE),
                "project_template_create_unnamed_resources": True,
                "participations": [{"user_id": self.consultant.id}, {"user_id": self.colleague.id}],
                "approver_ids": [self.approver.id],
                **values,
            },
        )

    def story(self, project: dict[str, Any], title: str) -> str:
        return self.id_of("stories", workspace_id=project["id"], title=title)

    async def book(self, project: dict[str, Any], *, day: str = "2026-10-05", minutes: int = 480, by: str = CONSULTANT,
                   task: str = "Data model", **values: Any) -> dict[str, Any]:  # fmt: skip
        return await self.person(by).create(
            "time_entries",
            "time_entry",
            workspace_id=project["id"],
            story_id=self.story(project, task),
            date_performed=day,
            time_in_minutes=minutes,
            **values,
        )

    async def submit(self, project: dict[str, Any], *entries: dict[str, Any], by: str = CONSULTANT) -> dict[str, Any]:
        return await self.person(by).create(
            "timesheet_submissions",
            "timesheet_submission",
            workspace_id=project["id"],
            title="Week 41",
            line_item_ids=[each["id"] for each in entries],
        )

    async def approve(self, submission: dict[str, Any], action: str = "approve") -> dict[str, Any]:
        path = f"/timesheet_submissions/{submission['id']}/{action}"
        answer = await self.approver.ok("PUT", path, {"resolution": {"description": "as planned"}})
        return answer["timesheet_submissions"][submission["id"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_account(clock: Clock) -> Iterator[Callable[..., KantataAccount]]:
    made: list[KantataAccount] = []

    def make(**options: Any) -> KantataAccount:
        settings: dict[str, Any] = {
            "users": USERS,
            "templates": [TEMPLATE],
            "rate_cards": [RATES],
            "custom_fields": FIELDS,
            "applications": [APP],
            "seed": 2026,
        }
        made.append(KantataAccount(clock, **(settings | options)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def account(make_account: Callable[..., KantataAccount]) -> KantataAccount:
    return make_account()


@pytest.fixture
async def http(account: KantataAccount) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(account.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://kantata.test") as client:
        yield client


@pytest.fixture
def firm(account: KantataAccount, clock: Clock, http: httpx2.AsyncClient) -> Cast:
    return Cast(account, clock, http)


@asynccontextmanager
async def open_connector(app: Any, *, fields: dict[str, str] | None = None, **settings: Any) -> AsyncGenerator[Kantata]:
    """The connector in front of an account, or of any application that stands before it."""
    config = KantataConfig(**{"url": "http://kantata.test", "token": "hub-token", "settle": 5, **settings})
    transport = httpx2.ASGITransport(app.asgi() if isinstance(app, KantataAccount) else app)
    connector = SPEC.open(Opening("kantata", config, fields or {}, transport))
    assert isinstance(connector, Kantata)
    try:
        yield connector
    finally:
        await connector.close()


@pytest.fixture
async def hub(account: KantataAccount) -> AsyncIterator[Kantata]:
    async with open_connector(account) as connector:
        yield connector


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "account.sqlite"


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The application on a port of loopback that the system chooses."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    ready = threading.Event()
    started = server.startup

    async def startup(sockets: Any = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(10), "the server did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def serve() -> Callable[[Any], Any]:
    return serving
