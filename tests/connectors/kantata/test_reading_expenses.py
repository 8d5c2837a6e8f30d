"""Expenses as the hub reads them: every state of one once, what was paid and what was claimed, and what nobody pushes (T32)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from tieout.connectors.contract import Change, Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC, Kantata
from tieout.connectors.kantata.emulator import KantataAccount
from tieout.domain.documents.expense import Expense
from tieout.domain.identity import Ref
from tieout.domain.money import Money

from .conftest import Cast, open_connector
from .garbling import Garbling

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def rates(account: KantataAccount) -> None:
    rate = {"source": "GBP", "target": "USD", "effective": "2026-01-01", "rate": "1.3450"}
    account.records.set_fact("exchange_rates", [rate])


async def swept(hub: Kantata, since: str | None = None) -> tuple[dict[str, list[Change]], str]:
    """A whole sweep: what it tells of each expense, in its order."""
    found: dict[str, list[Change]] = {}
    while True:
        page = await hub.changes("expense", since)
        for each in page.changes:
            found.setdefault(each.ref.id, []).append(each)
        since = page.cursor
        if not page.more:
            return found, since


async def claim(firm: Cast, project: dict[str, Any], **facts: Any) -> dict[str, Any]:
    receipt = await firm.consultant.create(
        "attachments", "attachment", type="receipt", direct=True, filename="hotel.pdf"
    )
    values = {"workspace_id": project["id"], "date": "2026-10-05", "category": "Travel", "receipt_id": receipt["id"]}
    return await firm.consultant.create("expenses", "expense", **values, **facts)


async def approve(firm: Cast, project: dict[str, Any], *expenses: dict[str, Any]) -> str:
    report = await firm.consultant.create(
        "expense_report_submissions", "expense_report_submission", workspace_id=project["id"], title="Trip to London",
        line_item_ids=[each["id"] for each in expenses],
    )  # fmt: skip
    body = {"resolution": {"description": "as agreed"}}
    await firm.approver.ok("PUT", f"/expense_report_submissions/{report['id']}/approve", body)
    return report["id"]


async def claimed_long_ago(firm: Cast, hub: Kantata) -> tuple[dict[str, Any], str]:
    """An expense that the sweeps have left behind, for another one came after it."""
    project = await firm.project()
    expense = await claim(firm, project, amount_in_cents=10_000)
    firm.clock.forward(hours=1)
    await claim(firm, project, amount_in_cents=500)
    _, cursor = await swept(hub)
    firm.clock.forward(hours=1)
    return expense, cursor


async def in_some_sweeps(hub: Kantata, cursor: str, expense: str) -> dict[str, list[Change]]:
    """What is told of an expense, within ten minutes of sweeps every fifteen seconds; events are looked at that seldom."""
    for _ in range(40):
        found, cursor = await swept(hub, cursor)
        if expense in found:
            return found
    return {}


async def test_the_events_of_a_month_end_are_not_read_with_every_sweep(firm: Cast, hub: Kantata) -> None:
    asked: list[str] = []
    client: Any = hub._client  # pyright: ignore[reportPrivateUsage]
    reads = client.list

    async def counted(path: str, **params: Any) -> Any:
        asked.append(str(params.get("event_types", path)))
        return await reads(path, **params)

    client.list = counted
    _, cursor = await claimed_long_ago(firm, hub)
    for _ in range(80):
        _, cursor = await swept(hub, cursor)
    assert asked.count("expense:updated") == 2
    assert asked.count("expense:deleted") == 81


async def test_an_expense_says_what_was_paid_what_is_claimed_and_the_rate_between_them(
    firm: Cast, hub: Kantata
) -> None:
    project = await firm.project()
    foreign = {"source_value": "200.00", "source_currency": "GBP"}
    expense = await claim(firm, project, notes="Hotel", foreign_exchange_amount=foreign)
    firm.clock.forward(hours=2)
    await approve(firm, project, expense)
    found, _ = await swept(hub)
    (told,) = found[expense["id"]]
    assert told.record is not None
    assert {**told.record, "source_version": "-"} == {
        "source_id": expense["id"], "source_version": "-", "project": project["id"], "task": "", "person": "K003",
        "person_name": "Priya Raman", "day": "2026-10-05", "category": "Travel", "receipt_amount": "200.00",
        "receipt_currency": "GBP", "claim_amount": "269", "claim_currency": "USD", "rate": "1.34500000",
        "rate_date": "2026-10-05", "has_receipt": True, "billable": True, "taxable": False, "state": "approved",
        "approved_by": "K002", "approved_at": "2026-10-05T18:00:00+00:00", "notes": "Hotel", "mapping": "kantata.expense@1",
    }  # fmt: skip
    assert told.amount == Money(Decimal(269), "USD")
    reading = await hub.read(Ref("kantata", "expense", expense["id"]))
    assert reading is not None
    assert isinstance(reading.document, Expense)
    assert reading.trail["receipt_amount"] == {"source": "receipt.amount", "mapping": "kantata.expense@1"}


async def test_t32_an_expense_that_is_changed_after_its_approval_is_noticed(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    expense = await claim(firm, project, amount_in_cents=10_000)
    await approve(firm, project, expense)
    _, cursor = await swept(hub)
    firm.clock.forward(hours=1)
    await firm.approver.ok("PUT", f"/expenses/{expense['id']}", {"expense": {"amount_in_cents": 8_000}})
    found, _ = await swept(hub, cursor)
    assert [(each.record or {})["claim_amount"] for each in found[expense["id"]]] == ["80"]
    assert (found[expense["id"]][0].record or {})["state"] == "approved"


async def test_t32_a_receipt_that_is_deleted_touches_nothing_and_is_noticed_by_its_event(
    firm: Cast, hub: Kantata
) -> None:
    expense, cursor = await claimed_long_ago(firm, hub)
    await firm.consultant("DELETE", f"/attachments/{expense['receipt_id']}")
    firm.account.events.deliver()
    found = await in_some_sweeps(hub, cursor, expense["id"])
    assert [(each.record or {})["has_receipt"] for each in found[expense["id"]]] == [False]


async def test_an_approval_that_is_taken_back_and_a_deletion_are_noticed(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    expense = await claim(firm, project, amount_in_cents=10_000)
    report = await approve(firm, project, expense)
    _, cursor = await swept(hub)
    firm.clock.forward(hours=1)
    body = {"resolution": {"description": "private"}}
    await firm.approver.ok("PUT", f"/expense_report_submissions/{report}/cancel", body)
    found, cursor = await swept(hub, cursor)
    assert (found[expense["id"]][-1].record or {})["state"] == "draft"
    firm.clock.forward(hours=1)
    assert (await firm.consultant("DELETE", f"/expenses/{expense['id']}")).status_code == 204
    firm.account.events.deliver()
    found, _ = await swept(hub, cursor)
    (gone,) = found[expense["id"]]
    assert gone.deleted
    assert await hub.look(gone.ref) == gone


async def test_in_a_project_without_expense_approvals_it_is_approved_as_it_is_claimed(firm: Cast, hub: Kantata) -> None:
    project = await firm.project(require_expense_approvals=False)
    expense = await claim(firm, project, amount_in_cents=10_000)
    found, _ = await swept(hub)
    assert (found[expense["id"]][0].record or {})["state"] == "approved"


async def test_without_events_the_vanished_receipt_would_be_missed(firm: Cast, account: KantataAccount) -> None:
    """The saboteur: it is the event, and nothing else, that tells."""
    async with open_connector(account, events=False) as deaf:
        expense, cursor = await claimed_long_ago(firm, deaf)
        await firm.consultant("DELETE", f"/attachments/{expense['receipt_id']}")
        account.events.deliver()
        assert await in_some_sweeps(deaf, cursor, expense["id"]) == {}


async def test_an_expense_that_cannot_be_read_is_told_as_such_and_the_others_pass(firm: Cast) -> None:
    project = await firm.project()
    good, bad = [await claim(firm, project, amount_in_cents=10_000) for _ in range(2)]
    network = Garbling(
        httpx2.ASGITransport(firm.account.asgi()), {bad["id"]: {"amount_in_cents": "a hundred"}}, "expenses"
    )
    hub: Any = SPEC.open(
        Opening("kantata", KantataConfig(url="http://kantata.test", token=SecretStr("hub-token")), {}, network)
    )
    found, _ = await swept(hub)
    assert (found[good["id"]][0].record or {})["claim_amount"] == "100"
    (told,) = found[bad["id"]]
    assert told.record is not None
    assert "invalid literal for int() with base 10: 'a hundred'" in told.record["unreadable"]
    await hub.close()
