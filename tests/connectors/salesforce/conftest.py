"""An org with Kestrel's own fields and a clock that the test moves, spoken to in-process or on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from tieout.connectors.contract import Opening
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC
from tieout.connectors.salesforce.emulator import FAULT_BODIES, ConnectedApp, OrgUser, SalesforceOrg
from tieout.connectors.salesforce.emulator.schema import STANDARD, load
from tieout.sandbox.faults import Faults

FIRM = Path(__file__).parents[3] / "src" / "tieout" / "sandbox" / "firm" / "salesforce.yaml"
HUB = "hub@kestrel.example"
SELLER = "margaret.osei@kestrel.example"
PASSWORD = "correct horse"
SECURITY_TOKEN = "XyZ123"
APP, SECRET = "3MVG9tieout", "s3cret-of-the-app"
JWT_APP = "3MVG9tieoutJwt"
BASE = "/services/data/v60.0"
CUSTOMER = {
    "BillingStreet": "500 Market Street", "BillingCity": "San Francisco", "BillingPostalCode": "94105",
    "BillingCountry": "US", "Tax_Id__c": "91-1144442", "Tax_Id_Type__c": "us_ein", "Payment_Terms__c": "Net 30",
}  # fmt: skip
DEAL = {
    "Legal_Entity__c": "US", "Practice__c": "Data & AI", "Service_Package__c": "DATA-FOUNDATION",
    "Expected_Start_Date__c": "2026-10-05", "Expected_End_Date__c": "2026-12-18", "Payment_Terms__c": "Net 30",
    "Project_Manager_Email__c": "david.lindqvist@kestrel.example",
}  # fmt: skip


@dataclass
class Clock:
    at: datetime = field(default_factory=lambda: datetime(2026, 10, 1, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **step: float) -> None:
        self.at += timedelta(**step)


@dataclass
class Door:
    """A logged-in user of the org."""

    http: httpx2.AsyncClient
    org: SalesforceOrg
    clock: Clock

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        address = path if path.startswith(("/services", "/_sandbox", "/id")) else BASE + path
        return await self.http.request(method, address, json=body, **options)

    async def create(self, entity: str, **fields: Any) -> str:
        response = await self("POST", f"/sobjects/{entity}", fields)
        assert response.status_code == 201, response.text
        return response.json()["id"]

    async def read(self, entity: str, record_id: str) -> dict[str, Any]:
        response = await self("GET", f"/sobjects/{entity}/{record_id}")
        assert response.status_code == 200, response.text
        return response.json()

    async def query(self, soql: str, resource: str = "query", **options: Any) -> Any:
        response = await self("GET", f"/{resource}", params={"q": soql}, **options)
        assert response.status_code == 200, response.text
        return response.json()

    async def rows(self, soql: str, resource: str = "query") -> list[dict[str, Any]]:
        return (await self.query(soql, resource))["records"]

    async def forward(self, **step: float) -> None:
        """Time passes; whoever comes back after hours logs in again."""
        self.clock.forward(**step)
        self.http.headers["Authorization"] = f"Bearer {await log_in(self.http)}"

    async def sold(self, count: int = 1, **fields: Any) -> tuple[str, str, list[str]]:
        """(account, won deal, lines): a deal as a seller leaves it, with products from a price book."""
        account = await self.create("Account", Name="Globex", **CUSTOMER)
        deal = await self.deal("Globex data", AccountId=account, **DEAL, **fields)
        (book,) = await self.rows("SELECT Id FROM Pricebook2")
        product = await self.create("Product2", Name="Consulting", IsActive=True)
        entry = await self.create(
            "PricebookEntry", Pricebook2Id=book["Id"], Product2Id=product, UnitPrice=245, IsActive=True
        )
        lines = [
            await self.create(
                "OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=1, TotalPrice=24_500.50,
                Description=f"Line {number}", Role__c="Consultant", Hours__c=100, Bill_Rate__c=245.01,
            )
            for number in range(count)
        ]  # fmt: skip
        self.clock.forward(minutes=10)
        await self("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"})
        return account, deal, lines

    async def deal(self, name: str = "Data platform", stage: str = "Prospecting", **fields: Any) -> str:
        return await self.create("Opportunity", Name=name, StageName=stage, CloseDate="2026-10-30", **fields)


@pytest.fixture(scope="session")
def key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def new_org(key: RSAKey) -> Callable[..., SalesforceOrg]:
    plain = load([STANDARD, FIRM])

    def make(clock: Callable[[], datetime], schema: Any = plain, **options: Any) -> SalesforceOrg:
        settings: dict[str, Any] = {
            "seed": 2026,
            "public_url": "http://kestrel.my.salesforce.test",
            "users": [
                OrgUser(HUB, "Hub", "Tieout", password=PASSWORD, security_token=SECURITY_TOKEN),
                OrgUser(SELLER, "Osei", "Margaret", password="sales", time_zone="America/New_York"),
            ],
            "apps": [
                ConnectedApp(APP, SECRET, "Tieout", run_as=HUB),
                ConnectedApp(JWT_APP, "", "Tieout by key", public_key=key.as_pem(private=False).decode(),
                             approved=frozenset({HUB})),
            ],
        }  # fmt: skip
        return SalesforceOrg(schema, clock, **(settings | options))

    return make


@pytest.fixture
def make_org(new_org: Callable[..., SalesforceOrg], clock: Clock) -> Callable[..., SalesforceOrg]:
    def make(**options: Any) -> SalesforceOrg:
        return new_org(clock, **options)

    return make


@pytest.fixture
def org(make_org: Callable[..., SalesforceOrg]) -> Iterator[SalesforceOrg]:
    org = make_org()
    yield org
    org.close()


@pytest.fixture
async def client(org: SalesforceOrg) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(org.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url=org.public_url) as client:
        yield client


async def log_in(client: httpx2.AsyncClient, username: str = HUB) -> str:
    response = await client.post("/_sandbox/login-as", json={"username": username})
    return response.json()["access_token"]


@pytest.fixture
async def door(client: httpx2.AsyncClient, org: SalesforceOrg, clock: Clock) -> Door:
    client.headers["Authorization"] = f"Bearer {await log_in(client)}"
    return Door(client, org, clock)


@pytest.fixture
def faults(org: SalesforceOrg) -> Faults:
    """The org as the hub reaches it, where a test may add what goes wrong."""
    return Faults(org.asgi(), 7, FAULT_BODIES)


@pytest.fixture
def open_hub(org: SalesforceOrg, faults: Faults) -> Callable[..., Any]:
    def opened(*, fields: dict[str, str] | None = None, **settings: Any) -> Any:
        config = SalesforceConfig(
            **{"url": org.public_url, "client_id": APP, "client_secret": SecretStr(SECRET), "page_size": 3, **settings}
        )
        return SPEC.open(Opening("salesforce", config, fields or {}, httpx2.ASGITransport(faults)))

    return opened


@pytest.fixture
async def hub(open_hub: Callable[..., Any]) -> AsyncIterator[Any]:
    connector = open_hub()
    yield connector
    await connector.close()


@pytest.fixture(scope="session")
def serve() -> Callable[[Any], Any]:
    """`with serve(app) as url`: the application on a port that the system chooses."""

    @contextmanager
    def serving(app: Any) -> Iterator[str]:
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on"))
        ready = threading.Event()
        started = server.startup

        async def startup(sockets: Any = None) -> None:
            await started(sockets)
            ready.set()

        server.startup = startup  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert ready.wait(10), "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)

    return serving
