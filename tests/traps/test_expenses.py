"""Traps of expenses (T31, T32, T33), from the person who paid to what billing is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.connectors.kantata import reading
from tieout.domain.values import ValueRow
from tieout.engine.operator import Operator
from tieout.store import crosswalk, expenses
from tieout.testing.books import Deal

from .delivery import CONSULTANT, GERMAN, LEAD, Delivery

pytestmark = pytest.mark.anyio
OCTOBER = date(2026, 10, 31)


async def approved(delivery: Delivery, deal: Deal) -> list[dict[str, Any]]:
    async with delivery.database.transaction() as tx:
        return await expenses.approved(tx, deal.engagement, OCTOBER)


async def shipped(delivery: Delivery) -> Operator:
    """The firm folder is in force, with its value tables."""
    operator = Operator(delivery.database, delivery.books.now)
    await operator.apply_firm(delivery.firm, actor="setup")
    return operator


# -- T31: principal or agent, per expense


async def test_t31_each_category_is_recharged_disbursed_or_not_billed_at_all(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    kinds = ("Travel", "Visa fees", "Team dinner")
    claims = [await delivery.claim(project, category=each) for each in kinds]
    await delivery.approve(project, *claims)
    await delivery.settle()
    told = {each["category"]: each for each in await approved(delivery, deal)}
    assert {name: (each["treatment"], each["invoice_of"], each["markup"]) for name, each in told.items()} == {
        "Travel": ("recharge", "firm", Decimal("0.05")),
        "Visa fees": ("disbursement", "customer", 0),
        "Team dinner": ("non_billable", "firm", 0),
    }
    assert (told["Travel"]["product"], told["Visa fees"]["product"]) == ("Expense, recharged", "Expense, passed on")
    assert not any(each["waits"] for each in told.values())
    assert await delivery.holds() == {}


async def test_t31_what_is_passed_on_without_tax_and_said_to_be_taxable_waits(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claim = await delivery.claim(project, category="Visa fees", taxable=True)
    await delivery.approve(project, claim)
    await delivery.settle()
    assert set(await delivery.holds()) == {"expense.tax_contradicts"}
    assert [each["waits"] for each in await approved(delivery, deal)] == [True]
    await delivery.ask(LEAD, "PUT", f"expenses/{claim}", {"expense": {"taxable": False}})
    await delivery.settle()
    assert await delivery.holds() == {}
    assert [each["waits"] for each in await approved(delivery, deal)] == [False]


async def test_t31_a_disbursement_needs_the_invoice_in_the_customer_s_name_however_small(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    small = {"amount_in_cents": 900, "receipt": ""}
    visa, taxi = [await delivery.claim(project, category=each, **small) for each in ("Visa fees", "Travel")]
    await delivery.approve(project, visa, taxi)
    await delivery.settle()
    facts = (await delivery.holds())["expense.receipt_missing"]
    assert (facts["person"], facts["amount"]) == ("K003", "9.00 USD")
    assert {each["source_id"]: each["waits"] for each in await approved(delivery, deal)} == {visa: True, taxi: False}


async def test_a_category_that_nobody_decided_about_is_one_hold_for_all_and_ends_with_the_folder(
    delivery: Delivery,
) -> None:
    operator = await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claims = [await delivery.claim(project, category="Books") for _ in range(3)]
    await delivery.approve(project, *claims)
    await delivery.settle()
    assert (await delivery.holds())["expense.category_unknown"]["amount"] == "300.00 USD"
    categories = {**delivery.firm.expenses.categories, "books": delivery.firm.expenses.categories["Team dinner"]}
    rule = delivery.firm.expenses.model_copy(update={"categories": categories})
    delivery.firm = delivery.firm.model_copy(update={"expenses": rule})
    await operator.apply_firm(delivery.firm, actor="anna@kestrel.example")
    await delivery.settle()
    assert await delivery.holds() == {}
    assert {each["treatment"] for each in await approved(delivery, deal)} == {"non_billable"}


async def test_a_product_that_the_value_table_lacks_is_one_hold_for_all_and_ends_with_one_row(
    delivery: Delivery,
) -> None:
    operator = Operator(delivery.database, delivery.books.now)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claims = [await delivery.claim(project) for _ in range(4)]
    await delivery.approve(project, *claims)
    await delivery.settle()
    facts = (await delivery.holds())["value.missing"]
    assert (facts["table"], facts["value"], facts["entity"]) == ("expense_product", "Travel", "US")
    held = await delivery.rows("select count(*) as n from message where kind = 'expense' and state = 'held'")
    assert held == [{"n": 4}]
    row = ValueRow("expense_product", "Travel", "TRIPS", author="anna@kestrel.example", valid_from=date(2026, 1, 1))
    await operator.set_value(row)
    await delivery.settle()
    assert await delivery.holds() == {}
    assert {each["product"] for each in await approved(delivery, deal)} == {"TRIPS"}
    done = await delivery.rows("select count(*) as n from message where kind = 'expense' and state = 'done'")
    assert done == [{"n": 4}]


# -- T32: nothing is pushed


async def test_t32_an_expense_that_changes_after_it_was_told_is_a_version_and_an_adjustment(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claim = await delivery.claim(project)
    await delivery.approve(project, claim)
    await delivery.settle()
    (before,) = await approved(delivery, deal)
    await delivery.ask(LEAD, "PUT", f"expenses/{claim}", {"expense": {"amount_in_cents": 8_000}})
    await delivery.settle()
    (after,) = await approved(delivery, deal)
    assert (before["amount"], after["amount"], after["source_id"]) == (100, 80, before["source_id"])
    assert after["version"] > before["version"]
    async with delivery.database.transaction() as tx:
        kept = await expenses.versions(tx, "kantata", claim)
    assert [(each["body"]["state"], each["body"]["claim_amount"]) for each in kept] == [
        ("approved", 100),
        ("approved", 80),
    ]


async def test_t32_an_approval_that_is_taken_back_and_an_expense_that_is_deleted_leave_what_is_billed(
    delivery: Delivery,
) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    first, second = await delivery.claim(project), await delivery.claim(project)
    report = await delivery.approve(project, first, second)
    await delivery.settle()
    assert len(await approved(delivery, deal)) == 2
    await delivery.ask(
        LEAD, "PUT", f"expense_report_submissions/{report}/cancel", {"resolution": {"description": "private"}}
    )
    await delivery.settle()
    assert await approved(delivery, deal) == []
    await delivery.ask(CONSULTANT, "DELETE", f"expenses/{first}")
    await delivery.approve(project, second)
    await delivery.settle()
    assert [each["source_id"] for each in await approved(delivery, deal)] == [second]


async def test_t32_a_receipt_that_vanishes_after_the_approval_makes_the_expense_wait(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_SELDOM", 1)  # with every sweep, and not with every fortieth alone
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claim = await delivery.claim(project)
    await delivery.approve(project, claim)
    await delivery.settle()
    (row,) = [each for each in delivery.account.records.all("expenses") if each["id"] == claim]
    await delivery.ask(CONSULTANT, "DELETE", f"attachments/{row['receipt_id']}")
    await delivery.settle()
    assert set(await delivery.holds()) == {"expense.receipt_missing"}
    assert [each["waits"] for each in await approved(delivery, deal)] == [True]


# -- T33: a third currency


async def test_t33_receipt_claim_project_and_books_each_with_its_rate_and_day(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    paid = {"source_value": "200.00", "source_currency": "GBP"}
    claim = await delivery.claim(project, foreign_exchange_amount=paid)
    await delivery.approve(project, claim)
    await delivery.settle()
    (told,) = await approved(delivery, deal)
    day = date(2026, 10, 6)
    assert (told["receipt_amount"], told["receipt_currency"]) == (Decimal("200.00"), "GBP")
    assert (told["claim_amount"], told["claim_currency"]) == (269, "USD")
    assert (told["rate"], told["rate_date"]) == (Decimal("1.345"), day)
    assert (told["amount"], told["currency"], told["project_rate"], told["project_rate_date"]) == (269, "USD", 1, day)
    assert (told["book_amount"], told["book_currency"], told["book_rate"], told["book_rate_date"]) == (
        269,
        "USD",
        1,
        day,
    )


async def test_t33_where_the_psa_gives_no_rate_a_person_does_and_nothing_is_converted_before(
    delivery: Delivery,
) -> None:
    operator = await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal, currency="CHF")
    claims = [await delivery.claim(project) for _ in range(2)]
    await delivery.approve(project, *claims)
    await delivery.settle()
    facts = (await delivery.holds())["expense.rate_missing"]
    assert (facts["value"], facts["day"], facts["amount"]) == ("CHF/USD", "2026-10-06", "200.00 CHF")
    assert {(each["amount"], each["waits"]) for each in await approved(delivery, deal)} == {(None, True)}
    late = ValueRow("exchange_rate", "CHF/USD", "1.3000", author="anna@kestrel.example", valid_from=date(2026, 10, 7))
    await operator.set_value(late)
    await delivery.settle()
    assert set(await delivery.holds()) == {"expense.rate_missing"}, "a rate of a later day is none of that day"
    row = ValueRow("exchange_rate", "CHF/USD", "1.2510", author="anna@kestrel.example", valid_from=date(2026, 10, 1))
    await operator.set_value(row)
    await delivery.settle()
    assert await delivery.holds() == {}
    found = {
        (each["claim_amount"], each["claim_currency"], each["amount"], each["project_rate"])
        for each in await approved(delivery, deal)
    }
    assert found == {(100, "CHF", Decimal("125.10"), Decimal("1.251"))}


# -- T49: two companies of the firm


async def test_t49_an_expense_on_a_project_of_another_company_waits_for_a_transfer_price(delivery: Delivery) -> None:
    operator = await shipped(delivery)
    us, de = await delivery.books.deal(1), await delivery.books.deal(2, entity="DE")
    works = ValueRow("person_entity", "K103", "DE", author="anna@kestrel.example", valid_from=date(2026, 1, 1))
    await operator.set_value(works)
    american, german = await delivery.project(us), await delivery.project(de, currency="EUR")
    lent, at_home = await delivery.claim(american, who=GERMAN), await delivery.claim(german, who=GERMAN)
    await delivery.approve(american, lent, who=GERMAN)
    await delivery.approve(german, at_home, who=GERMAN)
    await delivery.settle()
    facts = (await delivery.holds())["expense.entity_differs"]
    assert (facts["person"], facts["person_entity"], facts["entity"], facts["amount"]) == (
        "K103",
        "DE",
        "US",
        "100.00 USD",
    )
    assert [each["waits"] for each in await approved(delivery, us)] == [True]
    assert [(each["waits"], each["person_entity"]) for each in await approved(delivery, de)] == [(False, "DE")]
    price = ValueRow("transfer_price", "DE/US", "1.00", author="anna@kestrel.example", valid_from=date(2026, 1, 1))
    await operator.set_value(price)
    await delivery.settle()
    assert await delivery.holds() == {}
    (told,) = await approved(delivery, us)
    assert (told["waits"], told["person_entity"], told["entity"]) == (False, "DE", "US")


async def test_t49_whoever_moves_to_another_company_is_of_it_from_that_day_on(delivery: Delivery) -> None:
    operator = await shipped(delivery)
    deal = await delivery.books.deal(1)
    for company, since in (("US", date(2026, 1, 1)), ("DE", date(2026, 10, 10))):
        row = ValueRow("person_entity", "K003", company, author="anna@kestrel.example", valid_from=since)
        await operator.set_value(row)
    project = await delivery.project(deal)
    before, after = [await delivery.claim(project, date=f"2026-10-{day}") for day in ("09", "10")]
    await delivery.approve(project, before, after)
    await delivery.settle()
    told = {each["source_id"]: (each["person_entity"], each["waits"]) for each in await approved(delivery, deal)}
    assert told == {before: ("US", False), after: ("DE", True)}


async def test_expenses_that_came_before_their_project_was_known_go_on_when_it_is(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    async with delivery.database.transaction() as tx:
        await tx.execute("delete from crosswalk where kind = 'project' and connection = 'kantata'")
    claim = await delivery.claim(project)
    await delivery.approve(project, claim)
    await delivery.settle()
    assert (await delivery.holds())["expense.project_unknown"]["project"] == project
    async with delivery.database.transaction() as tx:
        await crosswalk.link(tx, "project", deal.project, "kantata", project, delivery.books.now())
        assert await expenses.early(tx, deal.project) == {"kantata": [claim]}
    await delivery.approve(project, await delivery.claim(project))
    await delivery.settle()
    assert await delivery.holds() == {}
    assert len(await approved(delivery, deal)) == 2


async def test_an_expense_that_cannot_be_read_waits_alone_until_it_can(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    good, bad = await delivery.claim(project), await delivery.claim(project)
    delivery.garbled["expenses"][bad] = {"date": "soon"}
    await delivery.approve(project, good, bad)
    await delivery.settle()
    assert (await delivery.holds())["expense.unreadable"]["subject"] == bad
    assert [each["source_id"] for each in await approved(delivery, deal)] == [good]
    del delivery.garbled["expenses"][bad]
    await delivery.ask(LEAD, "PUT", f"expenses/{bad}", {"expense": {"notes": "for the workshop"}})
    await delivery.settle()
    assert await delivery.holds() == {}
    assert [each["source_id"] for each in await approved(delivery, deal)] == [good, bad]


async def test_a_known_expense_whose_change_cannot_be_read_is_not_billed_as_it_was(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(1)
    project = await delivery.project(deal)
    claim = await delivery.claim(project)
    await delivery.approve(project, claim)
    await delivery.settle()
    assert [each["waits"] for each in await approved(delivery, deal)] == [False]
    delivery.garbled["expenses"][claim] = {"date": "soon"}
    await delivery.ask(LEAD, "PUT", f"expenses/{claim}", {"expense": {"notes": "another amount"}})
    await delivery.settle()
    assert (await delivery.holds())["expense.unreadable"]["subject"] == claim
    assert [each["waits"] for each in await approved(delivery, deal)] == [True]


async def test_what_waits_of_a_page_is_a_matter_of_its_own_legal_entity(delivery: Delivery) -> None:
    await shipped(delivery)
    deal = await delivery.books.deal(2, entity="DE")
    project = await delivery.project(deal, currency="EUR")
    claim = await delivery.claim(project, category="Visa fees", taxable=True)
    await delivery.approve(project, claim)
    await delivery.settle()
    (hold,) = await delivery.rows("select code, entity, team from hold where state = 'open'")
    assert hold == {"code": "expense.tax_contradicts", "entity": "DE", "team": "finance-de"}
