"""Work that nobody has signed for stands in the books, at risk and never unbilled, until the contract comes (T06)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.store import board, documents, entry_story, projects, time, timesheets
from tieout.store.database import migrate, rows
from tieout.store.figures import figures
from tieout.testing.books import Books, Deal
from tieout.testing.database import opened

pytestmark = pytest.mark.anyio


async def unsigned(books: Books) -> Deal:
    """A deal whose work began early: eight hours and a half of it approved, half an hour not."""
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        await tx.execute(
            "update project set contract_version = 0, state = 'tentative', tentative_until = '2026-11-05' where key = %s",
            (deal.project,),
        )
        await tx.execute("delete from crosswalk where kind = 'project' and connection = 'erp-us'")
    await books.time(deal, [("T1", 1, 450), ("T2", 2, 60)])
    await books.time(deal, [("T3", 2, 30)], state="submitted")
    return deal


async def sign(books: Books, deal: Deal) -> None:
    async with books.database.transaction() as tx:
        await tx.execute("update project set contract_version = 1, state = 'active' where key = %s", (deal.project,))


async def none_is_billable(books: Books, deal: Deal) -> None:
    async with books.database.transaction() as tx:
        assert await time.unbilled(tx, deal.engagement, date(2026, 12, 31)) == []
        assert await time.engagements_to_bill(tx, "US", date(2026, 12, 31), "2026-12") == []


async def test_it_is_counted_and_shown_at_risk_and_everything_ties_out(books: Books) -> None:
    deal = await unsigned(books)
    found = await figures(books.database)
    (us,) = [each for each in found.totals if each.currency]
    assert (us.approved, us.at_risk, us.unbilled, us.rounding) == (Decimal("2725.25"), Decimal("2725.25"), 0, 0)
    assert found.ties_out
    await none_is_billable(books, deal)
    async with books.database.transaction() as tx:
        (row,) = await board.work(tx, entity="US", currency="USD")
        assert (row["at_risk"], row["at_risk_minutes"], row["unbilled"], row["unbilled_minutes"]) == (
            us.at_risk,
            510,
            0,
            0,
        )
        assert await time.at_risk(tx, deal.project) == {"minutes": 540, "amount": Decimal("2812.88")}


async def test_saboteur_a_project_that_counts_as_signed_would_be_billed(books: Books) -> None:
    deal = await unsigned(books)
    await sign(books, deal)
    with pytest.raises(AssertionError):
        await none_is_billable(books, deal)


async def test_with_the_contract_it_is_unbilled_work_like_all_other_and_stands_under_version_1(books: Books) -> None:
    deal = await unsigned(books)
    await sign(books, deal)
    async with books.database.transaction() as tx:
        found = await time.unbilled(tx, deal.engagement, date(2026, 12, 31))
        assert [each["contract_version"] for each in found] == [1, 1], "even where it was priced before"
        assert len(await time.early(tx, deal.project)) == 3
    (us,) = [each for each in (await figures(books.database)).totals if each.currency]
    assert (us.at_risk, us.unbilled) == (0, Decimal("2725.25"))


async def test_it_goes_to_the_erp_once_the_erp_has_the_project(books: Books) -> None:
    deal = await unsigned(books)
    async with books.database.transaction() as tx:
        assert await timesheets.to_deliver(tx) == []
        assert await timesheets.form_batch(tx, "US", kind="new", size=10) is None
        await tx.execute(
            "insert into crosswalk (connection, kind, record_id, key, since) values ('erp-us', 'project', '501', %s, now())",
            (deal.project,),
        )
        assert await timesheets.to_deliver(tx) == ["US"]
        assert await timesheets.form_batch(tx, "US", kind="new", size=10) is not None


async def test_a_term_is_over_the_day_after_its_last(books: Books) -> None:
    deal = await unsigned(books)
    async with books.database.transaction() as tx:
        assert await projects.terms_over(tx, date(2026, 11, 5)) == []
        (over,) = await projects.terms_over(tx, date(2026, 11, 6))
        assert (over["engagement"], over["record_id"]) == (deal.engagement, deal.opportunity)
        await tx.execute("update project set state = 'on_hold' where key = %s", (deal.project,))
        assert await projects.terms_over(tx, date(2026, 11, 6)) == []


async def test_projects_of_before_keep_the_state_that_their_documents_have(database_url: str) -> None:
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.execute("drop schema tieout cascade")
    migrate(database_url, "0005")
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.execute("insert into legal_entity (code, name, currency) values ('US', 'Kestrel Inc.', 'USD')")
        for key, states in (("PRJ-1", ["active", "on_hold"]), ("PRJ-2", ["archived", "active"]), ("PRJ-3", [])):
            await tx.execute(
                """
                insert into project (key, engagement, entity, customer, currency, department, rate_card, contract_version)
                values (%s, %s, 'US', 'CUS-1', 'USD', '410', '2026', 1)
                """,
                (key, key),
            )
            for version, state in enumerate(states, 1):
                await tx.execute(
                    """
                    insert into document (kind, key, version, schema_version, entity, engagement, fingerprint, body, created_at)
                    values ('project', %s, %s, 1, 'US', %s, '', jsonb_build_object('state', %s::text), now())
                    """,
                    (key, version, key, state),
                )
    migrate(database_url)
    async with opened(database_url) as database, database.transaction() as tx:
        found = await rows(tx, "select key, state, tentative_until from project order by key")
    assert [(each["key"], each["state"], each["tentative_until"]) for each in found] == [
        ("PRJ-1", "on_hold", None), ("PRJ-2", "active", None), ("PRJ-3", "active", None),
    ]  # fmt: skip


async def ordered(books: Books, deal: Deal, state: Any) -> None:
    """A change order of a deal as the CRM tells it."""
    order = ChangeOrder(
        key="CHG-1", name="CO-00017", engagement=deal.engagement, state=state, source_id="a01",
        lines=(ChangeLine(id="1", action="add", task="Workshop", role="Consultant", amount=Decimal(2450)),),
    )  # fmt: skip
    async with books.database.transaction() as tx:
        await documents.save(tx, order, entity=None, engagement=deal.engagement, trail={}, now=books.now())


async def risked(books: Books, deal: Deal) -> tuple[Decimal, Decimal, int]:
    """Approved, at risk, and the minutes at risk; the board says the same as the books, which tie out."""
    found = await figures(books.database)
    assert found.ties_out, found.differences
    (us,) = [each for each in found.totals if each.currency]
    async with books.database.transaction() as tx:
        (line,) = await board.work(tx, entity="US", currency="USD")
        story = await entry_story.entry_story(tx, "kantata", "T2")
    assert (line["approved"], line["at_risk"]) == (us.approved, us.at_risk)
    assert story is not None
    assert story.at_risk == (us.at_risk > 0)
    return us.approved, us.at_risk, line["at_risk_minutes"]


async def test_t35_work_on_a_task_of_a_change_that_waits_is_at_risk_until_it_is_decided(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    # The project manager has made the task of the change in the PSA already; the contract does not have it.
    await books.time(deal, [("T2", 9, 120)], rate="175.25")
    agreed, at_risk = Decimal("340.00"), Decimal("350.50")
    assert await risked(books, deal) == (agreed, 0, 0)
    await ordered(books, deal, "draft")
    assert await risked(books, deal) == (agreed, 0, 0)
    await ordered(books, deal, "submitted")
    assert await risked(books, deal) == (agreed + at_risk, at_risk, 120)
    async with books.database.transaction() as tx:
        billable = await time.unbilled(tx, deal.engagement, date(2026, 12, 31))
        assert [each["source_id"] for each in billable if not each["problem"]] == ["T1"]
        (told,) = await time.problems(tx, "kantata")
        assert (told["problem"], told["changes"]) == ("time.task_unknown", "CO-00017"), "the hold names the change"
    for decided in ("rejected", "submitted", "withdrawn", "submitted", "approved"):
        await ordered(books, deal, decided)
        assert await risked(books, deal) == (
            (agreed + at_risk, at_risk, 120) if decided == "submitted" else (agreed, 0, 0)
        )


async def test_t35_books_that_forget_the_changes_that_wait_are_caught(books: Books) -> None:
    async with books.database.transaction() as tx:
        await tx.execute(
            "create or replace function change_waits(wanted text) returns boolean language sql stable as 'select false'"
        )
    deal = await books.deal(1)
    await books.time(deal, [("T2", 9, 120)], rate="175.25")
    await ordered(books, deal, "submitted")
    assert await risked(books, deal) != (Decimal("350.50"), Decimal("350.50"), 120)


async def test_holds_of_before_name_no_change_and_can_be_read(database_url: str) -> None:
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.execute("drop schema tieout cascade")
    migrate(database_url, "0041")
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.execute(
            """
            insert into hold (flow, subject, run_id, title, code, cause, facts, owner, opened_at, first_opened_at, due_at)
            values ('f', 's', 'r', 't', 'time.task_unknown', 'c', '{"task": "Workshop"}', 'o', now(), now(), now())
            """
        )
    migrate(database_url)
    async with opened(database_url) as database, database.transaction() as tx:
        (found,) = await rows(tx, "select facts from hold")
    assert found["facts"] == {"task": "Workshop", "change": ""}
