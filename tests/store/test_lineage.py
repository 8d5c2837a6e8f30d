"""Backwards from a line to the work, the approval and the rate; forwards from an entry to what it became."""

from __future__ import annotations

import time as stopwatch
from decimal import Decimal

import pytest

from tieout.store import invoices, lineage
from tieout.store.database import rows
from tieout.store.entry_story import entry_story
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
        story = await entry_story(tx, "kantata", "T1")
        assert await entry_story(tx, "kantata", "T9") is None
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
        story = await entry_story(tx, "kantata", "T1")
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
        took, began = stopwatch.perf_counter() - began, stopwatch.perf_counter()
        assert len(await rows(tx, "select * from evidence")) == 10_000
        floor = stopwatch.perf_counter() - began
        (sums,) = await lineage.of_invoice(tx, "2026/0001", entries_of=())
        (one,) = await lineage.of_invoice(tx, "2026/0001", entries_of=["02"])
    assert [each.entries for each in sums.lines] == [len(each.evidence) for each in found.lines]
    assert [each.minutes for each in sums.lines] == [sum(e.minutes for e in each.evidence) for each in found.lines]
    assert [len(each.evidence) for each in one.lines] == [0, 5000]
    assert one.verdict == sums.verdict == "ties out"
    assert sum(len(each.evidence) for each in found.lines) == 10_000
    assert found.verdict == "ties out"
    # Each piece by itself would be thousands of statements; the ratio holds on a slow machine, too.
    assert took < 5 * floor, (took, floor)


def line(key: str, text: str, amount: str, price: str = "100") -> dict[str, object]:
    return {"line": key, "description": text, "amount": Decimal(amount), "unit_price": Decimal(price)}


def theirs(text: str, amount: str, price: str = "100") -> lineage.Manual:
    return lineage.Manual(text, Decimal(1), Decimal(price), Decimal(amount))


def test_lines_of_one_text_are_told_apart_by_their_price_whatever_their_order() -> None:
    ours = [line("01", "Discovery", "340", "340"), line("02", "Discovery", "175", "175")]
    found = lineage.beside(ours, [theirs("Discovery", "175", "175"), theirs("Discovery", "340", "340")])
    assert (found.amounts, found.manual) == ({"01": Decimal(340), "02": Decimal(175)}, ())


def test_t53_a_line_by_hand_is_marked_and_explained_by_nothing() -> None:
    found = lineage.beside([line("01", "Discovery", "340")], [theirs("Discovery", "340"), theirs("Travel", "50")])
    assert found.amounts == {"01": Decimal(340)}
    assert [each.description for each in found.manual] == ["Travel"]


def test_t52_lines_that_finance_gathered_in_one_keep_their_own_evidence() -> None:
    ours = [line("01", "Discovery", "340"), line("02", "Reporting", "175"), line("03", "Design", "10")]
    found = lineage.beside(ours, [theirs("Design", "10"), theirs("October", "515")])
    assert found.amounts == {"01": Decimal(340), "02": Decimal(175), "03": Decimal(10)}
    assert found.gathered == {"01": "October", "02": "October"}
    assert found.manual == ()
    nearly = lineage.beside(ours, [theirs("Design", "10"), theirs("October", "515.01")])
    assert nearly.amounts == {"01": 0, "02": 0, "03": Decimal(10)}
    assert [each.amount for each in nearly.manual] == [Decimal("515.01")]


async def test_what_finance_added_and_gathered_is_told_with_the_invoice(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 450), ("T2", 2, 60)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    change = "update message set payload = jsonb_set(payload, '{lines}', %s::jsonb)"
    async with books.database.transaction() as tx:
        (before,) = await lineage.of_invoice(tx, "2026/0001")
        net = sum(each.amount for each in before.lines)
        await tx.execute(change, (f'[{{"description": "October", "amount": "{net}"}}]',))
        (gathered,) = await lineage.of_invoice(tx, "2026/0001")
        assert gathered.verdict == "ties out"
        assert {each.gathered_in for each in gathered.lines} == {"October"}
        await tx.execute(
            change,
            (f'[{{"description": "October", "amount": "{net}"}}, {{"description": "Travel", "amount": "50.00"}}]',),
        )
        (manual,) = await lineage.of_invoice(tx, "2026/0001")
    assert manual.verdict == "differs"
    assert [(each.description, each.amount) for each in manual.manual] == [("Travel", Decimal("50.00"))]
    assert {each.verdict for each in manual.lines} == {"ties out"}


async def test_an_entry_tells_what_the_contract_does_not_bill_of_it(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    async with books.database.transaction() as tx:
        await tx.execute(
            """
            insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate,
                               minutes, worth, agreed, why, decided_at)
            values (%s, 'US', 'USD', 'kantata', 'T1', 'time', '', '', '', '2026-10-05', 'over_cap', 45, 255, 340, 'cap', %s)
            """,
            (deal.engagement, books.now()),
        )
        story = await entry_story(tx, "kantata", "T1")
    assert story is not None
    assert [(each["fate"], each["why"], each["minutes"]) for each in story.aside] == [("over_cap", "cap", 45)]
    assert story.unbilled_minutes == 15
