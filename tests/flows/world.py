"""Kestrel's systems and a hub on a clean database, worked by hand; people act through the systems' own APIs."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from tieout.app import Hub, calendar_of, open_hub
from tieout.connectors.tryton.client import TrytonClient
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref, business_key
from tieout.engine.operator import Operator
from tieout.folder.connections import resolve
from tieout.folder.loading import load
from tieout.sandbox.box import Box, opened
from tieout.sandbox.options import Options
from tieout.sandbox.story.desks import SalesDesk, WorkDesk
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.tenancy import Login
from tieout.store import runs
from tieout.store.database import Database, rows
from tieout.testing.crash import FragileDatabase, FragileTransport, Fuse
from tieout.testing.hand import pick_up, settle

REPOSITORY = Path(__file__).parents[2]
KESTREL = REPOSITORY / "src" / "tieout" / "sandbox" / "firm" / "kestrel"
SELLER, LEAD, APPROVER = (
    "margaret.osei@kestrel.example",
    "david.lindqvist@kestrel.example",
    "david.lindqvist@kestrel.example",
)
CONSULTANT, ENGINEER = "tomas.herrera@kestrel.example", "aisha.bello@kestrel.example"
# The day on which October is billed: approved work of October becomes an invoice at once, work of November waits.
CUT_OFF = date(2026, 11, 3)
_numbers = itertools.count(1)


@dataclass(slots=True)
class Clock:
    """The hub's clock: the real one, and what the test has skipped."""

    skipped: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def to(self, moment: datetime) -> None:
        self.skipped += max(moment - self(), timedelta())


