"""Pages of expenses: what becomes of each, what it waits for, and what billing is told (T31-T33)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.store import expenses
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio

CATEGORIES = [
    {"category": "travel", "treatment": "recharge", "markup": "0.05"},
    {"category": "visa fees", "treatment": "disbursement", "markup": "0"},
    {"category": "team dinner", "treatment": "non_billable", "markup": "0"},
]
RECEIPTS = [{"currency": "USD", "amount": "25.00"}]


def value(name: str, key: str, text: str, entity: str = "*", since: str = "2026-01-01", n: int = 1) -> dict[str, Any]:
    return {"name": name, "key": key, "entity": entity, "value": text, "valid_from": since, "position": n}


PRODUCTS = [value("expense_product", each, f"EXP-{n}") for n, each in enumerate(("travel", "visa fees"), 1)]


def claim(deal: Deal, record: str, at: int = 1, **facts: Any) -> dict[str, Any]:
    """A hotel bill of 100.00, in the project's currency, with its receipt, approved."""
    return {
        "source_id": record, "source_version": f"2026-11-{at:02}T09:00:00Z#{record}{facts}", "project": deal.workspace,
        "person": "K003", "day": "2026-10-06", "category": "Travel", "notes": "Hotel", "receipt_amount": "100.00",
        "receipt_currency": "USD", "claim_amount": "100.00", "claim_currency": "USD", "rate": "1", "rate_date": "2026-10-06",
        "has_receipt": True, "billable": True, "taxable": False, "state": "approved", "approved_by": "K002",
        "approved_at": "2026-10-09T09:00:00Z", "mapping": "kantata.expense@1", **facts,
    }  # fmt: skip


async def arrive(books: Books, *page: dict[str, Any], values: list[dict[str, Any]] = PRODUCTS) -> list[dict[str, Any]]:
    """Stores and judges a page; what lacks now."""
    async with books.database.transaction() as tx:
        await expenses.save_page(tx, "kantata", page, books.now())
        ids = [each["source_id"] for each in page]
        await expenses.resolve(
            tx, "kantata", ids, categories=CATEGORIES, receipts=RECEIPTS, values=values, products=True
        )
        return await expenses.problems(tx, "kantata")


async def approved(books: Books, deal: Deal, through: date = date(2026, 10, 31)) -> list[dict[str, Any]]:
    async with books.database.transaction() as tx:
        return await expenses.approved(tx, deal.engagement, through)


async def test_billing_is_told_all_there_is_to_decide_with(books: Books) -> None:
    deal = await books.deal(1)
    assert await arrive(books, claim(deal, "1", task=f"{deal.workspace}1")) == []
    (told,) = await approved(books, deal)
    assert (told["connection"], told["source_id"], told["person"], told["category"]) == (
        "kantata",
        "1",
        "K003",
        "Travel",
    )
    assert (told["amount"], told["currency"], told["treatment"], told["markup"]) == (
        100,
        "USD",
        "recharge",
        Decimal("0.05"),
    )
    assert (told["project"], told["task"], told["entity"], told["product"]) == (
        deal.project,
        deal.task(1),
        "US",
        "EXP-1",
    )
    assert (told["invoice_of"], told["input_tax"], told["approved_by"], told["contract_version"]) == (
        "firm",
        None,
        "K002",
        1,
    )
    assert not told["waits"]


async def test_what_comes_after_the_cut_off_waits(books: Books) -> None:
    deal = await books.deal(1)
    await arrive(books, claim(deal, "1"), claim(deal, "2", day="2026-11-02"))
    assert [(each["source_id"], each["waits"]) for each in await approved(books, deal)] == [("1", False), ("2", True)]


