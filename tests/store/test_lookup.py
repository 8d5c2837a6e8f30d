"""Whatever somebody pastes leads to the thing it belongs to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tieout.domain.problems import Problem
from tieout.domain.spelling import case_suffix, spellings
from tieout.store import crosswalk
from tieout.store.database import rows
from tieout.store.dossier import document_page
from tieout.store.lookup import Hit, find
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def found(books: Books, text: str) -> list[tuple[str, str]]:
    async with books.database.transaction() as tx:
        return [(each.kind, each.key) for each in await find(tx, text)]


def test_a_salesforce_id_has_a_short_and_a_long_form() -> None:
    assert case_suffix("001A0000006Vm9r") == "IAC"
    assert spellings("001A0000006Vm9r") >= {"001A0000006Vm9r", "001A0000006Vm9rIAC"}
    assert spellings(" 001a0000006vm9riac ") >= {"001A0000006Vm9r", "001A0000006Vm9rIAC"}
    assert spellings("eng-7k3m9qxa") == {"eng-7k3m9qxa", "ENG-7K3M9QXA"}
    assert spellings("  ") == frozenset()


async def test_any_id_of_any_system_finds_its_document(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("88121", 1, 60)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    engagement, project = ("engagement", deal.engagement), ("project", deal.project)
    assert (await found(books, deal.opportunity))[0] == engagement
    assert (await found(books, deal.opportunity[:15]))[0] == engagement
    assert (await found(books, deal.opportunity.lower()))[0] == engagement
    assert engagement in await found(books, deal.engagement.lower())
    assert await found(books, deal.workspace) == [project]
    assert await found(books, "501") == [project]
    assert await found(books, f"{deal.workspace}2") == [project]
    assert ("customer", deal.customer) in await found(books, "101")
    assert (await found(books, "2026/0001"))[0][0] == "invoice"
    assert await found(books, "88121") == [("time_entry", "kantata/88121")]
    assert await found(books, "kantata/88121") == [("time_entry", "kantata/88121")]
    assert await found(books, "") == await found(books, "nothing at all") == []


async def test_an_id_that_is_gone_after_a_merge_still_finds_the_winner(books: Books) -> None:
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        await crosswalk.redirect(tx, "customer", "salesforce", "001LOSER", deal.customer, books.now())
        assert await find(tx, "001LOSER") == [
            Hit("customer", deal.customer, "Customer of Data Foundation 1", "an earlier id in salesforce")
        ]


async def test_a_name_is_searched_when_it_is_no_id(books: Books) -> None:
    deal = await books.deal(1, name="Globex Data Platform")
    assert ("engagement", deal.engagement) in await found(books, "globex")
    assert await found(books, "gl") == []


async def test_holds_approvals_runs_effects_are_found_by_their_numbers(books: Books) -> None:
    deal = await books.deal(1)
    run = await books.held(deal.opportunity, [Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})])
    number = await books.approval(deal, ["Net 60"], requested_by="margaret.osei@kestrel.example")
    async with books.database.transaction() as tx:
        (hold,) = await rows(tx, "select id from hold")
    assert await found(books, f"h-{hold['id']}") == [("hold", f"H-{hold['id']}")]
    assert await found(books, f"A-{number}") == [("approval", f"A-{number}")]
    assert await found(books, "H-999") == await found(books, "H-99999999999999999999") == []
    assert await found(books, run) == [("run", run)]


async def test_a_record_that_is_no_document_yet_is_found_with_its_hold(books: Books) -> None:
    await books.held("006Hs00000aBc77IAE", [Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})])
    key = "salesforce/opportunity/006Hs00000aBc77IAE"
    assert await found(books, "006Hs00000aBc77IAE") == [("record", key)]
    async with books.database.transaction() as tx:
        page = await document_page(tx, "record", key)
    assert page is not None
    assert [each["code"] for each in page.holds] == ["package.unknown"]
    assert [each["state"] for each in page.runs] == ["held"]


async def test_the_page_of_a_document_has_all_that_hangs_on_it(books: Books) -> None:
    deal = await books.deal(1)
    other = await books.deal(2)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(other, [("T2", 1, 60)])
    await books.posted(deal, await books.proposal(deal), "2026/0001", paid="67.20")
    await books.proposal(other)
    await books.held(deal.opportunity, [Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})])
    await books.approval(deal, ["Net 60"], requested_by="margaret.osei@kestrel.example")
    async with books.database.transaction() as tx:
        page = await document_page(tx, "engagement", deal.engagement)
        project = await document_page(tx, "project", deal.project)
        customer = await document_page(tx, "customer", deal.customer)
        assert await document_page(tx, "project", "PRJ-UNKNOWN") is None
    assert page is not None
    assert project is not None
    assert customer is not None
    assert (page.title, page.body["amount"]) == ("Data Foundation 1", "50000.00")
    assert page.trail["name"]["source"] == "Name"
    assert [(each["connection"], each["role"]) for each in page.records] == [("salesforce", "crm")]
    assert {(each["connection"], each["record_id"]) for each in project.records} == {
        ("erp-us", "501"),
        ("kantata", deal.workspace),
    }
    assert {(each.kind, each.key) for each in page.related} == {("project", deal.project), ("customer", deal.customer)}
    assert [each["code"] for each in page.holds] == ["package.unknown"]
    assert len(page.approvals) == 1
    for each in (page, project, customer):
        assert each.engagements == [deal.engagement]
        assert [invoice["number"] for invoice in each.invoices] == ["2026/0001"]
        assert each.invoices[0]["paid"] == Decimal("67.20")
        (money,) = each.money
        assert (money.sold, money.billed_net, money.open) == (
            Decimal("50000.00"),
            Decimal("340.00"),
            Decimal("300.00"),
        )


async def test_versions_name_the_fields_that_changed(books: Books) -> None:
    deal = await books.deal(1)
    await books.deal(1, amount="60000.00", name="Data Foundation, larger")
    async with books.database.transaction() as tx:
        page = await document_page(tx, "engagement", deal.engagement)
    assert page is not None
    assert [(each.version, list(each.changed)) for each in page.versions] == [
        (2, ["amount", "customer.name", "name"]),
        (1, []),
    ]
