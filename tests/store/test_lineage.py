"""Backwards from a line to the work, the approval and the rate; forwards from an entry to what it became."""

from __future__ import annotations

import time as stopwatch
from decimal import Decimal

import pytest

from tieout.store import invoices, lineage
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def test_each_line_is_the_sum_of_its_entries_and_its_rounding(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 450), ("T2", 1, 100), ("T3", 2, 50)])
    await books.posted(deal, await books.proposal(deal), "2026/0001", paid="10.00")
    async with books.database.transaction() as tx:
        (found,) = await lineage.of_invoice(tx, " 2026/0001 ")
    principal, consultant = found.lines
    assert (principal.task, principal.role, principal.quantity) == ("Discovery", "Principal", Decimal("9.17"))
    assert [each.amount for each in principal.evidence] == [Decimal("2550.00"), Decimal("566.67")]
    assert (principal.amount, principal.rounding) == (Decimal("3117.80"), Decimal("1.13"))
    assert (principal.evidence_sum, principal.minutes) == (Decimal("3116.67"), 550)
    assert principal.difference == consultant.difference == 0
    assert principal.erp_amount == principal.amount
    assert found.verdict == "ties out"
    entry = principal.evidence[0]
    assert (entry.person, entry.person_name, entry.hours, entry.rate) == (
        "K003",
        "Priya Raman",
        Decimal("7.50"),
        Decimal("340.00"),
    )
    assert (entry.contract_version, entry.rate_card, entry.rate_card_version) == (1, "2026", 1)
    assert (entry.approved_by, entry.mapping) == ("david.lindqvist@kestrel.example", "kantata.time_entry@1")
    assert entry.approved_at is not None


async def test_the_way_back_ends_at_the_deal(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    proposal = await books.proposal(deal)
    async with books.database.transaction() as tx:
        (found,) = await lineage.of_invoice(tx, proposal.invoice.key)
    assert found.deal is not None
    assert found.engagement is not None
    assert found.project is not None
    assert found.customer is not None
    assert (found.deal["connection"], found.deal["record_id"]) == ("salesforce", deal.opportunity)
    assert found.engagement["body"]["name"] == "Data Foundation 1"
    assert found.project["key"] == deal.project
    assert found.customer["body"]["name"] == "Customer of Data Foundation 1"
    assert found.verdict == "not read back yet"


async def test_a_number_that_two_entities_have_gives_both_invoices(books: Books) -> None:
    for number, entity in ((1, "US"), (2, "DE")):
        deal = await books.deal(number, entity=entity)
        await books.time(deal, [(f"T{number}", 1, 60)])
        told = await books.posted(deal, await books.proposal(deal), "2026/0001")
        assert told["number"] == "2026/0001"
    async with books.database.transaction() as tx:
        found = await lineage.of_invoice(tx, "2026/0001")
        assert await lineage.of_invoice(tx, "2026/0002") == []
        assert await lineage.of_invoice(tx, "") == []
    assert [each.invoice["entity"] for each in found] == ["DE", "US"]


LINES = "update message set payload = jsonb_set(payload, '{lines}', "
SABOTAGE = {
    "evidence": "update evidence set amount = amount + 0.01 where source_id = 'T1'",
    "the ERP's amount": "update message set payload = jsonb_set(payload, '{lines,0,amount}', '\"1.00\"')",
    "a line that only the ERP has": LINES + """payload->'lines' || '{"description": "Extra", "amount": "5.00"}')""",
    "a line that the ERP lost": LINES + "(payload->'lines') - 0)",
    "the net": "update invoice set net = net + 1",
}


@pytest.mark.parametrize("sabotage", SABOTAGE)
async def test_an_invoice_that_does_not_tie_out_says_so(books: Books, sabotage: str) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 450), ("T2", 2, 60)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    async with books.database.transaction() as tx:
        await tx.execute(SABOTAGE[sabotage])
        (found,) = await lineage.of_invoice(tx, "2026/0001")
    assert found.verdict == "differs"


async def test_an_entry_tells_that_it_was_billed_credited_and_billed_again(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60), ("T2", 2, 600)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    await books.time(deal, [("T1", 2, 60), ("T3", 1, 600)])
    await books.posted(deal, await books.proposal(deal, "2026-11"), "2026/0002")
    await books.time(deal, [("T1", 2, 90)])
    async with books.database.transaction() as tx:
        story = await lineage.entry_story(tx, "kantata", "T1")
        assert await lineage.entry_story(tx, "kantata", "T9") is None
    assert story is not None
    assert [(each.what, each.number, each.minutes, each.amount) for each in story.chapters] == [
        ("billed", "2026/0001", 60, Decimal("340.00")),
        ("credited", "2026/0002", -60, Decimal("-340.00")),
        ("billed again", "2026/0002", 60, Decimal("175.25")),
    ]
    assert len(story.versions) == 3
    assert (story.person_name, story.project_name) == ("Priya Raman", "Data Foundation 1")
    assert (story.approved_minutes, story.billed_minutes, story.unbilled_minutes) == (90, 60, 30)


async def test_a_withdrawn_invoice_stays_in_the_story_and_counts_for_nothing(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    proposal = await books.proposal(deal)
    async with books.database.transaction() as tx:
        await invoices.withdraw(tx, proposal.invoice.key, books.now())
        story = await lineage.entry_story(tx, "kantata", "T1")
    assert story is not None
    assert [each.what for each in story.chapters] == ["withdrawn"]
    assert story.unbilled_minutes == 60


async def test_ten_thousand_entries_beneath_one_invoice_are_told_at_once(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [(f"T{n}", 1 + n % 2, 15) for n in range(10_000)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    async with books.database.transaction() as tx:
        began = stopwatch.perf_counter()
        (found,) = await lineage.of_invoice(tx, "2026/0001")
        took = stopwatch.perf_counter() - began
        (sums,) = await lineage.of_invoice(tx, "2026/0001", entries_of=())
        (one,) = await lineage.of_invoice(tx, "2026/0001", entries_of=["02"])
    assert [each.entries for each in sums.lines] == [len(each.evidence) for each in found.lines]
    assert [each.minutes for each in sums.lines] == [sum(e.minutes for e in each.evidence) for each in found.lines]
    assert [len(each.evidence) for each in one.lines] == [0, 5000]
    assert one.verdict == sums.verdict == "ties out"
    assert sum(len(each.evidence) for each in found.lines) == 10_000
    assert found.verdict == "ties out"
    assert took < 2, f"{took:.2f} s"
