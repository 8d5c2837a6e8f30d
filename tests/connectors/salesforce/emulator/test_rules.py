"""What the org does by itself: stages, products, prices, quotes, orders and contracts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tieout.connectors.salesforce.emulator.rules.paper import end_of_term
from tieout.connectors.salesforce.emulator.soql.periods import days_of
from tieout.connectors.salesforce.emulator.soql.syntax import DateLiteral


async def refusal(door: Any, method: str, path: str, body: Any) -> str:
    response = await door(method, path, body)
    assert response.status_code == 400, response.text
    return response.json()[0]["errorCode"]


async def price(door: Any, name: str = "Consulting", **more: Any) -> str:
    (book,) = await door.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    product = await door.create("Product2", Name=name, ProductCode=name[:4].upper(), IsActive=True)
    facts = {"Pricebook2Id": book["Id"], "Product2Id": product, "UnitPrice": 200, "IsActive": True, **more}
    return await door.create("PricebookEntry", **facts)


async def test_a_stage_decides_probability_forecast_and_the_moment_of_its_change(door: Any) -> None:
    deal = await door.deal(Amount=1000)
    row = await door.read("Opportunity", deal)
    assert (row["Probability"], row["ForecastCategoryName"], row["ExpectedRevenue"]) == (10, "Pipeline", 100)
    assert (row["IsClosed"], row["LastStageChangeDate"]) == (False, None)
    door.clock.forward(hours=1)
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"})
    row = await door.read("Opportunity", deal)
    assert (row["IsClosed"], row["IsWon"], row["Probability"], row["ForecastCategory"]) == (True, True, 100, "Closed")
    assert row["LastStageChangeDate"] == "2026-10-01T10:00:00.000+0000"
    door.clock.forward(hours=1)
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"CloseDate": "2026-01-01"})
    assert (await door.read("Opportunity", deal))["LastStageChangeDate"] == "2026-10-01T10:00:00.000+0000"


async def test_products_decide_the_amount(door: Any) -> None:
    entry = await price(door)
    deal = await door.deal(Amount=5)
    line = {"OpportunityId": deal, "PricebookEntryId": entry}
    first = await door.create("OpportunityLineItem", **line, Quantity=3, UnitPrice=100, Discount=10)
    await door.create("OpportunityLineItem", **line, Quantity=3, TotalPrice=100)
    row = await door.read("Opportunity", deal)
    assert (row["Amount"], row["HasOpportunityLineItem"]) == (370, True)
    assert row["Pricebook2Id"] is not None
    read = await door.read("OpportunityLineItem", first)
    assert (read["TotalPrice"], read["Subtotal"], read["ListPrice"], read["ProductCode"]) == (270, 300, 200, "CONS")
    assert read["Name"] == "Data platform Consulting"
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 1})
    assert (await door.read("Opportunity", deal))["Amount"] == 370
    await door("PATCH", f"/sobjects/OpportunityLineItem/{first}", {"Quantity": 1})
    assert (await door.read("Opportunity", deal))["Amount"] == 190
    for each in await door.rows("SELECT Id FROM OpportunityLineItem"):
        await door("DELETE", f"/sobjects/OpportunityLineItem/{each['Id']}")
    row = await door.read("Opportunity", deal)
    assert (row["HasOpportunityLineItem"], row["Amount"]) == (False, 100)


async def test_a_product_line_that_does_not_fit_is_refused(door: Any) -> None:
    entry, euros = await price(door), await price(door, "Beratung", CurrencyIsoCode="EUR")
    deal = await door.deal()
    line = {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1}
    address = "/sobjects/OpportunityLineItem"
    assert await refusal(door, "POST", address, line) == "REQUIRED_FIELD_MISSING"
    both = await refusal(door, "POST", address, {**line, "UnitPrice": 1, "TotalPrice": 1})
    assert both == "FIELD_INTEGRITY_EXCEPTION"
    other = await refusal(door, "POST", address, {**line, "PricebookEntryId": euros, "UnitPrice": 1})
    assert other == "FIELD_INTEGRITY_EXCEPTION"
    await door.create("OpportunityLineItem", **line, UnitPrice=1)
    changed = await refusal(door, "PATCH", f"/sobjects/Opportunity/{deal}", {"CurrencyIsoCode": "EUR"})
    assert changed == "FIELD_INTEGRITY_EXCEPTION"
    book = await door.create("Pricebook2", Name="Partners", IsActive=True)
    product = (await door.read("PricebookEntry", entry))["Product2Id"]
    partners = await door.create("PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=150, IsActive=True)
    elsewhere = await refusal(door, "POST", address, {**line, "PricebookEntryId": partners, "UnitPrice": 1})
    assert elsewhere == "FIELD_INTEGRITY_EXCEPTION"


async def test_a_product_has_one_price_per_book_and_a_standard_price_first(door: Any) -> None:
    entry = await door.read("PricebookEntry", await price(door))
    again = {"Pricebook2Id": entry["Pricebook2Id"], "Product2Id": entry["Product2Id"], "UnitPrice": 1}
    assert await refusal(door, "POST", "/sobjects/PricebookEntry", again) == "DUPLICATE_VALUE"
    book = await door.create("Pricebook2", Name="Partners", IsActive=True)
    new = await door.create("Product2", Name="Training")
    first = {"Pricebook2Id": book, "Product2Id": new, "UnitPrice": 1}
    assert await refusal(door, "POST", "/sobjects/PricebookEntry", first) == "STANDARD_PRICE_NOT_DEFINED"


async def test_a_quote_adds_up_and_belongs_to_its_deals_account(door: Any) -> None:
    entry, account = await price(door), await door.create("Account", Name="A")
    deal = await door.deal(AccountId=account)
    quote = await door.create("Quote", Name="Q", OpportunityId=deal, Tax=8, ShippingHandling=2)
    await door.create("QuoteLineItem", QuoteId=quote, PricebookEntryId=entry, Quantity=2, Discount=50)
    row = await door.read("Quote", quote)
    assert (row["Subtotal"], row["TotalPrice"], row["GrandTotal"], row["LineItemCount"]) == (400, 200, 210, 1)
    assert (row["AccountId"], row["CurrencyIsoCode"], row["QuoteNumber"]) == (account, "USD", "00000001")
    await door("PATCH", f"/sobjects/Quote/{quote}", {"Tax": 0})
    assert (await door.read("Quote", quote))["GrandTotal"] == 202


async def test_an_order_is_activated_only_with_products(door: Any) -> None:
    entry, account = await price(door), await door.create("Account", Name="A")
    facts = {"AccountId": account, "EffectiveDate": "2026-10-01"}
    assert await refusal(door, "POST", "/sobjects/Order", {**facts, "Status": "Activated"}) == "FAILED_ACTIVATION"
    order = await door.create("Order", **facts, Status="Draft")
    address = f"/sobjects/Order/{order}"
    assert await refusal(door, "PATCH", address, {"Status": "Activated"}) == "FAILED_ACTIVATION"
    await door.create("OrderItem", OrderId=order, PricebookEntryId=entry, Quantity=2, UnitPrice=50)
    assert (await door("PATCH", address, {"Status": "Activated"})).status_code == 204
    row = await door.read("Order", order)
    assert (row["TotalAmount"], row["StatusCode"]) == (100, "Activated")
    assert row["OrderNumber"] == "00000002"  # a refused order used up the first number, as in the vendor's orgs


async def test_a_contract_is_activated_later_and_knows_when_it_ends(door: Any) -> None:
    account = await door.create("Account", Name="A")
    contract = await door.create("Contract", AccountId=account, StartDate="2026-03-01", ContractTerm=12)
    row = await door.read("Contract", contract)
    assert (row["EndDate"], row["Status"], row["ActivatedDate"]) == ("2027-02-28", "Draft", None)
    await door("PATCH", f"/sobjects/Contract/{contract}", {"Status": "Activated"})
    row = await door.read("Contract", contract)
    assert (row["StatusCode"], row["ActivatedDate"]) == ("Activated", "2026-10-01T09:00:00.000+0000")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2026-01-01", 12, "2026-12-31"), ("2026-03-01", 12, "2027-02-28"), ("2026-01-31", 1, "2026-02-27"), ("2026-12-15", 1, "2027-01-14")],
)  # fmt: skip
def test_a_term_of_whole_months_ends_the_day_before(start: str, months: int, end: str) -> None:
    assert end_of_term(date.fromisoformat(start), months) == date.fromisoformat(end)


async def test_one_contact_of_a_deal_is_the_primary_one(door: Any) -> None:
    deal = await door.deal()
    roles = [
        await door.create(
            "OpportunityContactRole",
            OpportunityId=deal,
            ContactId=await door.create("Contact", LastName=name),
            IsPrimary=True,
        )
        for name in "AB"
    ]
    rows = await door.rows("SELECT Id, IsPrimary FROM OpportunityContactRole")
    assert {each["Id"]: each["IsPrimary"] for each in rows} == {roles[0]: False, roles[1]: True}


@pytest.mark.parametrize(
    ("name", "count", "first", "after"),
    [
        ("YESTERDAY", 0, "2026-09-30", "2026-10-01"),
        ("TOMORROW", 0, "2026-10-02", "2026-10-03"),
        ("THIS_WEEK", 0, "2026-09-27", "2026-10-04"),
        ("LAST_MONTH", 0, "2026-09-01", "2026-10-01"),
        ("NEXT_QUARTER", 0, "2027-01-01", "2027-04-01"),
        ("THIS_FISCAL_YEAR", 0, "2026-01-01", "2027-01-01"),
        ("LAST_90_DAYS", 0, "2026-07-03", "2026-10-02"),
        ("NEXT_N_DAYS", 3, "2026-10-02", "2026-10-05"),
        ("LAST_N_WEEKS", 2, "2026-09-13", "2026-09-27"),
        ("NEXT_N_MONTHS", 2, "2026-11-01", "2027-01-01"),
        ("LAST_N_YEARS", 1, "2025-01-01", "2026-01-01"),
        ("N_DAYS_AGO", 2, "2026-09-29", "2026-09-30"),
        ("N_MONTHS_AGO", 1, "2026-09-01", "2026-10-01"),
    ],
)
def test_a_date_literal_is_a_stretch_of_days(name: str, count: int, first: str, after: str) -> None:
    found = days_of(DateLiteral(name, count), date(2026, 10, 1))
    assert found == (date.fromisoformat(first), date.fromisoformat(after))


def test_a_word_that_is_no_date_literal_is_none() -> None:
    assert days_of(DateLiteral("SOMEDAY", 0), date(2026, 10, 1)) is None


async def test_records_are_read_conditionally_and_by_their_external_id(door: Any) -> None:
    account = await door.create("Account", Name="A", ERP_Customer_Id__c="C-1")
    address = f"/sobjects/Account/{account}"
    modified = (await door("GET", address)).headers["Last-Modified"]
    assert (await door("GET", address, headers={"If-Modified-Since": modified})).status_code == 304
    before = {"If-Unmodified-Since": "Thu, 01 Oct 2026 08:59:59 GMT"}
    stale = await door("PATCH", address, {"Phone": "1"}, headers=before)
    assert (stale.status_code, stale.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")
    assert (await door("PATCH", address, {"Phone": "1"}, headers={"If-Unmodified-Since": modified})).status_code == 204
    by_key = "/sobjects/Account/ERP_Customer_Id__c/c-1"
    assert (await door("GET", by_key)).json()["Id"] == account
    assert (await door("DELETE", by_key)).status_code == 204
    assert (await door("GET", by_key)).status_code == 404


async def test_a_query_is_explained(door: Any) -> None:
    plan = (await door("GET", "/query", params={"explain": "SELECT Id FROM Account"})).json()
    assert plan["plans"][0]["sobjectType"] == "Account"
