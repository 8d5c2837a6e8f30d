"""Draft invoices in the real ERP: proposed once, taxed by the ERP, withdrawn while they are drafts, posted by finance alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import OutcomeUnknown, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import HANDLERS, Tryton
from tieout.domain.identity import Ref
from tieout.domain.problems import Rejected
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]


class AnswersLost(httpx2.AsyncBaseTransport):
    """The network, which loses the answer to every call of one method after the server has carried it out."""

    def __init__(self, method: str) -> None:
        self._method = f'"method":"{method}"'.encode()
        self._network = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._network.handle_async_request(request)
        if self._method in await request.aread():
            await response.aclose()
            raise httpx2.ReadError("connection reset by peer", request=request)
        return response

    async def aclose(self) -> None:
        await self._network.aclose()


async def test_the_erp_computes_net_tax_and_total(papers: Any, propose: Any) -> None:
    receipt, invoice = await propose(papers.line("10.25", "340.00"), papers.line("3.33", "252.50", role="Consultant"))
    assert receipt.answer == {"net": "4325.82", "tax": "346.07", "total": "4671.89"}
    assert invoice.net == Decimal("4325.82")


async def test_the_erp_rounds_half_a_cent_to_the_even_one(papers: Any, propose: Any) -> None:
    """3.33 hours at 252.50 are 840.825, at 253.50 they are 844.155: not what an accountant does by hand."""
    receipt, _ = await propose(papers.line("3.33", "252.50"), papers.line("3.33", "253.50"))
    assert receipt.answer["net"] == str(Decimal("840.82") + Decimal("844.16"))


async def test_the_other_company_charges_its_own_tax_in_its_own_currency(de: Tryton, papers: Any, perform: Any) -> None:
    customer = papers.customer(payment_terms="Net 14")
    party = await perform(de, Write("customer.create", customer.key, "1", customer.body()))
    invoice = papers.invoice(legal_entity="DE", currency="EUR", payment_terms="Net 14")
    write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": party.id})
    assert (await perform(de, write)).answer == {"net": "3485.00", "tax": "662.15", "total": "4147.15"}


async def test_a_draft_carries_our_reference_terms_department_and_purchase_order(
    erp: TrytonServer, log_in: LogIn, papers: Any, propose: Any
) -> None:
    lines = [papers.line(department="410"), papers.line(department="430"), papers.line(department="")]
    receipt, invoice = await propose(*lines, po_number="PO 4711", invoice_date=date(2026, 11, 2))
    (draft,) = await log_in(erp.tenancy.clerk("US")).read(
        "account.invoice", [int(receipt.id)],
        ["reference", "description", "comment", "payment_term.name", "invoice_date", "state",
         "lines.analytic_accounts.account.code", "lines.unit.name", "lines.account.code"],
    )  # fmt: skip
    assert draft["reference"] == invoice.key
    assert draft["description"] == f"{invoice.project}, work through 2026-10-31"
    assert draft["comment"] == "Purchase order: PO 4711"
    assert (draft["state"], draft["invoice_date"]) == ("draft", date(2026, 11, 2))
    assert draft["payment_term."]["name"] == "Net 30"
    codes = [
        [each["account."]["code"] for each in line["analytic_accounts."] if each["account."]]
        for line in draft["lines."]
    ]
    assert codes == [["410"], ["430"], []]
    assert {(line["unit."]["name"], line["account."]["code"]) for line in draft["lines."]} == {("Hour", "4.2.2")}


async def test_proposing_again_finds_the_draft_that_is_there(us: Tryton, papers: Any, customer: str) -> None:
    invoice = papers.invoice()
    write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer})
    assert await us.find(write) is None
    request = await us.prepare(write)
    made = await us.send(write.operation, request)
    assert await us.send(write.operation, request) == made == await us.find(write)


async def test_a_lost_answer_is_unknown_and_the_draft_is_found_afterwards(
    us: Tryton, connect: Callable[..., Tryton], papers: Any, customer: str
) -> None:
    unlucky = connect("US", transport=AnswersLost("model.account.invoice.create"))
    invoice = papers.invoice()
    write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer})
    request = await unlucky.prepare(write)
    with pytest.raises(OutcomeUnknown):
        await unlucky.send(write.operation, request)
    found = await us.find(write)
    assert found is not None
    assert await us.send(write.operation, request) == found


async def test_a_lost_receipt_is_unknown_too(connect: Callable[..., Tryton], papers: Any, customer: str) -> None:
    unlucky = connect("US", transport=AnswersLost("model.account.invoice.read"))
    invoice = papers.invoice()
    write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer})
    with pytest.raises(OutcomeUnknown):
        await unlucky.send(write.operation, await unlucky.prepare(write))


async def test_the_connection_says_how_long_an_unknown_outcome_may_take(connect: Callable[..., Tryton]) -> None:
    """Of every operation: newer content waits as long as a lost request with older content may still arrive."""
    told = {connect("US", settle=7).operation(name).settle for name in HANDLERS}
    assert told == {timedelta(seconds=7)}


async def test_everything_that_the_books_lack_is_told_at_once(us: Tryton, papers: Any, customer: str) -> None:
    lines = [papers.line(role="Astronaut"), papers.line(department="999")]
    invoice = papers.invoice(*lines, currency="XTS", payment_terms="Net 45")
    with pytest.raises(Rejected) as refused:
        await us.prepare(Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer}))
    assert [each.quote for each in refused.value.problems] == [
        "Tryton has no currency XTS",
        "Tryton has no payment term “Net 45”",
        "Tryton has no service product for the role “Astronaut”",
        "Tryton has no account 999 in the dimension Practice",
    ]
    assert refused.value.problems[0].facts["amount"] == "6,970.00 XTS to be billed"


async def test_a_draft_is_withdrawn_once_and_for_all(us: Tryton, propose: Any) -> None:
    receipt, invoice = await propose()
    write = Write("invoice.withdraw", invoice.key, "1", {}, {"record": receipt.id})
    request = await us.prepare(write)
    assert await us.send(write.operation, request) == await us.send(write.operation, request) == await us.find(write)
    assert await us.look(Ref(us.name, "invoice", receipt.id)) is None


async def test_a_posted_invoice_cannot_be_withdrawn(us: Tryton, clerk: FinanceClerk, propose: Any) -> None:
    receipt, invoice = await propose()
    posted = await clerk.post(int(receipt.id), date(2026, 11, 2))
    write = Write("invoice.withdraw", invoice.key, "1", {}, {"record": receipt.id})
    with pytest.raises(Rejected) as refused:
        await us.send(write.operation, await us.prepare(write))
    assert refused.value.problems[0].quote == f"invoice {posted.number} is posted: only finance can take it back"
