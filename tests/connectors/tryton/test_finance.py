"""What finance does after an invoice is posted, in the real ERP: credits a part, writes off, disputes, closes months; and deposits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.connectors.tryton.errors import TrytonUserError
from tieout.sandbox.firm import load
from tieout.sandbox.story.finance import Finance
from tieout.sandbox.story.journal import Journal
from tieout.sandbox.tryton.billing import DEPOSITS, DISBURSED, LENT, RECHARGED, intercompany
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
DAY = date(2026, 11, 2)


@pytest.fixture
def books(erp: TrytonServer, log_in: Callable[..., TrytonClient]) -> TrytonClient:
    """The clerk's own login, for what is no duty of the clerk's yet."""
    return log_in(erp.tenancy.clerk("US"))


@pytest.fixture
def invoice(books: TrytonClient, customer: str) -> Callable[..., Any]:
    """`await invoice(account, amount, product)`: a draft with one line, as the API takes it."""

    async def invoice(account: str, amount: str, product: str = "", on: date = DAY) -> int:
        party = (await books.read("party.party", [int(customer)], ["addresses"]))[0]
        company = await books.only(
            "company.company", [["party.name", "=", "Kestrel Advisory Inc."]], ["id", "currency"]
        )
        rows = await books.search("account.account", [["name", "=", account]], ["id"])
        owed = [["type.receivable", "=", True], ["name", "!=", LENT]]
        receivable = await books.search("account.account", owed, ["id"])
        journal = await books.search("account.journal", [["type", "=", "revenue"]], ["id"])
        assert company is not None
        line: dict[str, Any] = {
            "type": "line", "account": rows[0]["id"], "quantity": 1.0, "unit_price": Decimal(amount), "company": company["id"],
            "invoice_type": "out", "description": account, "currency": company["currency"],
        }  # fmt: skip
        if product:
            fields = ["id", "default_uom", "account_category.customer_taxes"]
            found = await books.only("product.product", [["code", "=", product]], fields)
            assert found is not None
            unit, ids = found["default_uom"], list(found["account_category."]["customer_taxes"])
            taxes = await books.search("account.tax", [["id", "in", ids]], ["id"])
            line |= {"product": found["id"], "unit": unit, "taxes": [["add", [each["id"] for each in taxes]]]}
        head = {
            "type": "out", "company": company["id"], "party": int(customer), "invoice_address": party["addresses"][0],
            "currency": company["currency"], "account": receivable[0]["id"], "journal": journal[0]["id"],
            "invoice_date": on, "lines": [["create", [line]]],
        }  # fmt: skip
        return (await books.create("account.invoice", [head]))[0]

    return invoice


async def test_a_part_is_credited_and_the_rest_is_paid(clerk: FinanceClerk, propose: Any, papers: Any) -> None:
    receipt, _ = await propose(papers.line("10", "340.00"), papers.line("5", "200.00", key="2"))
    posted = await clerk.post(int(receipt.id), DAY)
    first, second = await clerk.lines(posted.id)
    with pytest.raises(ValueError, match="no part"):
        await clerk.credit_partly(posted.id, {second.id: Decimal(6)}, DAY, "never worked")
    credit = await clerk.credit_partly(posted.id, {second.id: Decimal("2.5")}, DAY, "half of it was never worked")
    assert (credit.net, credit.reference, credit.number[:3]) == (Decimal("-500.00"), posted.number, "CN-")
    after = await clerk.invoice(posted.id)
    assert (after.state, after.open_amount) == ("posted", posted.total + credit.total)
    paid = await clerk.pay(posted.id, after.open_amount, DAY)
    assert (paid.state, paid.open_amount, (await clerk.invoice(credit.id)).state) == ("paid", 0, "paid")
    with pytest.raises(ValueError, match="open"):
        await clerk.credit_partly(posted.id, {first.id: Decimal(1)}, DAY, "too late")


async def test_a_credit_names_the_line_that_it_corrects(clerk: FinanceClerk, propose: Any, books: TrytonClient) -> None:
    posted = await clerk.post(int((await propose())[0].id), DAY)
    (line,) = await clerk.lines(posted.id)
    credit = await clerk.credit_partly(posted.id, {line.id: Decimal(1)}, DAY, "one hour too many")
    (row,) = await books.search(
        "account.invoice.line", [["invoice", "=", credit.id]], ["origin", "taxes", "unit_price"]
    )
    assert (row["origin"], row["unit_price"]) == (f"account.invoice.line,{line.id}", Decimal("340.00"))
    assert credit.tax < 0


async def test_what_is_missing_of_a_short_payment_is_written_off(
    clerk: FinanceClerk, propose: Any, books: TrytonClient
) -> None:
    posted = await clerk.post(int((await propose())[0].id), DAY)
    with pytest.raises(ValueError, match="open"):
        await clerk.write_off(posted.id, DAY)
    await clerk.pay(posted.id, posted.total - Decimal("12.34"), DAY)
    done = await clerk.write_off(posted.id, DAY)
    assert (done.state, done.open_amount) == ("paid", 0)
    lost = await books.search(
        "account.move.line", [["account.name", "=", "Receivables written off"]], ["debit", "credit"]
    )
    assert Decimal("12.34") in {each["debit"] for each in lost}


async def test_a_dispute_is_a_note_and_changes_no_money(clerk: FinanceClerk, propose: Any) -> None:
    posted = await clerk.post(int((await propose())[0].id), DAY)
    await clerk.dispute(posted.id, "The customer says that the workshop on 6 October never happened.")
    assert await clerk.disputes(posted.id) == [
        "Disputed: The customer says that the workshop on 6 October never happened."
    ]
    assert await clerk.invoice(posted.id) == posted


async def test_a_closed_month_takes_no_posting_and_one_closed_for_good_stays_so(
    clerk: FinanceClerk, invoice: Any
) -> None:
    march, february = date(2025, 3, 31), date(2025, 2, 28)
    late = await invoice(RECHARGED, "50.00", on=march)
    await clerk.close_period(february, for_good=True)
    await clerk.close_period(march)
    with pytest.raises(TrytonUserError):
        await clerk.post(late, march)
    await clerk.reopen_period(march)
    assert (await clerk.post(late, march)).state == "posted"
    with pytest.raises(TrytonUserError):
        await clerk.reopen_period(february)


async def test_t21_the_hub_reads_which_months_are_closed(clerk: FinanceClerk, us: Tryton) -> None:
    january = date(2026, 1, 31)

    async def is_open() -> list[bool]:
        return [each.open for each in (await us.check()).periods if each.first <= january <= each.last]

    assert await is_open() == [True]
    await clerk.close_period(january)
    assert await is_open() == [False]
    await clerk.reopen_period(january)
    assert await is_open() == [True]


async def test_a_recharged_expense_has_tax_and_one_that_is_passed_on_has_none(
    clerk: FinanceClerk, invoice: Any
) -> None:
    recharged = await clerk.post(await invoice(RECHARGED, "100.00", "EXPENSE-RECHARGED"), DAY)
    passed_on = await clerk.post(await invoice(DISBURSED, "100.00", "EXPENSE-PASSED-ON"), DAY)
    assert (recharged.tax, passed_on.tax) == (Decimal("8.00"), Decimal(0))


async def test_a_deposit_is_a_liability_until_an_invoice_draws_on_it(
    clerk: FinanceClerk, invoice: Any, books: TrytonClient
) -> None:
    deposit = await clerk.post(await invoice(DEPOSITS, "5000.00"), DAY)
    assert (deposit.total, deposit.tax) == (Decimal("5000.00"), Decimal(0))
    await clerk.pay(deposit.id, deposit.total, DAY)
    work = await invoice(RECHARGED, "1200.00")
    drawn = await clerk.draw_deposit(work, "against the retainer of October")
    assert drawn.total == Decimal(0)
    await clerk.post(work, DAY)
    over = await invoice(RECHARGED, "4500.00")
    assert (await clerk.draw_deposit(over, "the rest of it")).total == Decimal("700.00")
    (account,) = await books.search("account.account", [["name", "=", DEPOSITS]], ["type.statement", "type.deposit"])
    assert (account["type."]["statement"], account["type."]["deposit"]) == ("balance", True)


async def test_the_firms_own_companies_are_customers_of_each_other(books: TrytonClient) -> None:
    fields = ["code", "account_receivable.name"]
    parties = await books.search("party.party", [["code", "like", "IC-%"]], fields)
    assert {each["code"] for each in parties} == {intercompany("US"), intercompany("DE")}
    german = next(each for each in parties if each["code"] == intercompany("DE"))
    assert german["account_receivable."]["name"] == LENT


async def test_the_clerk_of_the_story_credits_a_part_and_writes_it_down(clerk: FinanceClerk, propose: Any) -> None:
    journal = Journal(None, lambda: datetime(2026, 11, 2, 16, tzinfo=UTC))
    posted = await clerk.post(int((await propose())[0].id), DAY)
    (line,) = await clerk.lines(posted.id)
    finance = Finance(load(), {"US": clerk}, journal)
    credit = await finance.credit_part(
        DAY, "US", posted.id, {line.id: Decimal("0.25")}, "a quarter of an hour too many"
    )
    assert credit.net == Decimal("-85.00")
    (act,) = journal.acts
    assert (
        act.sentence == f"2026-11-02 Carlos Mendes credited 91.80 USD of {posted.number}: a quarter of an hour too many"
    )
