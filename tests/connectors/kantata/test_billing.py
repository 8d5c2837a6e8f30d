"""What is billed besides time: expenses in other currencies with their receipts, milestones, and what happens after billing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.kantata.conftest import Cast

from tieout.connectors.kantata.emulator import KantataExchangeRate

RATES = [
    KantataExchangeRate("GBP", "USD", Decimal("1.30"), date(2026, 1, 1)),
    KantataExchangeRate("GBP", "USD", Decimal("1.3457"), date(2026, 10, 5)),
]


@pytest.fixture
def trip(firm: Cast) -> Any:
    async def filed(project: dict[str, Any], **values: Any) -> dict[str, Any]:
        facts = {"workspace_id": project["id"], "date": "2026-10-05", "category": "Travel", **values}
        return await firm.consultant.create("expenses", "expense", **facts)

    return filed


@pytest.fixture
def exchange(firm: Cast) -> Any:
    async def table() -> None:
        for each in RATES:
            row = {
                "source": each.source,
                "target": each.target,
                "rate": str(each.rate),
                "effective": str(each.effective),
            }
            assert (await firm.http.post("/_sandbox/exchange-rates", json=row)).status_code == 200

    return table


async def reported(firm: Cast, expense: dict[str, Any]) -> dict[str, Any]:
    values = {"workspace_id": expense["workspace_id"], "title": "Trip", "line_item_ids": [expense["id"]]}
    return await firm.consultant.create("expense_report_submissions", "expense_report_submission", **values)


async def test_a_receipt_in_a_third_currency_becomes_a_claim_in_the_projects(
    firm: Cast, trip: Any, exchange: Any
) -> None:
    await exchange()
    project = await firm.project()
    receipt = await firm.consultant.create(
        "attachments", "attachment", type="receipt", direct=True, filename="hotel.pdf"
    )
    await firm.consultant.ok("PUT", f"/attachments/{receipt['id']}/sync")
    foreign = {"source_value": "210.40", "source_currency": "GBP"}
    expense = await trip(project, foreign_exchange_amount=foreign, amount_in_cents=1, receipt_id=receipt["id"])
    assert (expense["amount_in_cents"], expense["currency"]) == (28_314, "USD")  # 210.40 at 1.3457 = 283.13528
    assert expense["foreign_exchange_amount"] == foreign
    seen = await firm.approver.ok("GET", "/expenses", include="receipt")
    assert seen["attachments"][receipt["id"]]["filename"] == "hotel.pdf"
    earlier = await trip(project, foreign_exchange_amount=foreign, date="2026-09-30")
    assert earlier["amount_in_cents"] == 27_352
    again = await firm.consultant.ok("PUT", f"/expenses/{expense['id']}", {"expense": {"amount_in_cents": 28_000}})
    assert again["expenses"][expense["id"]]["foreign_exchange_amount"] is None


async def test_what_is_no_expense(firm: Cast, trip: Any) -> None:
    project = await firm.project()
    body = {"workspace_id": project["id"], "date": "2026-10-05", "category": "Travel"}
    for values, field in (
        ({}, "amount_in_cents"),
        ({"foreign_exchange_amount": {"source_value": "1", "source_currency": "CHF"}}, "foreign_exchange_amount"),
        ({"foreign_exchange_amount": {"source_value": "many"}}, "foreign_exchange_amount"),
        ({"amount_in_cents": 1, "receipt_id": "7"}, "receipt_id"),
    ):
        status, errors = await firm.consultant.refused("POST", "/expenses", {"expense": {**body, **values}})
        assert (status, errors[0]["field"]) == (422, field)
    nothing = {"attachment": {"type": "receipt", "direct": True}}
    assert (await firm.consultant.refused("POST", "/attachments", nothing))[0] == 422


async def test_an_edit_after_the_approval_is_told_and_the_approval_stays(firm: Cast, trip: Any) -> None:
    project = await firm.project()
    expense = await trip(project, amount_in_cents=10_000)
    report = await reported(firm, expense)
    assert (await firm.approver.ok("GET", f"/workspaces/{project['id']}"))["workspaces"][project["id"]][
        "has_active_expense_report_submissions"
    ]
    await firm.approver.ok("PUT", f"/expense_report_submissions/{report['id']}/approve", {})
    firm.clock.forward(days=2)
    since = firm.clock().isoformat()
    firm.clock.forward(minutes=1)
    path, body = f"/expenses/{expense['id']}", {"expense": {"amount_in_cents": 9_000}}
    assert (await firm.consultant.refused("PUT", path, body))[0] == 422
    await firm.approver.ok("PUT", path, body)
    (changed,) = await firm.hub.list("/expenses", updated_after=since, approved="true")
    assert (changed["id"], changed["amount_in_cents"]) == (expense["id"], 9_000)
    firm.account.events.deliver()
    told = await firm.hub.list("/subscribed_events", event_types="expense:updated", created_after=since)
    assert {each["subject_id"] for each in told} == {int(expense["id"])}
    (still,) = await firm.hub.list("/expense_report_submissions", statuses="approved")
    assert still["line_item_total_in_cents"] == 9_000


async def test_an_approval_with_billing_activity_cannot_be_cancelled(firm: Cast, trip: Any) -> None:
    project = await firm.project()
    free, billed = await trip(project, amount_in_cents=1_000), await trip(project, amount_in_cents=2_000)
    reports = [await reported(firm, each) for each in (free, billed)]
    for each in reports:
        await firm.approver.ok("PUT", f"/expense_report_submissions/{each['id']}/approve", {})
    bill = {"invoice": {"workspace_id": project["id"], "expense_ids": [billed["id"]]}}
    await firm.approver.ok("POST", "/invoices", bill)
    cancel = [f"/expense_report_submissions/{each['id']}/cancel" for each in reports]
    await firm.approver.ok("PUT", cancel[0], {"resolution": {"description": "wrong project"}})
    status, errors = await firm.approver.refused("PUT", cancel[1], {})
    assert (status, errors[0]["message"]) == (422, "This submission has billing activity and cannot be cancelled")
    (gone,) = await firm.approver.list("/expenses", only=free["id"])
    assert gone["approved"] is False


async def test_a_milestone_is_billed_when_it_is_completed_and_stays_billed_when_that_is_taken_back(firm: Cast) -> None:
    project = await firm.project(stories_are_fixed_fee_by_default=True)
    facts = {"workspace_id": project["id"], "title": "Go-live", "story_type": "milestone"}
    story = await firm.approver.create("stories", "story", **facts)
    assert story["fixed_fee"] is True
    plan = {"workspace_id": project["id"], "title": "40 % at go-live", "amount_in_cents": 4_000_000}
    late = {**plan, "billing_type": "upon_completion"}
    assert (await firm.approver.refused("POST", "/billing_milestones", {"billing_milestone": late}))[0] == 422
    milestone = await firm.approver.create("billing_milestones", "billing_milestone", **late, story_id=story["id"])
    bill = {"invoice": {"workspace_id": project["id"], "billing_milestone_ids": [milestone["id"]]}}
    assert (await firm.approver.refused("POST", "/invoices", bill))[0] == 422
    path = f"/stories/{story['id']}"
    await firm.approver.ok("PUT", path, {"story": {"state": "completed"}})
    made = await firm.approver.ok("POST", "/invoices", bill)
    assert [each["balance_in_cents"] for each in made["invoices"].values()] == [4_000_000]
    since = firm.clock().isoformat()
    firm.clock.forward(hours=1)
    await firm.approver.ok("PUT", path, {"story": {"state": "started"}})
    (row,) = await firm.hub.list("/billing_milestones", story_ids=story["id"], include="invoices")
    assert len(row["invoice_ids"]) == 1
    states = await firm.hub.list("/story_state_changes", story_id=story["id"])
    assert [each["state"] for each in states] == ["completed", "started"]
    assert (await firm.hub.refused("GET", "/story_state_changes"))[0] == 400
    firm.account.events.deliver()
    told = await firm.hub.list("/subscribed_events", event_types="story:updated", created_after=since)
    assert int(story["id"]) in {each["subject_id"] for each in told}
    for method in ("PUT", "DELETE"):
        body = {"billing_milestone": {"amount_in_cents": 1}}
        assert (await firm.approver.refused(method, f"/billing_milestones/{milestone['id']}", body))[0] == 422
    assert (await firm.consultant.list("/billing_milestones")) == []


async def test_a_billing_milestone_of_a_day_waits_for_it(firm: Cast) -> None:
    project = await firm.project()
    plan = {"workspace_id": project["id"], "title": "Start", "amount_in_cents": 100, "date_to_invoice": "2026-10-20"}
    milestone = await firm.approver.create("billing_milestones", "billing_milestone", **plan)
    bill = {"invoice": {"workspace_id": project["id"], "billing_milestone_ids": [milestone["id"]]}}
    assert (await firm.approver.refused("POST", "/invoices", bill))[0] == 422
    between = await firm.hub.list("/billing_milestones", date_between="2026-10-01:2026-10-31")
    assert [each["id"] for each in between] == [milestone["id"]]
    firm.clock.forward(days=16)
    await firm.approver.ok("POST", "/invoices", bill)


async def test_expenses_burn_the_budget_where_the_project_says_so(firm: Cast, trip: Any) -> None:
    project = await firm.project(expenses_in_burn_rate=True, tasks_default_non_billable=True)
    await trip(project, amount_in_cents=250_000)
    await trip(project, amount_in_cents=50_000, billable=False)
    seen = (await firm.approver.ok("GET", f"/workspaces/{project['id']}"))["workspaces"][project["id"]]
    assert seen["budget_used_in_cents"] == 250_000
    internal = await firm.approver.create(
        "stories", "story", workspace_id=project["id"], title="Sales support", story_type="task"
    )
    assert internal["billable"] is False
