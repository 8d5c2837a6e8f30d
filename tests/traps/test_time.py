"""Traps of time (T13 to T28), each told to the books and asked back from them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.proposal import period_end
from tieout.store import lineage, time, timesheets
from tieout.store.database import rows
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
OCTOBER = date(2026, 10, 31)


async def unbilled(books: Books, deal: Deal, through: date = OCTOBER) -> dict[str, int]:
    async with books.database.transaction() as tx:
        return {each["source_id"]: each["minutes"] for each in await time.unbilled(tx, deal.engagement, through)}


async def test_t15_more_hours_on_an_invoiced_day_move_the_timesheet_and_not_the_bill(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    await books.time(deal, [("T1", 1, 90)], billable_minutes=60)
    assert await unbilled(books, deal) == {}
    async with books.database.transaction() as tx:
        (entry,) = await rows(tx, "select minutes, billable_minutes from time_entry")
        (invoice,) = await lineage.of_invoice(tx, "2026/0001")
    assert entry == {"minutes": 90, "billable_minutes": 60}
    assert invoice.verdict == "ties out"
    assert [each.minutes for each in invoice.lines[0].evidence] == [60]


async def test_t17_one_entry_of_a_timesheet_is_billed_while_the_other_waits(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(deal, [("T2", 1, 60)], rate="1.00")
    proposal = await books.proposal(deal)
    assert [each["source_id"] for each in proposal.evidence] == ["T1"]
    async with books.database.transaction() as tx:
        waiting = await rows(tx, "select source_id from time_entry where problem = 'time.rate_differs'")
    assert waiting == [{"source_id": "T2"}]


async def test_t22_a_week_across_two_months_is_cut_between_its_days(books: Books) -> None:
    deal = await books.deal(1)
    for day in ("2026-10-30", "2026-10-31", "2026-11-01"):
        await books.time(deal, [(day, 1, 60)], work_date=day)
    assert period_end("2026-10") == OCTOBER
    assert set(await unbilled(books, deal)) == {"2026-10-30", "2026-10-31"}
    assert set(await unbilled(books, deal, date(2026, 11, 30))) == {"2026-10-30", "2026-10-31", "2026-11-01"}


async def test_t23_time_that_comes_after_its_invoice_is_left_for_the_next(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    first = await books.proposal(deal)
    await books.time(deal, [("T2", 1, 30)])
    assert await unbilled(books, deal) == {"T2": 30}
    second = await books.proposal(deal, "2026-11")
    assert [len(each.evidence) for each in (first, second)] == [1, 1]
    assert [each["work_date"] for each in second.evidence] == [date(2026, 10, 5)]


async def test_t21_late_work_keeps_its_day_and_is_told_as_late_where_it_is_billed(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.proposal(deal)
    await books.time(deal, [("T2", 1, 30)])
    await books.time(deal, [("T3", 1, 30)], work_date="2026-11-09")
    november = await books.proposal(deal, "2026-11")
    async with books.database.transaction() as tx:
        (found,) = await lineage.of_invoice(tx, november.invoice.key)
    told = [(each.source_id, each.work_date, each.late) for each in found.lines[0].evidence]
    assert told == [("T2", date(2026, 10, 5), True), ("T3", date(2026, 11, 9), False)]


async def test_t25_timesheets_get_the_hours_worked_and_invoices_the_hours_billed(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 480)], billable_minutes=420)
    assert await unbilled(books, deal) == {"T1": 420}
    async with books.database.transaction() as tx:
        name = await timesheets.form_batch(tx, "US", kind="new", size=10)
        assert name is not None
        (line,) = await timesheets.batch(tx, name, deal.erp)
    assert line["minutes"] == 480
    assert (await books.proposal(deal)).invoice.lines[0].quantity == Decimal("7.00")


async def test_t27_the_day_of_the_work_is_the_worker_s_and_not_that_of_the_stamp(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)], work_date="2026-10-31", approved_at="2026-11-01T06:30:00+00:00")
    assert await unbilled(books, deal) == {"T1": 60}
    assert [each["work_date"] for each in (await books.proposal(deal)).evidence] == [OCTOBER]


async def test_t28_a_role_that_no_card_prices_waits_and_is_not_silently_free(books: Books) -> None:
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        await tx.execute("update project_task set role = 'Astrologer' where key = %s", (deal.task(1),))
    await books.time(deal, [("T1", 1, 60), ("T2", 2, 60)])
    async with books.database.transaction() as tx:
        found = await rows(tx, "select source_id, problem from time_entry order by source_id")
    assert found == [{"source_id": "T1", "problem": "time.rate_missing"}, {"source_id": "T2", "problem": ""}]


async def test_t43_two_projects_of_one_customer_are_two_documents(books: Books) -> None:
    deals = [await books.deal(number) for number in (1, 2)]
    for number, deal in enumerate(deals):
        await books.time(deal, [(f"T{number}", 1, 60)])
    proposals = [await books.proposal(deal) for deal in deals]
    assert [each.invoice.project for each in proposals] == [each.project for each in deals]
    assert [[entry["source_id"] for entry in each.evidence] for each in proposals] == [["T0"], ["T1"]]
