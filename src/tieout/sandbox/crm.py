"""Kestrel's Salesforce org: its users and connected apps, and what stands in it on the morning before the story begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tieout.connectors.salesforce.emulator import ConnectedApp, OrgUser, SalesforceOrg
from tieout.connectors.salesforce.emulator.schema import CHANGE_ORDERS, CPQ
from tieout.sandbox.credentials import Credentials
from tieout.sandbox.firm import Company, KestrelFirm

SCHEMA = Path(__file__).parent / "firm" / "salesforce.yaml"
HUB = "hub@kestrel.example"
ADMINISTRATOR = "administrator@kestrel.example"
HUB_APP, PEOPLE_APP = "3MVG9KestrelTieout", "3MVG9KestrelSalesTools"
# What the vendor grants a full sandbox in 24 hours: a story of weeks passes in seconds here.
_DAILY_REQUESTS = 5_000_000
# The story's clock jumps over hours while a request is under way; a session that had just been opened would be over.
_IDLE = timedelta(days=366)
_DATA = "/services/data/v60.0"


class Crm:
    """The org, and the logins of everybody who may enter it."""

    def __init__(
        self,
        firm: KestrelFirm,
        credentials: Credentials,
        clock: Callable[[], datetime],
        *,
        state: Path | None = None,
        outbound: httpx2.AsyncClient | None = None,
        seed: int = 0,
    ) -> None:
        self.firm = firm
        self._credentials = credentials
        self.app_secret = credentials.of("salesforce", HUB_APP)
        self.people_app_secret = credentials.of("salesforce", PEOPLE_APP)
        self.org = SalesforceOrg(
            [SCHEMA, CHANGE_ORDERS, CPQ], clock, state=state, users=self._users(), apps=self._apps(), seed=seed, name=firm.name,
            daily_requests=_DAILY_REQUESTS, outbound=outbound, idle=_IDLE,
        )  # fmt: skip

    def password(self, username: str) -> str:
        return self._credentials.of("salesforce", username)

    def sellers(self) -> list[str]:
        return [each.email for each in self.firm.people if each.sells]

    def _users(self) -> list[OrgUser]:
        entities = {each.code: each for each in self.firm.entities}
        users = [
            OrgUser(ADMINISTRATOR, "Quaye", "Esther", password=self.password(ADMINISTRATOR), profile="System Administrator"),
            OrgUser(HUB, "Hub", "Tieout", password=self.password(HUB), profile="Integration User"),
        ]  # fmt: skip
        for person in self.firm.people:
            if person.sells or person.approves:
                first, _, last = person.name.partition(" ")
                home = entities[person.entity]
                users.append(
                    OrgUser(
                        person.email, last, first, password=self.password(person.email), profile="Sales User",
                        time_zone=home.time_zone, currency=home.currency, employee_number=person.number,
                    )
                )  # fmt: skip
        return users

    def _apps(self) -> list[ConnectedApp]:
        return [
            ConnectedApp(HUB_APP, self.app_secret, "Tieout", run_as=HUB),
            ConnectedApp(PEOPLE_APP, self.people_app_secret, "Sales tools"),
        ]


async def furnish(crm: Crm, http: httpx2.AsyncClient) -> None:
    """Create what is missing: customers with their contacts, products with their prices. Doing it again changes nothing."""
    answer = await http.post("/_sandbox/login-as", json={"username": ADMINISTRATOR})
    setup = _Setup(http, answer.json()["access_token"])
    await _products(setup, crm.firm)
    owners = {each["Username"]: each["Id"] for each in await setup.rows("SELECT Id, Username FROM User")}
    known = {each["Name"]: each["Id"] for each in await setup.rows("SELECT Id, Name FROM Account")}
    for company in _parents_first(crm.firm):
        if company.name not in known:
            owner = owners[crm.firm.seller(company.entity).email]
            known[company.name] = await setup.create("Account", _account(crm.firm, company, owner, known))
    present = {each["Email"] for each in await setup.rows("SELECT Email FROM Contact")}
    for company in crm.firm.customers:
        if company.contact.email not in present:
            await setup.create("Contact", _contact(company, known[company.name]))


def _parents_first(firm: KestrelFirm) -> list[Company]:
    def depth(company: Company) -> int:
        return 0 if company.parent is None else 1 + depth(firm.customer(company.parent))

    return sorted(firm.customers, key=depth)


def _account(firm: KestrelFirm, company: Company, owner: str, known: Mapping[str, str]) -> dict[str, Any]:
    home = firm.entity(company.entity)
    return {
        "Name": company.name,
        "ParentId": known[company.parent] if company.parent else None,
        "BillingStreet": company.street,
        "BillingCity": company.city,
        "BillingPostalCode": company.postal_code,
        "BillingCountry": company.country,
        "Legal_Entity__c": company.entity,
        "Tax_Id__c": company.tax_id.code,
        "Tax_Id_Type__c": company.tax_id.type,
        "Payment_Terms__c": home.payment_terms,
        "CurrencyIsoCode": home.currency,
        "Type": "Customer - Direct",
        "OwnerId": owner,
    }


def _contact(company: Company, account: str) -> dict[str, Any]:
    buyer = company.contact
    return {
        "AccountId": account,
        "FirstName": buyer.first,
        "LastName": buyer.last,
        "Email": buyer.email,
        "Title": "Accounts Payable",
    }


async def _products(setup: _Setup, firm: KestrelFirm) -> None:
    """One product per role, priced in the currency of each rate card at the card's first version."""
    found = await setup.rows("SELECT Id, ProductCode FROM Product2")
    products = {each["ProductCode"]: each["Id"] for each in found}
    (book,) = await setup.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    priced = {
        (each["Product2Id"], each["CurrencyIsoCode"])
        for each in await setup.rows("SELECT Product2Id, CurrencyIsoCode FROM PricebookEntry")
    }
    for role in firm.roles:
        if role not in products:
            facts = {
                "Name": f"{role}, hour",
                "ProductCode": role,
                "Family": "Consulting",
                "QuantityUnitOfMeasure": "Hour",
            }
            products[role] = await setup.create("Product2", {**facts, "IsActive": True})
        for card in firm.rate_cards:
            if (products[role], card.currency) not in priced:
                price = float(card.versions[0].rates[role])
                entry = {"Product2Id": products[role], "Pricebook2Id": book["Id"], "CurrencyIsoCode": card.currency}
                await setup.create("PricebookEntry", {**entry, "UnitPrice": price, "IsActive": True})


class _Setup:
    """The administrator at work."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def rows(self, soql: str) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{_DATA}/query", params={"q": soql}, headers=self._headers)
        return answer.raise_for_status().json()["records"]

    async def create(self, entity: str, facts: Mapping[str, Any]) -> str:
        answer = await self._http.post(f"{_DATA}/sobjects/{entity}", json=facts, headers=self._headers)
        return answer.raise_for_status().json()["id"]
