"""The salespeople: they enter deals with their lines, move them through the stages, win, lose and correct them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.sandbox.firm import Colleague, KestrelFirm
from tieout.sandbox.story.deals import ACCOUNT_STEPS, DEALS, STEPS, AccountStep, Deal, Step, deal
from tieout.sandbox.story.desks import SalesDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Salesforce"


class Sales:
    """Everybody who sells, each at a desk of their own."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, SalesDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def act(self, today: date, entity: str) -> None:
        """Everything that the script has for the sellers of an entity up to a day, and has not happened yet."""
        for account_step in ACCOUNT_STEPS:
            if account_step.on <= today and self._firm.customer(account_step.original).entity == entity:
                await self._once(account_step)
        for each in DEALS:
            if each.entered <= today and each.entity == entity:
                await self._enter(each)
        for step in STEPS:
            if step.on <= today and deal(step.deal).entity == entity:
                await self._take(step)

    # -- deals

    async def _enter(self, new: Deal) -> None:
        key = f"deal/{new.key}/entered"
        if self._journal.done(key):
            return
        seller, desk = self._seat(new.entity)
        found = await desk.rows(f"SELECT Id FROM Opportunity WHERE Name = {_quoted(new.name)}")  # noqa: S608 - SOQL
        record = found[0]["Id"] if found else await desk.create("Opportunity", await self._facts(new, desk))
        await self._lines(new, record, desk)
        self._journal.write(key, seller.name, "entered the deal", new.name, _WHERE, record)

    async def _facts(self, new: Deal, desk: SalesDesk) -> dict[str, Any]:
        home = self._firm.entity(new.entity)
        account = await _account(desk, new.account)
        me = await desk.rows(f"SELECT Id FROM User WHERE Username = {_quoted(desk.username)}")  # noqa: S608 - SOQL
        return {
            "Name": new.name,
            "AccountId": account,
            "OwnerId": me[0]["Id"],
            "StageName": new.stage,
            "CloseDate": new.closes.isoformat(),
            "CurrencyIsoCode": home.currency,
            "Legal_Entity__c": new.entity,
            "Practice__c": self._firm.package(new.package).practice,
            "Service_Package__c": new.package,
            "Engagement_Type__c": "Time and Material",
            "Expected_Start_Date__c": new.start.isoformat(),
            "Expected_End_Date__c": new.end.isoformat(),
            "Payment_Terms__c": home.payment_terms,
            "Project_Manager_Email__c": self._firm.lead(new.entity).email,
            **new.facts,
        }

    async def _lines(self, new: Deal, record: str, desk: SalesDesk) -> None:
        """A line per task of the package, at the rate of the card on the first day of work."""
        present = {each["Task__c"] for each in await _lines_of(desk, record)}
        currency = self._firm.entity(new.entity).currency
        prices = await desk.rows(
            f"SELECT Id, ProductCode FROM PricebookEntry WHERE CurrencyIsoCode = {_quoted(currency)}"  # noqa: S608 - SOQL
        )
        entries = {each["ProductCode"]: each["Id"] for each in prices}
        rates = self._firm.card(new.entity).on(new.start).rates
        for task in self._firm.package(new.package).tasks:
            if task.name in present:
                continue
            hours = new.hours.get(task.name, task.hours)
            line = {
                "OpportunityId": record,
                "PricebookEntryId": entries[task.role],
                "Description": task.name,
                "Service_Package__c": new.package,
                "Task__c": task.name,
                "Role__c": task.role,
                "Bill_Rate__c": float(rates[task.role]),
                "UnitPrice": float(rates[task.role]),
            }
            await desk.create("OpportunityLineItem", {**line, **_quantity(hours)})

    async def _take(self, step: Step) -> None:
        key = f"deal/{step.deal}/{step.on}/{step.did}"
        entered = self._journal.done(f"deal/{step.deal}/entered")
        if self._journal.done(key) or entered is None:
            return
        script = deal(step.deal)
        seller, desk = self._seat(script.entity)
        if step.facts:
            await desk.change("Opportunity", entered.id, step.facts)
        for line in await _lines_of(desk, entered.id) if step.hours else ():
            if line["Task__c"] in step.hours:
                await desk.change("OpportunityLineItem", line["Id"], _quantity(step.hours[line["Task__c"]]))
        self._journal.write(key, seller.name, step.did, script.name, _WHERE, entered.id)

    # -- accounts

    async def _once(self, step: AccountStep) -> None:
        key = f"account/{step.duplicate}/{step.act}"
        if self._journal.done(key):
            return
        seller, desk = self._seat(self._firm.customer(step.original).entity)
        if step.act == "enter twice":
            record = await self._enter_twice(step, desk)
            self._journal.write(key, seller.name, "entered the account", step.duplicate, _WHERE, record)
        else:
            original = await _account(desk, step.original)
            if loser := await _account(desk, step.duplicate):
                await desk.merge_accounts(original or "", loser)
            self._journal.write(
                key, seller.name, "merged accounts:", f"{step.duplicate} into {step.original}", _WHERE, original or ""
            )

    async def _enter_twice(self, step: AccountStep, desk: SalesDesk) -> str:
        if present := await _account(desk, step.duplicate):
            return present
        company = self._firm.customer(step.original)
        home = self._firm.entity(company.entity)
        account = {
            "Name": step.duplicate,
            "BillingStreet": company.street,
            "BillingCity": company.city,
            "BillingPostalCode": company.postal_code,
            "BillingCountry": company.country,
            "Legal_Entity__c": company.entity,
            "Tax_Id__c": company.tax_id.code,
            "Tax_Id_Type__c": company.tax_id.type,
            "Payment_Terms__c": home.payment_terms,
            "CurrencyIsoCode": home.currency,
        }
        return await desk.create("Account", account)

    def _seat(self, entity: str) -> tuple[Colleague, SalesDesk]:
        seller = self._firm.seller(entity)
        return seller, self._desks[seller.email]


async def _account(desk: SalesDesk, name: str) -> str | None:
    found = await desk.rows(f"SELECT Id FROM Account WHERE Name = {_quoted(name)}")  # noqa: S608 - SOQL
    return found[0]["Id"] if found else None


async def _lines_of(desk: SalesDesk, record: str) -> Sequence[dict[str, Any]]:
    return await desk.rows(
        f"SELECT Id, Task__c FROM OpportunityLineItem WHERE OpportunityId = {_quoted(record)} ORDER BY Id"  # noqa: S608 - SOQL
    )


def _quantity(hours: Decimal) -> dict[str, float]:
    return {"Quantity": float(hours), "Hours__c": float(hours)}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