@dataclass(slots=True)
class World:
    """One sandbox and the hub that works on it; tests share it, each with deals of its own."""

    box: Box
    url: str
    clock: Clock
    fuse: Fuse
    stack: AsyncExitStack
    hub: Hub = field(init=False)
    # What a bench puts between the hub and its systems.
    network: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = lambda inner: inner
    _life: AsyncExitStack = field(init=False, default_factory=AsyncExitStack)
    # What takes longer than a call, and is made once: the firm that was read, certificates, the people at their screens.
    _firm: Firm = field(init=False, default_factory=lambda: load(KESTREL))
    _tls: ssl.SSLContext = field(init=False, default_factory=ssl.create_default_context)
    _desks: dict[str, WorkDesk] = field(init=False, default_factory=dict[str, WorkDesk])
    _sellers: dict[str, SalesDesk] = field(init=False, default_factory=dict[str, SalesDesk])
    _clerks: dict[str, FinanceClerk] = field(init=False, default_factory=dict[str, FinanceClerk])
    _erps: dict[str, TrytonClient] = field(init=False, default_factory=dict[str, TrytonClient])

    # -- the hub

    async def start(
        self,
        sabotage: frozenset[str] = frozenset(),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        today: date | None = None,
    ) -> None:
        """Opens the hub anew, as after a crash; `settings` replace those of a connection, by its name, `today` the story's."""
        await self._life.aclose()
        configs = dict(resolve(self._firm, self.box.description["environment"]))
        for name, given in (settings or {}).items():
            configs[name] = configs[name].model_copy(update=given)
        network = {
            name: FragileTransport(self.network(httpx2.AsyncHTTPTransport(verify=self._tls)), self.fuse)
            for name in configs
        }
        self.hub = await self._life.enter_async_context(
            open_hub(
                self.url, configs, transports=network, connect=lambda url: FragileDatabase(url, self.fuse),
                clock=self.clock, sabotage=sabotage,
                calendar=(lambda: today) if today else calendar_of(Path(self.box.description["calendar"])),
            )
        )  # fmt: skip

    async def stop(self) -> None:
        await self._life.aclose()

    async def settle(self) -> None:
        """Until nothing happens any more, not even after the moments that runs wait for."""
        for _ in range(10):
            await pick_up(self.hub)
            await settle(self.hub)
            if not await self.skip():
                return
        raise AssertionError("runs wait for ever")

    async def skip(self) -> bool:
        """To the next moment that runs wait for; False when none waits."""
        async with self.hub.database.transaction() as tx:
            moment = await runs.next_moment(tx)
        if moment is not None:
            self.clock.to(moment)
        return moment is not None

    async def rows(self, sql: Any, *values: Any) -> list[dict[str, Any]]:
        async with self.hub.database.transaction() as tx:
            return await rows(tx, sql, values)

    async def holds(self, engagement_or_title: str, state: str = "open") -> list[dict[str, Any]]:
        return await self.rows(
            "select * from hold where (engagement = %s or title like %s) and state = %s order by id",
            engagement_or_title, f"%{engagement_or_title}%", state,
        )  # fmt: skip

    # -- time

    def jump(self, day: date) -> None:
        """Forward only; no day may come after the machine's own, for the ERP asks before it books the future."""
        self.box.story.clock.jump(datetime.combine(day, time(9), tzinfo=UTC))

    # -- people

    async def _http(self, url: str) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, verify=self._tls)
        return await self.stack.enter_async_context(client)

    async def seller(self, login: str = SELLER) -> SalesDesk:
        if login not in self._sellers:
            system = self.box.description["systems"]["salesforce"]
            (person,) = [each for each in system["people"] if each["login"] == login]
            app = system["people_app"]["client_id"], system["people_app"]["client_secret"]
            http, tick = await self._http(system["url"]), self.box.story.clock.tick
            self._sellers[login] = SalesDesk(http, tick, app=app, username=login, password=person["password"])
        return self._sellers[login]

    async def desk(self, login: str) -> WorkDesk:
        if login not in self._desks:
            system = self.box.description["systems"]["kantata"]
            (person,) = [each for each in system["people"] if each["login"] == login]
            http, tick = await self._http(system["url"]), self.box.story.clock.tick
            self._desks[login] = WorkDesk(http, tick, token=person["token"])
        return self._desks[login]

    async def clerk(self, entity: str = "US") -> FinanceClerk:
        if entity not in self._clerks:
            system = self.box.description["systems"][f"erp-{entity.lower()}"]
            person = system["people"][0]
            login = Login(user=person["login"], password=person["password"], role="clerk", entity=entity)
            self._clerks[entity] = clerk = FinanceClerk.at(system["direct_url"], login)
            self.stack.push_async_callback(clerk.close)
        return self._clerks[entity]

    async def erp(self, entity: str = "US") -> TrytonClient:
        """The ERP as its administrator sees it."""
        if entity not in self._erps:
            system = self.box.description["systems"][f"erp-{entity.lower()}"]
            person, database = system["people"][-1], system["credentials"]["database"]
            self._erps[entity] = client = TrytonClient.at(
                system["direct_url"], database=database, user=person["login"], password=person["password"]
            )
            self.stack.push_async_callback(client.close)
        return self._erps[entity]

    # -- deals

    async def deal(self, **facts: Any) -> Deal:
        """An opportunity with a customer of its own, in negotiation, with all that a kickoff needs."""
        number = next(_numbers)
        name = facts.pop("Name", f"Deal {number}")
        seller = await self.seller()
        account = facts.pop("AccountId", None) or await seller.create(
            "Account",
            {
                "Name": f"Client {number} Inc.", "BillingStreet": "1 Main Street", "BillingCity": "Boston",
                "BillingPostalCode": "02101", "BillingCountry": "US", "Tax_Id__c": f"12-{number:07}",
                "Tax_Id_Type__c": "us_ein", "Payment_Terms__c": "Net 30", "CurrencyIsoCode": "USD",
                **{key: facts.pop(key) for key in [key for key in facts if key in ("ParentId",)]},
            },
        )  # fmt: skip
        record = await seller.create(
            "Opportunity",
            {
                "Name": name, "AccountId": account, "StageName": "Negotiation/Review", "CloseDate": "2026-10-01",
                "CurrencyIsoCode": "USD", "Legal_Entity__c": "US", "Practice__c": "Data & AI",
                "Service_Package__c": "DATA-FOUNDATION", "Expected_Start_Date__c": "2026-10-01",
                "Expected_End_Date__c": "2027-01-29", "Payment_Terms__c": "Net 30", "Amount": 98000,
                "Project_Manager_Email__c": LEAD, **facts,
            },
        )  # fmt: skip
        return Deal(self, seller, record, account, name)


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal of one test."""

    world: World
    seller: SalesDesk
    id: str
    account: str
    name: str

    @property
    def key(self) -> str:
        return business_key("ENG", Ref("salesforce", "opportunity", self.id))

    @property
    def project(self) -> str:
        return business_key("PRJ", Ref("salesforce", "opportunity", self.id))

    @property
    def customer(self) -> str:
        return business_key("CUS", Ref("salesforce", "account", self.account))

    async def change(self, **facts: Any) -> None:
        await self.seller.change("Opportunity", self.id, facts)

    async def win(self) -> None:
        await self.change(StageName="Closed Won")

    async def won_project(self) -> str:
        """Wins, lets the hub set the project up, and returns its Kantata id."""
        await self.win()
        await self.world.settle()
        (row,) = await self.in_kantata()
        return row["id"]

    async def in_crm(self) -> dict[str, Any]:
        fields = (
            "Integration_Status__c, Integration_Message__c, Engagement_Key__c, ERP_Project_Id__c, PSA_Project_Id__c, "
            "Billed_To_Date__c, Paid_To_Date__c, Unbilled_WIP__c, Invoice_Status__c, Account.ERP_Customer_Id__c"
        )
        (row,) = await self.seller.rows(f"SELECT {fields} FROM Opportunity WHERE Id = '{self.id}'")
        return row

    async def in_kantata(self) -> list[dict[str, Any]]:
        desk = await self.world.desk(LEAD)
        return await desk.all("workspaces", search=self.name, include_archived="true")

    async def projects(self) -> list[dict[str, Any]]:
        """By the hub's reference: whatever they are called."""
        reference = {"service_name": "tieout", "service_model": "Project", "service_model_refs": self.project}
        asked = {f"external_reference_{name}": value for name, value in reference.items()}
        return await (await self.world.desk(LEAD)).all("workspaces", include_archived="true", **asked)

    async def in_erp(self, model: str, field: str, value: str) -> list[dict[str, Any]]:
        return await (await self.world.erp()).search(model, [[field, "=", value]], ["id"])

    async def counts(self) -> dict[str, int]:
        """How many of each there are in the target systems."""
        found: Mapping[str, list[Any]] = {
            "customers": await self.in_erp("party.party", "code", self.customer),
            "erp projects": await self.in_erp("project.work", "number", self.project),
            "psa projects": [each for each in await self.in_kantata() if each["title"] == self.name],
        }
        return {name: len(rows) for name, rows in found.items()}

    async def work(
        self,
        minutes: int,
        *,
        day: date,
        task: str = "Reporting",
        login: str = CONSULTANT,
        project: str = "",
        **facts: Any,
    ) -> str:
        """Books time on the project, or on the one of that title, as a member of its team; the entry's id."""
        lead, desk = await self.world.desk(LEAD), await self.world.desk(login)
        space = await self._space(project)
        me = await desk.me()
        joined = await lead.all("participations", workspace_id=space["id"])
        if me not in [str(each["user_id"]) for each in joined]:
            await lead.create(
                "participations", "participation", {"workspace_id": space["id"], "user_id": me, "role": "maven"}
            )
        (story,) = [each for each in await lead.all("stories", workspace_id=space["id"]) if each["title"] == task]
        return await desk.create(
            "time_entries",
            "time_entry",
            {
                "workspace_id": space["id"], "story_id": story["id"], "date_performed": day.isoformat(),
                "time_in_minutes": minutes, "notes": "work", **facts,
            },
        )  # fmt: skip

    async def approve(self, *entries: str, login: str = CONSULTANT, project: str = "") -> str:
        """Submits entries and has them approved; the timesheet's id."""
        desk, approver = await self.world.desk(login), await self.world.desk(APPROVER)
        space = await self._space(project)
        sheet = await desk.create(
            "timesheet_submissions",
            "timesheet_submission",
            {"title": "Week", "workspace_id": space["id"], "line_item_ids": list(entries)},
        )
        await approver.resolve(sheet, "approve", "fine")
        return sheet

    async def _space(self, title: str) -> dict[str, Any]:
        """The deal's project in Kantata: the only one, or the one of a title."""
        (found,) = [each for each in await self.in_kantata() if title in ("", each["title"])]
        return found


def cents(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


@asynccontextmanager
async def opened_world(folder: Path, url: str) -> AsyncGenerator[World, None]:
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(opened(Options(state=folder, erp_cache=REPOSITORY / ".cache" / "tryton")))
        clock = Clock()
        database = Database(url)
        await database.open()
        await Operator(database, clock).apply_firm(load(KESTREL), actor="suite")
        await database.close()
        world = World(box, url, clock, Fuse(), stack)
        world.jump(CUT_OFF)
        stack.push_async_callback(world.stop)
        await world.start()
        yield world