async def test_only_what_is_approved_and_signed_for_is_told(books: Books) -> None:
    deal = await books.deal(1)
    await arrive(books, claim(deal, "1", state="submitted"), claim(deal, "2"))
    assert [each["source_id"] for each in await approved(books, deal)] == ["2"]
    async with books.database.transaction() as tx:
        await expenses.mark_deleted(tx, "kantata", {"2": "2026-11-02T09:00:00Z#gone"}, books.now())
    assert await approved(books, deal) == []
    await arrive(books, claim(deal, "3"))
    async with books.database.transaction() as tx:
        await tx.execute("update project set contract_version = 0 where key = %s", (deal.project,))
    assert await approved(books, deal) == []


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"project": "4711"}, "expense.project_unknown"),
        ({"category": "Gifts"}, "expense.category_unknown"),
        ({"has_receipt": False}, "expense.receipt_missing"),
        ({"claim_currency": "CHF"}, "expense.rate_missing"),
        ({"category": "Visa fees", "taxable": True}, "expense.tax_contradicts"),
        ({"category": "Visa fees", "has_receipt": False, "claim_amount": "9.00"}, "expense.receipt_missing"),
    ],
)
async def test_a_bad_one_waits_alone(books: Books, facts: dict[str, Any], problem: str) -> None:
    deal = await books.deal(1)
    (found,) = await arrive(books, claim(deal, "1"), claim(deal, "2", **facts))
    assert (found["problem"], found["one_expense"], found["expenses"]) == (problem, "2", 1)
    told = {each["source_id"]: each["waits"] for each in await approved(books, deal)}
    assert told == ({"1": False} if problem == "expense.project_unknown" else {"1": False, "2": True})


async def test_nobody_asks_for_a_receipt_of_a_small_claim_or_of_one_that_is_not_billed(books: Books) -> None:
    deal = await books.deal(1)
    small = claim(deal, "1", has_receipt=False, claim_amount="25.00")
    ours = claim(deal, "2", has_receipt=False, billable=False)
    dinner = claim(deal, "3", has_receipt=False, category="Team dinner")
    assert await arrive(books, small, ours, dinner) == []
    assert [each["treatment"] for each in await approved(books, deal)] == ["recharge", "non_billable", "non_billable"]


async def test_a_missing_row_of_the_value_table_is_one_cause_for_all_and_goes_with_the_row(books: Books) -> None:
    deal = await books.deal(1)
    (found,) = await arrive(books, *(claim(deal, str(n)) for n in range(1, 6)), values=[])
    assert (found["problem"], found["category"], found["entity"], found["expenses"], found["amount"]) == (
        "value.missing", "Travel", "US", 5, 500,
    )  # fmt: skip
    rows = [value("expense_product", "travel", "HOTEL", "US"), value("expense_product", "travel", "REISE", "DE")]
    assert await arrive(books, values=rows) == []
    assert {each["product"] for each in await approved(books, deal)} == {"HOTEL"}


async def test_the_value_in_force_on_the_day_counts(books: Books) -> None:
    deal = await books.deal(1)
    rows = [
        value("expense_product", "travel", "OLD"),
        value("expense_product", "travel", "NEW", since="2026-10-06", n=2),
        value("expense_product", "travel", "", since="2026-10-08", n=3),
    ]
    (ended,) = await arrive(books, *(claim(deal, str(day), day=f"2026-10-{day:02}") for day in (5, 6, 8)), values=rows)
    assert (ended["problem"], ended["one_expense"]) == ("value.missing", "8")
    assert [each["product"] for each in await approved(books, deal)] == ["OLD", "NEW", ""]


async def test_the_version_of_the_contract_that_is_in_force_on_the_day_says_what_becomes_of_a_category(
    books: Books,
) -> None:
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        second = (
            '{"version": 2, "effective_from": "2026-10-06",'
            ' "expenses": {"travel": {"treatment": "disbursement", "markup": "0"}}}'
        )
        await tx.execute(
            "update document set body = jsonb_set(body, '{versions,1}', %s) where kind = 'contract'", (second,)
        )
    await arrive(
        books, *(claim(deal, str(day), day=f"2026-10-{day:02}") for day in (5, 6)), claim(deal, "9", day="2026-09-01")
    )
    told = {each["source_id"]: each for each in await approved(books, deal)}
    assert {record: each["contract_version"] for record, each in told.items()} == {"5": 1, "6": 2, "9": 1}
    assert (told["5"]["treatment"], told["5"]["markup"], told["5"]["invoice_of"]) == (
        "recharge",
        Decimal("0.05"),
        "firm",
    )
    assert (told["6"]["treatment"], told["6"]["markup"], told["6"]["invoice_of"]) == ("disbursement", 0, "customer")


async def test_an_older_version_that_comes_late_changes_nothing_and_is_kept(books: Books) -> None:
    deal = await books.deal(1)
    await arrive(books, claim(deal, "1", 3, claim_amount="80.00"))
    await arrive(books, claim(deal, "1", 2, claim_amount="120.00"))
    (told,) = await approved(books, deal)
    assert told["amount"] == 80
    async with books.database.transaction() as tx:
        kept = [each["body"]["claim_amount"] for each in await expenses.versions(tx, "kantata", "1")]
    assert kept == [120, 80]
