"""A salesperson who sells by quotes: makes one from packages, quotes again, wins by a quote, and raises change orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tieout.sandbox.firm import Colleague, KestrelFirm
from tieout.sandbox.story.deals import WON
from tieout.sandbox.story.desks import SalesDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Salesforce"


@dataclass(frozen=True, slots=True)
class Offered:
    """A package in a quote. `instance` stays the same when it is quoted again; `hours` replaces the package's budgets."""

    instance: str
    package: str
    hours: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A line of a change order. `amount` is by how much it changes the contract; a removal takes something away.

    `package` is said of a sale that is new.
    """

    action: Literal["Add", "Change", "Remove"]
    instance: str
    amount: Decimal
    task: str = ""
    role: str = ""
    hours: Decimal | None = None
    rate: Decimal | None = None
    cap: Decimal | None = None
    start: date | None = None
    end: date | None = None
    package: str = ""


class Quoting:
    """One salesperson at a desk of their own. Every act returns the record's id and raises Refused in the org's words."""

    def __init__(self, firm: KestrelFirm, seller: Colleague, desk: SalesDesk, journal: Journal) -> None:
        self._firm = firm
        self._seller = seller
        self._desk = desk
        self._journal = journal

    async def quote(self, deal: str, name: str, offers: Sequence[Offered], on: date) -> str:
        """A quote with a line per task of each package, at the rates of the day. The deal itself stays as it is."""
        quote = await self._desk.create("Quote", {"OpportunityId": deal, "Name": name, "Status": "Draft"})
        prices = await self._prices()
        rates = self._firm.card(self._seller.entity).on(on).rates
        for offer in offers:
            for task in self._firm.package(offer.package).tasks:
                hours = float(offer.hours.get(task.name, task.hours))
                rate = float(rates[task.role])
                line = {
                    "QuoteId": quote, "PricebookEntryId": prices[task.role], "Quantity": hours, "UnitPrice": rate,
                    "Description": task.name, "Package_Instance_Id__c": offer.instance, "Service_Package__c": offer.package,
                    "Task__c": task.name, "Role__c": task.role, "Hours__c": hours, "Bill_Rate__c": rate,
                }  # fmt: skip
                await self._desk.create("QuoteLineItem", line)
        self._write("quoted", name, quote)
        return quote

    async def present(self, deal: str, quote: str) -> None:
        """The quote becomes what the deal is made of: its lines replace the deal's products."""
        await self._desk.change("Quote", quote, {"Status": "Presented"})
        await self._desk.change("Opportunity", deal, {"SyncedQuoteId": quote})
        self._write("presented", quote, quote)

    async def win_by(self, deal: str, quote: str) -> None:
        await self._desk.change("Opportunity", deal, {"SyncedQuoteId": quote})
        await self._desk.change("Quote", quote, {"Status": "Accepted"})
        await self._desk.change("Opportunity", deal, {"StageName": WON})
        self._write("won by", quote, quote)

    async def raise_change_order(self, deal: str, words: str, effective: date, lines: Sequence[Amendment]) -> str:
        """Written and submitted: from now on it is locked, and somebody else decides."""
        delta = sum((each.amount for each in lines), Decimal(0))
        facts = {"Opportunity__c": deal, "Description__c": words, "Effective_Date__c": effective.isoformat()}
        order = await self._desk.create("Change_Order__c", {**facts, "Amount_Delta__c": float(delta)})
        for line in lines:
            await self._desk.create("Change_Order_Line__c", {"Change_Order__c": order, **_facts(line)})
        await self._desk.change("Change_Order__c", order, {"Status__c": "Submitted"})
        self._write("raised a change order:", words, order)
        return order

    async def decide(self, order: str, verdict: Literal["Approved", "Rejected"]) -> None:
        """Over somebody else's change order."""
        await self._desk.change("Change_Order__c", order, {"Status__c": verdict})
        self._write(f"{verdict.lower()} the change order", order, order)

    async def _prices(self) -> dict[str, str]:
        currency = self._firm.entity(self._seller.entity).currency
        rows = await self._desk.rows(
            f"SELECT Id, ProductCode FROM PricebookEntry WHERE CurrencyIsoCode = '{currency}'"  # noqa: S608 - SOQL
        )
        return {each["ProductCode"]: each["Id"] for each in rows}

    def _write(self, did: str, what: str, record: str) -> None:
        self._journal.write(f"{did}/{record}", self._seller.name, did, what, _WHERE, record)


def _facts(line: Amendment) -> dict[str, Any]:
    facts = {
        "Action__c": line.action, "Package_Instance_Id__c": line.instance, "Amount__c": float(line.amount),
        "Service_Package__c": line.package or None, "Task__c": line.task or None, "Role__c": line.role or None,
        "Start_Date__c": line.start and line.start.isoformat(), "End_Date__c": line.end and line.end.isoformat(),
        "Hours__c": None if line.hours is None else float(line.hours),
        "Rate__c": None if line.rate is None else float(line.rate),
        "Cap_Amount__c": None if line.cap is None else float(line.cap),
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}
