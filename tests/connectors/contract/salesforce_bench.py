"""An org of a consulting firm for the contract suite, seen by a seller who is not the hub."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from tieout.connectors.contract import Write
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC
from tieout.connectors.salesforce.emulator import FAULT_BODIES, ConnectedApp, OrgUser, SalesforceOrg
from tieout.connectors.salesforce.emulator.schema import CHANGE_ORDERS, STANDARD, load
from tieout.testing.contract import ConnectorBench, FaultyNetwork, Feed, Sample

_FIRM = Path(__file__).parents[3] / "src" / "tieout" / "sandbox" / "firm" / "salesforce.yaml"
_URL = "http://kestrel.my.salesforce.test"
_HUB, _SELLER = "hub@kestrel.example", "margaret.osei@kestrel.example"
_APP, _SECRET = "3MVG9tieout", "canary-secret-of-the-app"
_DATA = "/services/data/v60.0"
_PREFIXES = {"001": "Account", "006": "Opportunity"}
_NOBODY = "006xx0000000001AAA"
_COUNTED = {"account": "Account", "opportunity": "Opportunity", "contact": "Contact", "invoice": "Invoice__c"}
# Different for every bench: the books in which the engine writes its effects are shared.
_numbers = itertools.count(1)
_schema = cache(lambda: load([STANDARD, _FIRM, CHANGE_ORDERS]))
_ORDER = "Change_Order__c"


class Org:
    """The org and the seller who works in it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
        users = [OrgUser(_HUB, "Hub", "Tieout"), OrgUser(_SELLER, "Osei", "Margaret")]
        apps = [ConnectedApp(_APP, _SECRET, "Tieout", run_as=_HUB)]
        self._org = SalesforceOrg(_schema(), lambda: self.at, seed=2026, public_url=_URL, users=users, apps=apps)
        self.transport = httpx2.ASGITransport(self._org.asgi())
        self._seller = httpx2.AsyncClient(transport=self.transport, base_url=_URL)

    def forward(self, step: timedelta) -> None:
        self.at += step

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """As the seller, who logs in each time, for hours may have passed."""
        login = await self._seller.post("/_sandbox/login-as", json={"username": _SELLER})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        address = path if path.startswith("/_sandbox") else _DATA + path
        response = await self._seller.request(method, address, json=body, headers=headers, params=params)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    async def create(self, entity: str, **fields: Any) -> str:
        return (await self.ask("POST", f"/sobjects/{entity}", fields))["id"]

    async def change(self, entity: str, record: str, **fields: Any) -> None:
        await self.ask("PATCH", f"/sobjects/{entity}/{record}", fields)

    async def rows(self, soql: str) -> list[dict[str, Any]]:
        return (await self.ask("GET", "/query", q=soql))["records"]

    async def census(self) -> dict[str, int]:
        records = self._org.records
        return {kind: sum(1 for _ in records.all(records.schema[each])) for kind, each in _COUNTED.items()}

    async def account(self) -> str:
        return await self.create("Account", Name=f"Globex {next(_numbers)}")

    async def deal(self) -> str:
        name = f"Data platform {next(_numbers)}"
        account = await self.account()
        return await self.create(
            "Opportunity", Name=name, StageName="Prospecting", CloseDate="2026-10-30", Amount=1000, AccountId=account
        )

    async def order(self) -> str:
        """A change order that is still being written."""
        facts = {"Effective_Date__c": "2026-10-15", "Amount_Delta__c": 100 + next(_numbers), "Description__c": "More"}
        return await self.create(_ORDER, Opportunity__c=await self.deal(), **facts)

    async def merge(self) -> str:
        """Two customers turn out to be one; the id of the one that is lost."""
        master, lost = await self.account(), await self.account()
        await self.ask("POST", "/_sandbox/merge", {"master": master, "losers": [lost]})
        return lost

    async def late(self, make: Callable[[], Awaitable[str]], by: timedelta) -> str:
        """The org's stamps never run backwards, so that of the record and of its account is set back by hand."""
        made = await make()
        records = self._org.records
        row = records.get(records.schema[_PREFIXES.get(made[:3], _ORDER)], made)
        assert row is not None
        with records.transaction():
            for record in filter(None, (made, row.get("AccountId"))):
                entity = records.schema[_PREFIXES.get(record[:3], _ORDER)]
                records.put(entity, {**(records.get(entity, record) or {}), "SystemModstamp": records.stamp() - by})
        return made

    # -- samples

    async def opportunity(self) -> Sample:
        record, subject = await self.deal(), f"ENG-{next(_numbers):08}"
        body = {"status": "Project set up", "engagement": subject, "billed": "1234.56", "paid": "0.00"}
        shown = {"Integration_Status__c": "Project set up", "Engagement_Key__c": subject, "Billed_To_Date__c": 1234.56}

        async def seen() -> Sequence[Any]:
            deal = await self.ask("GET", f"/sobjects/Opportunity/{record}")
            return [shown] if shown == {name: deal[name] for name in shown} else []

        def write(record: str, **more: Any) -> Write:
            return Write("opportunity.update", subject, "1", {**body, **more}, {"record": record})

        refused = write(record, engagement="E" * 100)
        return Sample(write(record), seen, refused, "STRING_TOO_LONG", absent=write(_NOBODY))

    async def customer(self) -> Sample:
        record, number = await self.account(), f"CUS-{next(_numbers):08}"

        async def seen() -> Sequence[Any]:
            return await self.rows(f"SELECT Id FROM Account WHERE ERP_Customer_Id__c = '{number}'")

        def write(record: str, value: str) -> Write:
            return Write("account.update", number, "1", {"erp_customer": value}, {"record": record})

        refused = write(record, "9" * 100)
        return Sample(write(record, number), seen, refused, "STRING_TOO_LONG", absent=write(_NOBODY, number))

    async def invoice(self) -> Sample:
        account, key = await self.account(), f"ENG-{next(_numbers):08}-2026-10"
        body = {
            "number": "2026-0001", "legal_entity": "US", "currency": "USD", "state": "posted", "invoice_date": "2026-11-02",
            "net": "1000.00", "tax": "80.00", "total": "1080.00", "open_amount": "1080.00",
        }  # fmt: skip

        async def seen() -> Sequence[Any]:
            return await self.rows(f"SELECT Id, Total__c, Status__c FROM Invoice__c WHERE Invoice_Key__c = '{key}'")

        def write(**more: Any) -> Write:
            return Write("invoice.upsert", key, "1", {**body, **more}, {"account": account})

        return Sample(write(), seen, write(state="s" * 100), "STRING_TOO_LONG")


