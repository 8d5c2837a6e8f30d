"""The people of the firm play their weeks: alone, with somebody who sets up projects, cut off and gone on with, and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tieout.sandbox.story.finance import CLOSINGS, OBJECTIONS
from tieout.store.happened import CASES

pytestmark = pytest.mark.anyio

LAST_DAY = date(2026, 12, 4)


async def test_furnishing_the_org_twice_changes_nothing(stage: Any) -> None:
    async def counts() -> dict[str, int]:
        objects = ("Account", "Contact", "Product2", "PricebookEntry", "User", "Opportunity")
        found = {each: await stage.seller.rows(f"SELECT COUNT(Id) n FROM {each}") for each in objects}
        return {name: rows[0]["n"] for name, rows in found.items()}

    from tieout.sandbox.crm import furnish

    before = await counts()
    assert before["Account"] == before["Contact"] == len(stage.firm.customers)
    assert before["PricebookEntry"] == len(stage.firm.roles) * len(stage.firm.rate_cards)
    await furnish(stage.crm, stage.crm_http)
    assert await counts() == before
    (child,) = await stage.seller.rows("SELECT Parent.Name, Tax_Id__c FROM Account WHERE Name = 'Umbra Labs'")
    assert (child["Parent"]["Name"], child["Tax_Id__c"]) == ("Umbra Health Systems", "46-9913305")


async def test_before_the_story_deals_stand_at_several_stages(stage: Any) -> None:
    deals = await stage.seller.rows("SELECT Name, StageName, Owner.Name FROM Opportunity")
    assert len({each["StageName"] for each in deals}) >= 4
    assert {each["Owner"]["Name"] for each in deals} == {"Margaret Osei", "Klaus Brandt"}
    assert stage.clock.today == date(2026, 9, 30)


async def test_without_a_hub_deals_are_won_and_nobody_books_time_on_projects_that_are_not_there(stage: Any) -> None:
    await stage.story.advance(LAST_DAY)
    books = await stage.auditor.books()
    us, de = books["entities"]["US"], books["entities"]["DE"]
    assert (us["crm"]["won"], us["crm"]["lost"], de["crm"]["won"]) == (6, 1, 5)
    assert us["crm"]["won_amount"] == "581540.00"
    assert us["psa"]["projects"] == us["psa"]["entries"] == de["psa"]["entries"] == 0
    assert stage.story.finished
    assert stage.acts("could not go on:") == []
    done = len(stage.story.journal)
    await stage.story.advance(LAST_DAY)
    assert len(stage.story.journal) == done


async def test_sales_have_their_accidents(stage: Any) -> None:
    async def deal(name: str, fields: str) -> Any:
        (found,) = await stage.seller.rows(f"SELECT {fields} FROM Opportunity WHERE Name = '{name}'")
        return found

    await stage.story.advance(date(2026, 10, 5))
    hurried = await deal(
        "Initech Cloud Migration", "IsWon, Practice__c, Expected_End_Date__c, Project_Manager_Email__c"
    )
    assert hurried["IsWon"]
    assert not any(hurried[each] for each in ("Practice__c", "Expected_End_Date__c", "Project_Manager_Email__c"))
    assert (await deal("Globex Data Foundation", "Amount"))["Amount"] == 106000
    await stage.story.advance(date(2026, 10, 21))
    assert (await deal("Initech Cloud Migration", "Practice__c"))["Practice__c"] == "Cloud Platforms"
    assert (await deal("Globex Data Foundation", "Amount"))["Amount"] == 114400
    assert (await deal("Umbra Health Data Foundation", "Amount"))["Amount"] > 250_000
    assert (await deal("Globex Close Accelerator", "Account.Name"))["Account"]["Name"] == "Globex Corp."
    assert not (await deal("Bergmann Data Foundation", "IsWon"))["IsWon"]
    assert (await deal("Globex Close Accelerator", "SyncedQuote.Status"))["SyncedQuote"]["Status"] == "Accepted"
    lines = await stage.seller.rows(
        "SELECT Package_Instance_Id__c FROM OpportunityLineItem WHERE Opportunity.Name = 'Globex Close Accelerator'"
    )
    assert {each["Package_Instance_Id__c"] for each in lines} == {"GC-1", "GC-2"}
    (order,) = await stage.seller.rows(
        "SELECT Status__c, Amount_Delta__c, Decided_By__r.Name FROM Change_Order__c WHERE Opportunity__r.Name = 'Globex Data Foundation'"
    )
    assert (order["Status__c"], order["Amount_Delta__c"]) == ("Approved", 8400)
    assert order["Decided_By__r"]["Name"] == "Klaus Brandt"
    await stage.story.advance(LAST_DAY)
    assert (await deal("Globex Close Accelerator", "Account.Name"))["Account"]["Name"] == "Globex Corporation"
    assert (await deal("Bergmann Data Foundation", "IsWon"))["IsWon"]
    assert (await deal("Nordwind Cloud Migration", "Payment_Terms__c"))["Payment_Terms__c"] == "Net 30"
    assert (await deal("Umbra Labs Close Accelerator", "PO_Number__c"))["PO_Number__c"] == "PO-UL-20417"


@pytest.mark.slow
async def test_with_projects_people_staff_book_submit_and_approve(stage: Any) -> None:
    await stage.play_with_projects(LAST_DAY)
    entries = await stage.entries()
    assert len(stage.acts("staffed")) == 10
    assert all(each["approved"] for each in entries)
    assert {each["billable"] for each in entries} == {True, False}
    assert any(each["time_in_minutes"] % 5 for each in entries)
    assert all(each["rate_in_cents"] for each in entries)
    principal = {
        each["rate_in_cents"] for each in entries if "Discovery" in each["notes"] and each["currency"] == "USD"
    }
    assert principal == {34000, 35000}  # before and after the rate change of 15 October
    assert len(stage.acts("rejected")) == 2
    assert len(stage.acts("corrected")) == 4
    assert len(stage.acts("cancelled")) == 2  # the one before October was billed, the other after
    assert len(stage.acts("deleted")) == len(stage.acts("changed")) == 1
    (revoked, again) = stage.acts("cancelled")
    assert (revoked[:10], again[:10]) == ("2026-10-21", "2026-11-05")
    advice = [each for each in entries if "Data Advisory: " in each["notes"]]
    assert [each["time_in_minutes"] for each in sorted(advice, key=lambda each: each["date_performed"])] == [
        150, 120, 150, 210,
    ]  # fmt: skip
    on_call = sum(each["time_in_minutes"] for each in entries if "On call" in each["notes"])
    abroad = [each["foreign_exchange_amount"] for each in await stage.hub.all("expenses")]
    billed = "2026-11-03"
    # What the demo says of its month at the end (`store.happened`), from the side of the people.
    assert {
        "a package sold through a quote": len(stage.acts("won by")) == 1,
        "a change order in the middle of a month": len(stage.acts("approved the change order")) == 1,
        "a cap that splits an entry": sum(each["time_in_minutes"] for each in advice) > 8 * 60,
        "a retainer with overage": on_call > 2 * 10 * 60,
        "a milestone": len(stage.acts("completed")) == 1,
        "an expense in a third currency": {each["source_currency"] for each in abroad if each} >= {"GBP", "CHF"},
        "an approval revoked after billing": again > billed,
        # By the finance clerks, whose story has the ERP (test_finance_story.py).
        "a partial credit, billed again": all(each.on.isoformat() > billed for each in OBJECTIONS),
        "a late entry for a closed period": stage.acts("booked late")[0] > CLOSINGS[0][0].isoformat(),
    } == dict.fromkeys(CASES, True)
    assert not [each for each in entries if "2026-11-14" <= each["date_performed"] <= "2026-12-02"]
    (late,) = stage.acts("booked late")
    assert late == "2026-11-04 Aisha Bello booked late 1:35 h for 2026-10-29"
    books = await stage.auditor.books()
    for entity in ("US", "DE"):
        approved = books["entities"][entity]["psa"]["approved"]
        assert approved["entries"] > 100
        assert Decimal(approved["value"]) > 0
        assert approved["minutes"] > approved["billable_minutes"]
    assert books["acts"]["booked"] > 250
    assert not any("could not" in each.did for each in stage.story.journal.acts)


async def test_a_restarted_story_goes_on_and_a_finished_one_adds_nothing(
    raise_stage: Callable[..., Any], tmp_path: Path
) -> None:
    async def fingerprint(stage: Any) -> list[Any]:
        entries = await stage.entries()
        return sorted((each["date_performed"], each["notes"], each["time_in_minutes"]) for each in entries)

    async with raise_stage(tmp_path) as stage:
        await stage.play_with_projects(date(2026, 10, 7))
        first, sentences = await fingerprint(stage), [each.sentence for each in stage.story.journal.acts]
    async with raise_stage(tmp_path) as stage:
        assert stage.story.played == date(2026, 10, 7)
        assert await fingerprint(stage) == first
        await stage.story.advance(date(2026, 10, 7))
        assert [each.sentence for each in stage.story.journal.acts] == sentences
        await stage.play_with_projects(date(2026, 10, 9))
        split = await fingerprint(stage)
    async with raise_stage(tmp_path / "in one go") as stage:
        await stage.play_with_projects(date(2026, 10, 9))
        assert await fingerprint(stage) == split


async def test_a_day_that_was_cut_off_is_played_again_without_doing_anything_twice(
    raise_stage: Callable[..., Any], tmp_path: Path
) -> None:
    """The process dies after the work and before it is written down: journal and day are those of the evening before."""
    async with raise_stage(tmp_path) as stage:
        await stage.play_with_projects(date(2026, 10, 8))
        journal, played = (tmp_path / "journal.jsonl").read_text(), (tmp_path / "played").read_text()
        await stage.story.advance(date(2026, 10, 9))
        entries = len(await stage.entries())
        deals = await stage.seller.rows("SELECT Id FROM Opportunity")
        lines = await stage.seller.rows("SELECT Id FROM OpportunityLineItem")
    (tmp_path / "journal.jsonl").write_text(journal)
    (tmp_path / "played").write_text(played)
    async with raise_stage(tmp_path) as stage:
        await stage.story.advance(date(2026, 10, 9))
        assert len(await stage.entries()) == entries
        assert await stage.seller.rows("SELECT Id FROM Opportunity") == deals
        assert await stage.seller.rows("SELECT Id FROM OpportunityLineItem") == lines
        submitted = await stage.hub.all("timesheet_submissions")
        assert all(each["status"] == "approved" for each in submitted)


async def test_weekends_pass_without_work(stage: Any) -> None:
    await stage.story.advance(date(2026, 10, 2))
    before = len(stage.story.journal)
    await stage.story.advance(date(2026, 10, 4))
    assert len(stage.story.journal) == before
    assert stage.clock.today == date(2026, 10, 4)


async def test_a_system_that_refuses_spoils_nobodys_day(stage: Any) -> None:
    password = stage.seller._login.pop("password")
    stage.seller._token = ""
    await stage.story.advance(date(2026, 10, 2))
    assert len(stage.acts("could not go on:")) == 2
    assert "Klaus Brandt won Nordwind Close Accelerator" in " ".join(stage.acts("won"))
    stage.seller._login["password"] = password
    await stage.story.advance(date(2026, 10, 5))
    assert "2026-10-05 Margaret Osei won Globex Data Foundation" in stage.acts("won")
