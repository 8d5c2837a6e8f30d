"""An account of a consulting firm for the contract suite, seen by its project lead and its consultants, never by the hub."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
from pydantic import SecretStr

from tieout.connectors.contract import Receipt, Write
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC
from tieout.connectors.kantata.emulator import (
    FAULT_BODIES,
    KantataAccount,
    KantataExchangeRate,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    RateVersion,
    TemplateTask,
)
from tieout.domain.documents.project import Project, ProjectTask
from tieout.testing.contract import ConnectorBench, FaultyNetwork, Feed, Sample

_URL = "http://kantata.test"
_TOKEN = "canary-token-of-the-hub"
_LEAD, _CONSULTANT = "david.lindqvist@kestrel.example", "priya.raman@kestrel.example"
_PACKAGE, _CARD = "DATA-FOUNDATION", "US 2026"
_NOBODY = "99999999"
_USERS = [
    KantataUser("tieout@kestrel.example", "Tieout Hub", permission="administrator", token=_TOKEN),
    KantataUser(_LEAD, "David Lindqvist", "K002", "Principal", "project_lead"),
    KantataUser(_CONSULTANT, "Priya Raman", "K003", "Senior Consultant", cost_rate=Decimal(98)),
]
_TASKS = (("Discovery", "Principal", 40), ("Data model", "Senior Consultant", 120))
_TEMPLATE = KantataTemplate(_PACKAGE, [TemplateTask(name, role, Decimal(hours)) for name, role, hours in _TASKS])
_RATES = {"Principal": Decimal(340), "Senior Consultant": Decimal(245), "Consultant": Decimal(175)}
_FIELDS = [
    KantataField("Engagement"),
    KantataField("ERP Project", unique=True),
    KantataField("Billed", "currency"),
    KantataField("Invoice Status", "single", choices=("draft", "posted")),
]
_COUNTED = {
    "client": "workspace_groups", "project": "workspaces", "task": "stories", "time": "time_entries", "user": "users",
    "resource": "workspace_resources",
}  # fmt: skip
# Different for every bench: the books in which the engine writes its effects are shared.
_numbers = itertools.count(1)


class Account:
    """The account, its people, and the hub's own connection for what a sample needs first."""

    def __init__(self) -> None:
        self.at = datetime(2026, 10, 5, 16, 0, tzinfo=UTC)
        self.account = KantataAccount(
            lambda: self.at,
            users=_USERS,
            templates=[_TEMPLATE],
            rate_cards=[KantataRateCard(_CARD, "USD", [RateVersion(date(2026, 1, 1), _RATES)])],
            custom_fields=_FIELDS,
            exchange_rates=[KantataExchangeRate("GBP", "USD", Decimal("1.3450"), date(2026, 1, 1))],
            seed=2026,
        )
        self.transport = httpx2.ASGITransport(self.account.asgi())
        self._http = httpx2.AsyncClient(transport=self.transport, base_url=_URL)
        self._hub: Any = None
        self._project: dict[str, Any] = {}

    def forward(self, step: timedelta) -> None:
        self.at += step

    def bind(self, bench: ConnectorBench) -> ConnectorBench:
        self._hub = bench
        return bench

    async def ask(self, email: str, method: str, path: str, body: Any = None, **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.account.token(email)}"}
        response = await self._http.request(method, f"/api/v1{path}", json=body, params=params, headers=headers)
        assert response.status_code in (200, 204), response.text
        return response.json() if response.content else None

    async def list(self, email: str, path: str, **params: Any) -> list[dict[str, Any]]:
        found = await self.ask(email, "GET", path, per_page=200, **params)
        return [found[each["key"]][each["id"]] for each in found["results"]]

    async def create(self, email: str, collection: str, singular: str, **values: Any) -> dict[str, Any]:
        made = await self.ask(email, "POST", f"/{collection}", {singular: values})
        return made[collection][made["results"][0]["id"]]

    async def written(self, write: Write) -> Receipt:
        return await self._hub.connection.send(write.operation, await self._hub.connection.prepare(write))

    async def census(self) -> dict[str, int]:
        return {kind: sum(1 for _ in self.account.records.all(each)) for kind, each in _COUNTED.items()}

    # -- samples

    def _client(self, number: int, **more: Any) -> Write:
        body = {"key": f"CUS-{number:08}", "name": f"Globex {number}", "email": "ap@globex.example", **more}
        return Write("client.create", body["key"], "1", body)

    async def client(self) -> Sample:
        number = next(_numbers)

        async def seen() -> Sequence[Any]:
            return [each for each in self.account.records.all("workspace_groups") if each["name"] == f"Globex {number}"]

        return Sample(self._client(number), seen, self._client(next(_numbers), name=""), "name")

    async def creation(self, number: int, **more: Any) -> Write:
        key = f"PRJ-{number:08}"
        tasks = tuple(
            ProjectTask(key=f"{key}/{n:02}", name=name, role=role, hours=Decimal(hours), rate=_RATES[role])
            for n, (name, role, hours) in enumerate(_TASKS, 1)
        )
        project = Project(
            key=key, engagement=f"ENG-{number:08}", name=f"Globex data {number}", customer=f"CUS-{number:08}",
            legal_entity="US", currency="USD", department="410", contract_version=1, budget=Decimal("98650.50"),
            rate_card=_CARD, start=date(2026, 10, 5), end=date(2027, 1, 29), project_manager=_LEAD, package=_PACKAGE,
            tasks=tasks,
        )  # fmt: skip
        client = (await self.written(self._client(number))).id
        return Write("project.create", key, "1", {**project.body(), "template": _PACKAGE, **more}, {"client": client})

    async def project(self) -> Sample:
        number = next(_numbers)

        async def seen() -> Sequence[Any]:
            return [each for each in self.account.records.all("workspaces") if each["title"] == f"Globex data {number}"]

        refused = await self.creation(next(_numbers), currency="EUR")
        return Sample(await self.creation(number), seen, refused, "rate card")

    async def resource(self) -> Sample:
        creation = await self.creation(next(_numbers))
        record = (await self.written(creation)).id

        async def seen() -> Sequence[Any]:
            role = self.account.records.first("roles", name="Consultant")
            resources = self.account.records.all("workspace_resources")
            return [
                each for each in resources if role and (each["workspace_id"], each["role_id"]) == (record, role["id"])
            ]

        def write(role: str) -> Write:
            return Write("resource.create", f"{creation.subject}/{role}", "1", {"name": role}, {"project": record})

        return Sample(write("Consultant"), seen, write("Astronaut"), "There is no role")

    async def added(self) -> Sample:
        creation = await self.creation(next(_numbers))
        record = (await self.written(creation)).id
        subject, body = f"{creation.subject}/09", {"name": f"Town hall {next(_numbers)}", "billable": True}

        async def seen() -> Sequence[Any]:
            return [each for each in self.account.records.all("stories") if each["title"] == body["name"]]

        def write(project: str) -> Write:
            return Write("task.create", subject, "1", body, {"project": project})

        return Sample(write(record), seen, write(_NOBODY), "could not be found")

    async def task(self) -> Sample:
        creation = await self.creation(next(_numbers))
        subject, story = next(iter((await self.written(creation)).parts.items()))
        body = {
            "name": "Discovery", "role": "Principal", "hours": "37.5", "rate": "340.00", "currency": "USD", "billable": True,
        }  # fmt: skip

        async def seen() -> Sequence[Any]:
            (found,) = await self.list(_LEAD, "/stories", only=story)
            return [found] if found["time_estimate_in_minutes"] == 2250 else []

        def write(record: str) -> Write:
            return Write("task.plan", subject, "1", body, {"record": record})

        return Sample(write(story), seen, write(_NOBODY), "There is no task", absent=write(_NOBODY))

    async def state(self) -> Sample:
        creation = await self.creation(next(_numbers))
        record = (await self.written(creation)).id

        async def seen() -> Sequence[Any]:
            found = self.account.records.get("workspaces", record)  # the API does not show it
            return [found] if found and not found["time_trackable"] else []

        def write(record: str) -> Write:
            return Write("project.update", creation.subject, "1", {"state": "on_hold"}, {"record": record})

        return Sample(write(record), seen, write(_NOBODY), "Workspace could not be found", absent=write(_NOBODY))

    async def report(self) -> Sample:
        creation = await self.creation(next(_numbers))
        record = (await self.written(creation)).id
        body = {"engagement": creation.body["engagement"], "billed": "1234.56", "invoice_status": "posted"}
        shown = {"Engagement": creation.body["engagement"], "Billed": "1234.56 USD", "Invoice Status": "posted"}

        async def seen() -> Sequence[Any]:
            answer = await self.ask(_LEAD, "GET", f"/workspaces/{record}", include="custom_field_values")
            values = answer.get("custom_field_values", {}).values()
            told = {each["custom_field_name"]: each["display_value"] for each in values}
            return [told] if told == shown else []

        def write(record: str, **more: Any) -> Write:
            return Write("project.report", f"{creation.subject}/money", "1", {**body, **more}, {"record": record})

        refused = write(record, engagement="E" * 300)
        return Sample(write(record), seen, refused, "too long", absent=write(_NOBODY))

    # -- the source

    async def _in_a_project(self) -> None:
        if not self._project:
            self._project = await self.create(
                _LEAD,
                "workspaces",
                "workspace",
                title="Data platform",
                price=100_000,
                rate_card_id=next(self.account.records.all("rate_cards"))["id"],
                start_date="2026-10-01",
                project_tracker_template_id=next(self.account.records.all("project_templates"))["id"],
                participations=[{"user_id": self._user(_CONSULTANT)}],
                approver_ids=[self._user(_LEAD)],
            )

    async def book(self) -> str:
        await self._in_a_project()
        story = self.account.records.first("stories", workspace_id=self._project["id"], title="Data model")
        assert story is not None
        entry = await self.create(
            _CONSULTANT,
            "time_entries",
            "time_entry",
            workspace_id=self._project["id"],
            story_id=story["id"],
            date_performed="2026-10-05",
            time_in_minutes=480,
        )
        return entry["id"]

    async def late(self, by: timedelta) -> str:
        return await self._begun(by, self.book)

    async def _begun(self, by: timedelta, make: Callable[[], Awaitable[str]]) -> str:
        """In a transaction that began so long ago."""
        self.at -= by
        made = await make()
        self.at += by
        return made

    async def change(self, entry: str) -> None:
        """People correct their time until it is submitted; then the lead approves, and takes the approval back."""
        state = self.account.records.get("time_entries", entry)
        assert state is not None
        submitted = [
            each for each in self.account.records.all("timesheet_submissions") if entry in each["time_entry_ids"]
        ]
        standing = [each for each in submitted if each["status"] in ("pending", "approved")]
        if standing:
            action = "approve" if standing[-1]["status"] == "pending" else "cancel"
            resolution = {"resolution": {"description": "as planned"}}
            await self.ask(_LEAD, "PUT", f"/timesheet_submissions/{standing[-1]['id']}/{action}", resolution)
        elif state["time_in_minutes"] != 480:
            await self.create(
                _CONSULTANT,
                "timesheet_submissions",
                "timesheet_submission",
                workspace_id=self._project["id"],
                title="Week 41",
                line_item_ids=[entry],
            )
        else:
            body = {"time_entry": {"time_in_minutes": 480 - next(_numbers) % 400 - 1}}
            await self.ask(_CONSULTANT, "PUT", f"/time_entries/{entry}", body)

    async def remove(self, entry: str) -> None:
        """A person takes the time away, after the lead has taken back an approval; the event comes minutes later."""
        while self._submission(entry) in ("pending", "approved"):
            await self.change(entry)
        await self.ask(_CONSULTANT, "DELETE", f"/time_entries/{entry}")
        self.account.events.deliver()

    async def claim(self) -> str:
        """A hotel bill in a foreign currency, by somebody who takes part in the project."""
        await self._in_a_project()
        foreign = {"source_value": "200.00", "source_currency": "GBP"}
        facts = {"workspace_id": self._project["id"], "date": "2026-10-05", "category": "Travel"}
        made = await self.create(_CONSULTANT, "expenses", "expense", **facts, foreign_exchange_amount=foreign)
        return made["id"]

    async def late_claim(self, by: timedelta) -> str:
        return await self._begun(by, self.claim)

    async def change_claim(self, expense: str) -> None:
        body = {"expense": {"amount_in_cents": 10_000 + next(_numbers)}}
        await self.ask(_CONSULTANT, "PUT", f"/expenses/{expense}", body)

    async def remove_claim(self, expense: str) -> None:
        await self.ask(_CONSULTANT, "DELETE", f"/expenses/{expense}")
        self.account.events.deliver()

    async def milestone(self) -> str:
        await self._in_a_project()
        facts = {"workspace_id": self._project["id"], "title": "Go-live", "story_type": "milestone"}
        return (await self.create(_LEAD, "stories", "story", **facts))["id"]

    async def late_milestone(self, by: timedelta) -> str:
        return await self._begun(by, self.milestone)

    async def change_milestone(self, story: str) -> None:
        """It is completed, and then it was not after all."""
        state = self.account.records.get("stories", story)
        assert state is not None
        body = {"story": {"state": "started" if state["state"] == "completed" else "completed"}}
        await self.ask(_LEAD, "PUT", f"/stories/{story}", body)

    async def remove_milestone(self, story: str) -> None:
        await self.ask(_LEAD, "DELETE", f"/stories/{story}")

    def _submission(self, entry: str) -> str:
        found = [each for each in self.account.records.all("timesheet_submissions") if entry in each["time_entry_ids"]]
        return found[-1]["status"] if found else ""

    def _user(self, email: str) -> str:
        row = self.account.records.first("users", email_address=email)
        assert row is not None
        return row["id"]


def bench() -> ConnectorBench:
    account = Account()
    return account.bind(
        ConnectorBench(
            SPEC,
            KantataConfig(url=_URL, token=SecretStr(_TOKEN), settle=5),
            FaultyNetwork(account.transport, lambda request: request.method in ("POST", "PUT", "DELETE"), FAULT_BODIES),
            wrong=lambda: {"token": SecretStr("canary-token-of-a-stranger")},
            samples={
                "client.create": account.client,
                "project.create": account.project,
                "resource.create": account.resource,
                "task.create": account.added,
                "task.plan": account.task,
                "project.update": account.state,
                "project.report": account.report,
            },
            feeds={
                "time_entry": Feed(account.book, account.change, account.remove, account.late),
                "expense": Feed(account.claim, account.change_claim, account.remove_claim, account.late_claim),
                "milestone": Feed(
                    account.milestone, account.change_milestone, account.remove_milestone, account.late_milestone
                ),
            },
            census=account.census,
            forward=account.forward,
        )
    )
