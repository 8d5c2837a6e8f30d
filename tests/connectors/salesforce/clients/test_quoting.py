"""Quotes, the CPQ package and change orders as simple-salesforce works with them: what a deal is made of before and after it is won."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest
from tests.connectors.salesforce.clients.test_simple_salesforce import ToTheSandbox
from tests.connectors.salesforce.conftest import FIRM

from tieout.connectors.salesforce.emulator import OrgUser
from tieout.connectors.salesforce.emulator.schema import CHANGE_ORDERS, CPQ, STANDARD, load

pytestmark = pytest.mark.loopback

SELLER, PARTNER = "margaret.osei@kestrel.example", "paul.adeyemi@kestrel.example"
PASSWORD = "correct horse"
NOW = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


@dataclass
class Firm:
    seller: Any
    partner: Any
    prices: dict[str, str]

    def deal(self) -> str:
        return self.seller.Opportunity.create({"Name": "Data", "StageName": "Prospecting", "CloseDate": "2026-10-30"})[
            "id"
        ]

    def quote(self, deal: str, *lines: tuple[str, float, str]) -> str:
        """Lines are (role, hours, package instance)."""
        quote = self.seller.Quote.create({"Name": "Offer", "OpportunityId": deal})["id"]
        for role, hours, instance in lines:
            facts = {"QuoteId": quote, "PricebookEntryId": self.prices[role], "Quantity": hours, "Task__c": role}
            self.seller.QuoteLineItem.create({**facts, "UnitPrice": 200, "Package_Instance_Id__c": instance})
        return quote

    def sync(self, deal: str, quote: str | None) -> None:
        self.seller.Opportunity.update(deal, {"SyncedQuoteId": quote})

    def rows(self, soql: str) -> list[dict[str, Any]]:
        return self.seller.query_all(soql)["records"]

    def products(self, deal: str) -> list[dict[str, Any]]:
        fields = "Id, Quantity, TotalPrice, Task__c, Package_Instance_Id__c, Internal_Note__c"
        return self.rows(f"SELECT {fields} FROM OpportunityLineItem WHERE OpportunityId = '{deal}' ORDER BY Id")


@pytest.fixture(scope="module")
def firm(
    new_org: Callable[..., Any], serve: Callable[[Any], Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Firm]:
    more = tmp_path_factory.mktemp("schema") / "more.yaml"
    note = "{ fields: { Internal_Note__c: { type: string, length: 40 } } }"
    more.write_text(f"objects:\n  OpportunityLineItem: {note}\n  QuoteLineItem: {note}\n", encoding="utf-8")
    schema = load([STANDARD, FIRM, CHANGE_ORDERS, CPQ, more])
    users = [OrgUser(each, each[:5], password=PASSWORD, security_token="t") for each in (SELLER, PARTNER)]
    org = type(new_org(lambda: NOW))(schema, lambda: NOW, users=users, public_url="http://kestrel.my.salesforce.test")
    with serve(org.asgi()) as url, requests.Session() as session:
        org.public_url = url
        session.mount("https://", ToTheSandbox(url))
        seller: Any
        partner: Any
        seller, partner = (
            Salesforce(username=each, password=PASSWORD, security_token="t", session=session)
            for each in (SELLER, PARTNER)
        )
        (book,) = seller.query("SELECT Id FROM Pricebook2")["records"]
        prices: dict[str, str] = {}
        for role in ("Architect", "Engineer"):
            product = seller.Product2.create({"Name": role, "IsActive": True})["id"]
            entry = {"Pricebook2Id": book["Id"], "Product2Id": product, "UnitPrice": 250, "IsActive": True}
            prices[role] = seller.PricebookEntry.create(entry)["id"]
        yield Firm(seller, partner, prices)
    org.close()


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        call()
    content: Any = caught.value.content
    return content[0]["errorCode"]


def test_syncing_a_quote_replaces_the_products_and_a_requote_gives_them_new_ids(firm: Firm) -> None:
    deal = firm.deal()
    by_hand = {"OpportunityId": deal, "PricebookEntryId": firm.prices["Engineer"], "Quantity": 1, "UnitPrice": 5}
    firm.seller.OpportunityLineItem.create(by_hand)
    first = firm.quote(deal, ("Architect", 10, "P1"), ("Engineer", 20, "P2"))
    firm.sync(deal, first)
    before = firm.products(deal)
    assert [(each["Task__c"], each["TotalPrice"]) for each in before] == [("Architect", 2000), ("Engineer", 4000)]
    assert firm.seller.Opportunity.get(deal)["Amount"] == 6000
    second = firm.quote(deal, ("Architect", 15, "P1"), ("Engineer", 20, "P2"))
    firm.sync(deal, second)
    after = firm.products(deal)
    assert [each["Quantity"] for each in after] == [15, 20]
    assert not {each["Id"] for each in before} & {each["Id"] for each in after}
    assert [each["Package_Instance_Id__c"] for each in after] == ["P1", "P2"]
    assert {each: firm.seller.Quote.get(each)["IsSyncing"] for each in (first, second)} == {first: False, second: True}


def test_while_it_is_synced_each_line_follows_the_other_and_keeps_its_id(firm: Firm) -> None:
    deal = firm.deal()
    quote = firm.quote(deal, ("Architect", 10, "P1"))
    firm.sync(deal, quote)
    (product,) = firm.products(deal)
    (line,) = firm.rows(f"SELECT Id FROM QuoteLineItem WHERE QuoteId = '{quote}'")
    firm.seller.QuoteLineItem.update(line["Id"], {"Quantity": 11, "Internal_Note__c": "cheap"})
    (followed,) = firm.products(deal)
    # The firm's trigger carries its own fields; nobody told it of this one.
    assert (followed["Id"], followed["Quantity"], followed["Internal_Note__c"]) == (product["Id"], 11, None)
    firm.seller.OpportunityLineItem.update(product["Id"], {"Quantity": 12})
    assert firm.seller.Quote.get(quote)["GrandTotal"] == 2400
    more = {"OpportunityId": deal, "PricebookEntryId": firm.prices["Engineer"], "Quantity": 1, "UnitPrice": 100}
    firm.seller.OpportunityLineItem.create(more)
    assert firm.seller.Quote.get(quote)["LineItemCount"] == 2
    firm.seller.QuoteLineItem.delete(line["Id"])
    assert [each["TotalPrice"] for each in firm.products(deal)] == [100]
    firm.sync(deal, None)
    firm.seller.Quote.update(quote, {"Name": "Old offer"})
    assert (firm.seller.Quote.get(quote)["IsSyncing"], len(firm.products(deal))) == (False, 1)


def test_what_cannot_be_synced(firm: Firm) -> None:
    foreign = firm.quote(firm.deal(), ("Architect", 1, "P1"))
    deal = firm.deal()
    assert refused(lambda: firm.sync(deal, foreign)) == "FIELD_INTEGRITY_EXCEPTION"
    own = firm.quote(deal, ("Architect", 1, "P1"))
    assert refused(lambda: firm.seller.Quote.update(own, {"IsSyncing": True})) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    firm.sync(deal, own)
    firm.seller.Quote.delete(own)
    assert firm.seller.Opportunity.get(deal)["SyncedQuoteId"] is None
    assert len(firm.products(deal)) == 1


def test_a_cpq_quote_prices_its_bundle_and_a_deal_has_one_primary_quote(firm: Firm) -> None:
    deal = firm.deal()
    quotes = [
        firm.seller.SBQQ__Quote__c.create({"SBQQ__Opportunity2__c": deal, "SBQQ__Primary__c": True})["id"] for _ in "ab"
    ]
    bundle = {"SBQQ__Quote__c": quotes[1], "SBQQ__Bundle__c": True, "SBQQ__ListPrice__c": 0}
    parent = firm.seller.SBQQ__QuoteLine__c.create(bundle)["id"]
    part = {
        "SBQQ__Quote__c": quotes[1],
        "SBQQ__RequiredBy__c": parent,
        "SBQQ__Quantity__c": 40,
        "SBQQ__ListPrice__c": 200,
    }
    firm.seller.SBQQ__QuoteLine__c.create({**part, "SBQQ__AdditionalDiscount__c": 10})
    (row,) = firm.rows(
        "SELECT SBQQ__NetAmount__c, (SELECT SBQQ__NetPrice__c, SBQQ__RequiredBy__r.SBQQ__Bundle__c FROM SBQQ__LineItems__r"
        f" WHERE SBQQ__RequiredBy__c != null) FROM SBQQ__Quote__c WHERE SBQQ__Opportunity2__c = '{deal}' AND SBQQ__Primary__c = true"
    )
    assert row["SBQQ__NetAmount__c"] == 7200
    (line,) = row["SBQQ__LineItems__r"]["records"]
    assert (line["SBQQ__NetPrice__c"], line["SBQQ__RequiredBy__r"]["SBQQ__Bundle__c"]) == (180, True)
    assert firm.seller.Opportunity.get(deal)["SBQQ__PrimaryQuote__c"] == quotes[1]


def test_a_change_order_is_decided_by_somebody_else_and_stays_as_it_was_decided(firm: Firm) -> None:
    facts = {"Opportunity__c": firm.deal(), "Effective_Date__c": "2026-11-02", "Amount_Delta__c": 2000}
    order = firm.seller.Change_Order__c.create(facts)["id"]
    line = {
        "Change_Order__c": order,
        "Action__c": "Add",
        "Package_Instance_Id__c": "P3",
        "Hours__c": 10,
        "Amount__c": 2000,
    }
    line_id = firm.seller.Change_Order_Line__c.create(line)["id"]
    orders, theirs = firm.seller.Change_Order__c, firm.partner.Change_Order__c
    assert refused(lambda: theirs.update(order, {"Status__c": "Approved"})) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    orders.update(order, {"Status__c": "Submitted"})
    assert refused(lambda: orders.update(order, {"Status__c": "Approved"})) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert refused(lambda: firm.seller.Change_Order_Line__c.update(line_id, {"Hours__c": 99})) == "ENTITY_IS_LOCKED"
    theirs.update(order, {"Status__c": "Rejected"})
    orders.update(order, {"Status__c": "Draft"})
    firm.seller.Change_Order_Line__c.update(line_id, {"Hours__c": 8})
    orders.update(order, {"Status__c": "Submitted"})
    theirs.update(order, {"Status__c": "Approved"})
    row = orders.get(order)
    partner = firm.rows(f"SELECT Id FROM User WHERE Username = '{PARTNER}'")[0]["Id"]
    assert (row["Status__c"], row["Decided_By__c"], row["Name"]) == ("Approved", partner, "CO-00001")
    for refusal in (
        lambda: orders.update(order, {"Amount_Delta__c": 1}),
        lambda: firm.seller.Change_Order_Line__c.create(line),
        lambda: firm.seller.Change_Order_Line__c.delete(line_id),
        lambda: orders.delete(order),
    ):
        assert refused(refusal) == "ENTITY_IS_LOCKED"