def bench() -> ConnectorBench:
    org = Org()

    async def renamed(deal: str) -> None:
        await org.change("Opportunity", deal, Name=f"Renamed {next(_numbers)}")

    async def removed(deal: str) -> None:
        await org.ask("DELETE", f"/sobjects/Opportunity/{deal}")

    async def rewritten(order: str) -> None:
        await org.change(_ORDER, order, Description__c=f"More {next(_numbers)}")

    async def withdrawn(order: str) -> None:
        await org.ask("DELETE", f"/sobjects/{_ORDER}/{order}")

    settings = {"client_secret": SecretStr(_SECRET), "page_size": 3, "change_orders": _ORDER}
    return ConnectorBench(
        SPEC,
        SalesforceConfig(url=_URL, client_id=_APP, **settings),  # pyright: ignore[reportArgumentType]
        FaultyNetwork(org.transport, _changes, FAULT_BODIES),
        wrong=lambda: {"client_secret": SecretStr("canary-secret-of-a-stranger")},
        samples={
            "opportunity.update": org.opportunity,
            "account.update": org.customer,
            "invoice.upsert": org.invoice,
        },
        feeds={
            "opportunity": Feed(org.deal, renamed, removed, late=lambda by: org.late(org.deal, by)),
            "change_order": Feed(org.order, rewritten, withdrawn, late=lambda by: org.late(org.order, by)),
            "account_merge": Feed(org.merge, late=lambda by: org.late(org.merge, by), merges=True),
        },
        census=org.census,
        forward=org.forward,
    )


def _changes(request: httpx2.Request) -> bool:
    """Queries travel as POST, too."""
    return request.method in ("PATCH", "DELETE") or (request.method == "POST" and "/sobjects" in request.url.path)
