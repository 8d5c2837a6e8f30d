"""Writing into the org: what is sent, what a receipt proves, and what every other answer means."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import AlreadyThere, Guarantee, OutcomeUnknown, Write
from tieout.connectors.salesforce.connector import OPERATIONS, SPEC
from tieout.connectors.salesforce.reporting import number, same
from tieout.domain.problems import Misconfigured, Rejected, Transient
from tieout.sandbox.faults import Match, Rule

pytestmark = pytest.mark.anyio

INVOICE = {
    "key": "INV-7",
    "number": "2026/0042",
    "legal_entity": "US",
    "currency": "USD",
    "state": "posted",
    "invoice_date": "2026-11-02",
    "due_date": "2026-12-02",
    "net": "24500.50",
    "tax": Decimal("1960.04"),
    "total": "26460.54",
    "paid": "0",
    "open_amount": "26460.54",
}


async def make(hub: Any, write: Write) -> Any:
    return await hub.send(write.operation, await hub.prepare(write))


def update(deal: str, version: str = "1", **facts: Any) -> Write:
    return Write("opportunity.update", "ENG-1", version, facts, {"record": deal})


async def test_the_state_of_a_deal_is_written_on_the_deal(door: Any, hub: Any) -> None:
    deal = await door.deal()
    facts = {
        "status": "Invoiced", "message": "", "engagement": "ENG-7K3M9QXA", "erp_project": "P-1", "psa_project": "77",
        "billed": "24500.50", "paid": Decimal("0.10"), "unbilled": "0", "invoice_status": "1 posted",
    }  # fmt: skip
    receipt = await make(hub, update(deal, **facts))
    assert receipt.id == deal
    row = await door.read("Opportunity", deal)
    assert (row["Integration_Status__c"], row["Engagement_Key__c"]) == ("Invoiced", "ENG-7K3M9QXA")
    assert (row["Billed_To_Date__c"], row["Paid_To_Date__c"], row["Unbilled_WIP__c"]) == (24500.5, 0.1, 0.0)
    assert row["Integration_Message__c"] is None
    assert await hub.find(update(deal, **facts)) == receipt
    assert await hub.find(update(deal, **{**facts, "paid": "0.11"})) is None


async def test_the_number_of_a_customer_is_written_on_the_account(door: Any, hub: Any) -> None:
    account = await door.create("Account", Name="Globex")
    write = Write("account.update", "CUS-1", "1", {"erp_customer": "C-100"}, {"record": account})
    assert await hub.find(write) is None
    assert (await make(hub, write)).id == account
    assert (await door.read("Account", account))["ERP_Customer_Id__c"] == "C-100"
    assert (await hub.find(write)).id == account


async def test_an_invoice_is_created_once_and_updated_afterwards(door: Any, hub: Any) -> None:
    account, deal, _ = await door.sold()
    ids = {"account": account, "opportunity": deal}
    write = Write("invoice.upsert", "INV/7 é", "1", INVOICE, ids)
    assert await hub.find(write) is None
    first = await make(hub, write)
    assert first.answer == {"created": True}
    again = await make(hub, Write("invoice.upsert", "INV/7 é", "2", {"state": "paid", "paid": "26460.54"}, ids))
    assert (again.id, again.answer) == (first.id, {"created": False})
    assert await hub.find(write) is not None
    row = await door.read("Invoice__c", first.id)
    assert row["Invoice_Key__c"] == "INV/7 é"
    assert (row["Status__c"], row["Invoice_Number__c"], row["Due_Date__c"]) == ("paid", "2026/0042", "2026-12-02")
    assert (row["Net__c"], row["Tax__c"], row["Total__c"], row["Paid__c"]) == (24500.5, 1960.04, 26460.54, 26460.54)
    assert (row["Account__c"], row["Opportunity__c"]) == (account, deal)


async def test_an_org_with_one_currency_is_sent_none(door: Any, open_hub: Any) -> None:
    hub = open_hub(currency="USD")
    request = json.loads(await hub.prepare(Write("invoice.upsert", "INV-7", "1", INVOICE, {})))
    assert "CurrencyIsoCode" not in request["body"]
    await hub.close()


async def test_a_text_that_does_not_fit_is_refused_by_the_org_and_never_cut_in_silence(door: Any, hub: Any) -> None:
    deal = await door.deal()
    with pytest.raises(Rejected) as refused:
        await make(hub, update(deal, message="x" * 2001))
    assert "STRING_TOO_LONG" in refused.value.problems[0].quote


@pytest.mark.parametrize("text", ["0", "0.10", "1234.56", "-99999999999.99", "1000000000000000000", "10", "0.07"])
def test_an_amount_leaves_as_a_number_that_reads_back_as_the_same_amount(text: str) -> None:
    sent = json.dumps({"Amount": number(text)})
    assert json.loads(sent, parse_float=Decimal, parse_int=Decimal)["Amount"] == Decimal(text)
    assert '"' not in sent.partition(":")[2]


@pytest.mark.parametrize("text", ["12345678901234567.89", "0.1000000000000000055511151231257827"])
def test_an_amount_that_a_number_cannot_carry_is_not_sent_as_another_one(text: str) -> None:
    with pytest.raises(ValueError, match="more digits than Salesforce keeps"):
        number(text)


@pytest.mark.parametrize(
    ("sent", "found", "expected"),
    [(1.5, Decimal("1.50"), True), (1, Decimal("1.0"), True), (1, 2, False), (None, None, True), (None, "x", False),
     ("x", None, False), ("posted", "posted", True), ("2026-01-01", "2026-01-02", False)],
)  # fmt: skip
def test_a_field_is_compared_by_its_value(sent: Any, found: Any, expected: bool) -> None:
    assert same(sent, found) is expected


# -- refusals


async def test_a_unique_field_that_another_deal_has_is_no_success(door: Any, hub: Any) -> None:
    await door.deal("First", ERP_Project_Id__c="P-1")
    second = await door.deal("Second")
    write = update(second, erp_project="P-1")
    with pytest.raises(AlreadyThere, match="DUPLICATE_VALUE"):
        await make(hub, write)
    assert await hub.find(write) is None


async def test_a_refusal_quotes_the_org_and_links_to_the_record(door: Any, hub: Any) -> None:
    deal = await door.deal()
    with pytest.raises(Rejected) as refused:
        await make(hub, update(deal, engagement="x" * 81))
    (problem,) = refused.value.problems
    assert problem.code == "target.refused"
    assert problem.quote.startswith("STRING_TOO_LONG: ")
    assert problem.facts["link"].endswith(deal)


async def test_a_record_that_is_gone_is_refused(door: Any, hub: Any) -> None:
    deal = await door.deal()
    await door("DELETE", f"/sobjects/Opportunity/{deal}")
    with pytest.raises(Rejected) as refused:
        await make(hub, update(deal, status="x"))
    assert refused.value.problems[0].quote == "ENTITY_IS_DELETED: entity is deleted"


async def test_a_field_that_the_org_lacks_is_told_to_the_owner_of_the_connection(door: Any, hub: Any) -> None:
    request = await hub.prepare(update(await door.deal(), status="x"))
    missing = request.replace(b"Integration_Status__c", b"Integration_Statue__c")
    with pytest.raises(Misconfigured, match="No such column 'Integration_Statue__c'"):
        await hub.send("opportunity.update", missing)
    upsert = await hub.prepare(Write("invoice.upsert", "INV-7", "1", INVOICE, {}))
    with pytest.raises(Misconfigured, match="Invoice_Key__c"):
        await hub.send("invoice.upsert", upsert.replace(b"Invoice_Key__c", b"Invoice_Kez__c"))


def refusing(status: int, code: str, message: str = "sorry") -> Any:
    body = json.dumps([{"errorCode": code, "message": message}]).encode()
    return Rule(kind="status", status=status, match=Match(path="/sobjects/")), {str(status): ("application/json", body)}


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "UNABLE_TO_LOCK_ROW", Transient),
        (403, "REQUEST_LIMIT_EXCEEDED", Transient),
        (429, "REQUEST_LIMIT_EXCEEDED", Transient),
        (403, "API_DISABLED_FOR_ORG", Misconfigured),
        (401, "INVALID_SESSION_ID", Misconfigured),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", Rejected),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
        (400, "DUPLICATE_VALUE", AlreadyThere),
        (503, "SERVER_UNAVAILABLE", OutcomeUnknown),
        (500, "UNKNOWN_EXCEPTION", OutcomeUnknown),
    ],
)
async def test_what_an_answer_means_for_a_write(
    door: Any, hub: Any, faults: Any, status: int, code: str, expected: type[Exception]
) -> None:
    request = await hub.prepare(update(await door.deal(), status="x"))
    rule, faults._bodies = refusing(status, code)
    faults.add(rule.model_copy(update={"times": 2}))
    with pytest.raises(expected):
        await hub.send("opportunity.update", request)


async def test_the_days_allowance_is_used_up(door: Any, hub: Any, org: Any) -> None:
    deal = await door.deal()
    await hub.check()
    org.limits.daily = org.limits.used
    for call in (lambda: make(hub, update(deal, status="x")), lambda: hub.changes("opportunity", None)):
        with pytest.raises(Transient, match=r"REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded\."):
            await call()


# -- lost and false answers


async def test_a_write_without_an_answer_is_unknown_and_the_same_bytes_settle_it(
    door: Any, hub: Any, faults: Any
) -> None:
    account, deal, _ = await door.sold()
    write = Write("invoice.upsert", "INV-7", "1", INVOICE, {"account": account, "opportunity": deal})
    request = await hub.prepare(write)
    for kind in ("timeout_after", "lost_answer", "timeout_before"):
        faults.add(Rule(kind=kind, match=Match(method="PATCH")))
        with pytest.raises(OutcomeUnknown):
            await hub.send("invoice.upsert", request)
    receipt = await hub.send("invoice.upsert", request)
    assert receipt.answer == {"created": False}
    assert len(await door.rows("SELECT Id FROM Invoice__c")) == 1


async def test_a_read_without_an_answer_can_simply_be_made_again(door: Any, hub: Any, faults: Any) -> None:
    await door.deal()
    await hub.check()
    for kind in ("timeout_after", "lost_answer", "status"):
        faults.add(Rule(kind=kind))
        with pytest.raises(Transient):
            await hub.changes("opportunity", "2026-10-01T00:00:00Z")
    assert len((await hub.changes("opportunity", "2026-10-01T00:00:00Z")).changes) == 1


@pytest.mark.parametrize("operation", ["opportunity.update", "invoice.upsert"])
async def test_an_error_with_status_200_is_never_success(door: Any, hub: Any, faults: Any, operation: str) -> None:
    deal = await door.deal()
    write = update(deal, status="x") if operation == "opportunity.update" else Write(operation, "I-1", "1", INVOICE, {})
    request = await hub.prepare(write)
    await hub.check()
    for media_type, body in [
        ("application/json", b'[{"errorCode": "UNKNOWN_EXCEPTION", "message": "sorry"}]'),
        ("application/json", b'{"id": "a00xx0000000001AAA", "success": false, "errors": []}'),
        ("application/json", b"{}"),
        ("text/html", b"<html>maintenance</html>"),
        ("text/plain", b""),
    ]:
        faults._bodies = {"error_in_200": (media_type, body)}
        faults.add(Rule(kind="error_in_200"))
        with pytest.raises(OutcomeUnknown):
            await hub.send(operation, request)


async def test_no_connection_is_certainly_no_effect(open_hub: Any) -> None:
    class Away(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("nobody there")

    hub = open_hub()
    hub._client._http._transport = Away()
    with pytest.raises(Transient, match="nobody there"):
        await make(hub, update("006000000000001", status="x"))
    await hub.close()


def test_every_operation_is_safe_to_repeat() -> None:
    assert {each.guarantee for each in OPERATIONS.values()} == {Guarantee.UPSERT}
    assert SPEC.writes == OPERATIONS
    assert all(name == each.name for name, each in OPERATIONS.items())


async def test_an_operation_that_there_is_not_is_a_mistake_of_the_caller(hub: Any) -> None:
    write = Write("opportunity.explode", "E", "1", {})
    for call in (lambda: hub.prepare(write), lambda: hub.find(write)):
        with pytest.raises(LookupError):
            await call()
