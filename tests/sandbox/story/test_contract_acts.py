"""What people do about contracts, expenses and milestones, each through the systems' own APIs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.sandbox.crm import PEOPLE_APP
from tieout.sandbox.story.claiming import Claiming, Paid
from tieout.sandbox.story.desks import Refused, SalesDesk, WorkDesk
from tieout.sandbox.story.quoting import Amendment, Offered, Quoting

TODAY = date(2026, 9, 30)
HOTEL = Paid(date(2026, 9, 28), "Lodging", Decimal("210.40"), "GBP", "hotel.pdf", "two nights in London")


@pytest.fixture
def quoting(stage: Any) -> Any:
    """`quoting("US")`: the seller of an entity at a desk of their own."""

    def seated(entity: str) -> Quoting:
        seller = stage.firm.seller(entity)
        app = PEOPLE_APP, stage.crm.people_app_secret
        login = {"username": seller.email, "password": stage.crm.password(seller.email)}
        return Quoting(
            stage.firm, seller, SalesDesk(stage.crm_http, stage.clock.tick, app=app, **login), stage.story.journal
        )

    return seated


@pytest.fixture
def claiming(stage: Any) -> Any:
    """`await claiming(number)`: a person at a desk in Kantata."""

    def seated(number: str) -> Claiming:
        person = stage.firm.person(number)
        desk = WorkDesk(stage.psa_http, stage.clock.tick, token=stage.psa.token(person.email))
        return Claiming(person, desk, stage.story.journal)

    return seated


async def new_deal(stage: Any) -> str:
    return await stage.seller.create(
        "Opportunity", {"Name": "Reporting", "StageName": "Qualification", "CloseDate": "2026-10-30"}
    )


async def products(stage: Any, deal: str) -> list[dict[str, Any]]:
    fields = "Id, Task__c, Quantity, Package_Instance_Id__c, Service_Package__c"
    return await stage.seller.rows(
        f"SELECT {fields} FROM OpportunityLineItem WHERE OpportunityId = '{deal}' ORDER BY Id"
    )


async def test_a_deal_is_quoted_from_packages_quoted_again_and_won_by_the_second(stage: Any, quoting: Any) -> None:
    seller, deal = quoting("US"), await new_deal(stage)
    package = stage.firm.packages[0]
    first_task = package.tasks[0].name
    offer = Offered("P-1", package.code, {})
    first = await seller.quote(deal, "Offer 1", [offer, Offered("P-2", package.code, {})], TODAY)
    assert await products(stage, deal) == []
    await seller.present(deal, first)
    before = await products(stage, deal)
    assert {each["Package_Instance_Id__c"] for each in before} == {"P-1", "P-2"}
    second = await seller.quote(deal, "Offer 2", [Offered("P-1", package.code, {first_task: Decimal(4)})], TODAY)
    await seller.win_by(deal, second)
    after = await products(stage, deal)
    assert {each["Package_Instance_Id__c"] for each in after} == {"P-1"}
    assert {each["Id"] for each in before}.isdisjoint(each["Id"] for each in after)
    assert next(each for each in after if each["Task__c"] == first_task)["Quantity"] == 4
    (row,) = await stage.seller.rows(f"SELECT IsWon, SyncedQuote.Status FROM Opportunity WHERE Id = '{deal}'")
    assert (row["IsWon"], row["SyncedQuote"]["Status"]) == (True, "Accepted")


async def test_a_change_order_is_raised_by_one_and_approved_by_another(stage: Any, quoting: Any) -> None:
    deal = await new_deal(stage)
    lines = [
        Amendment(
            "Add", "P-3", Decimal(2450), "Workshop", "Senior Consultant", Decimal(10), Decimal(245), Decimal(2450)
        ),
        Amendment("Remove", "P-1", Decimal(-1000), end=date(2026, 10, 31)),
    ]
    order = await quoting("US").raise_change_order(deal, "One more workshop", date(2026, 10, 12), lines)
    with pytest.raises(Refused, match="of their own"):
        await quoting("US").decide(order, "Approved")
    await quoting("DE").decide(order, "Approved")
    (row,) = await stage.seller.rows(
        "SELECT Status__c, Amount_Delta__c, Decided_By__r.Username, (SELECT Action__c, Amount__c FROM Lines__r ORDER BY Id)"
        f" FROM Change_Order__c WHERE Id = '{order}'"
    )
    assert (row["Status__c"], row["Amount_Delta__c"]) == ("Approved", 1450)
    assert row["Decided_By__r"]["Username"] == stage.firm.seller("DE").email
    assert [(each["Action__c"], each["Amount__c"]) for each in row["Lines__r"]["records"]] == [
        ("Add", 2450),
        ("Remove", -1000),
    ]


async def staffed(stage: Any) -> str:
    """A project led by the American lead, in which a consultant takes part."""
    lead = WorkDesk(stage.psa_http, stage.clock.tick, token=stage.psa.token(stage.firm.lead("US").email))
    consultant = WorkDesk(stage.psa_http, stage.clock.tick, token=stage.psa.token(stage.firm.person("K003").email))
    facts = {
        "title": "Reporting",
        "price": 10_000,
        "currency": "USD",
        "participations": [{"user_id": await consultant.me()}],
    }
    return await lead.create("workspaces", "workspace", facts)


async def test_a_consultant_claims_an_expense_that_was_paid_in_a_third_currency(stage: Any, claiming: Any) -> None:
    project = await staffed(stage)
    expense, report = await claiming("K003").file_expense(project, HOTEL)
    await claiming(stage.firm.lead("US").number).approve(report, "expense_report_submissions")
    (row,) = await stage.hub.all("expenses", workspace_id=project, approved="true", include="receipt")
    assert (row["id"], row["amount_in_cents"], row["currency"]) == (expense, 28_299, "USD")
    assert row["foreign_exchange_amount"] == {"source_value": "210.40", "source_currency": "GBP"}
    _, receipts = await stage.hub.all_with("expenses", "attachments", include="receipt")
    assert [each["filename"] for each in receipts] == ["hotel.pdf"]


async def test_an_approval_is_taken_back_after_a_bill_elsewhere_but_not_after_kantatas_own(
    stage: Any, claiming: Any
) -> None:
    project, lead = await staffed(stage), claiming(stage.firm.lead("US").number)
    reports = [(await claiming("K003").file_expense(project, HOTEL)) for _ in "ab"]
    for _, report in reports:
        await lead.approve(report, "expense_report_submissions")
    await stage.hub.create("invoices", "invoice", {"workspace_id": project, "expense_ids": [reports[0][0]]})
    with pytest.raises(Refused, match="billing activity"):
        await lead.revoke(reports[0][1], "expense_report_submissions", "paid privately")
    await lead.revoke(reports[1][1], "expense_report_submissions", "paid privately")
    approved = await stage.hub.all("expenses", workspace_id=project, approved="true")
    assert [each["id"] for each in approved] == [reports[0][0]]


async def test_a_milestone_is_completed_and_taken_back(stage: Any, claiming: Any) -> None:
    project, lead = await staffed(stage), claiming(stage.firm.lead("US").number)
    facts = {"workspace_id": project, "title": "Go-live", "story_type": "milestone"}
    milestone = await stage.hub.create("stories", "story", facts)
    await lead.complete(milestone)
    await lead.reopen(milestone, "the customer found a gap")
    changes = await stage.hub.all("story_state_changes", story_id=milestone)
    assert [each["state"] for each in changes] == ["completed", "started"]
    (told,) = stage.acts("reopened")
    assert told.endswith(f"reopened the milestone {milestone}: the customer found a gap")
