"""Booked time: whose it is, what it costs on its day, and when it can no longer be touched."""

from __future__ import annotations

import pytest

from .conftest import COLLEAGUE, CONSULTANT, Cast

pytestmark = pytest.mark.anyio


async def test_an_entry_takes_its_rate_from_the_card_by_the_role_of_the_task_and_the_day_of_the_work(
    firm: Cast,
) -> None:
    project = await firm.project()
    early = await firm.book(project, day="2026-10-14")
    late = await firm.book(project, day="2026-10-15")
    other = await firm.book(project, day="2026-10-15", by=COLLEAGUE, task="Pipelines")
    rates = {each["id"]: each["rate_in_cents"] for each in await firm.approver.list("/time_entries")}
    assert [rates[each["id"]] for each in (early, late, other)] == [24_500, 25_250, 21_725]
    assert early["rate_in_cents"] is None, "a consultant without financial access sees no rates"


async def test_a_new_date_does_not_bring_a_new_rate(firm: Cast) -> None:
    project = await firm.project()
    entry = await firm.book(project, day="2026-10-14")
    await firm.consultant.ok("PUT", f"/time_entries/{entry['id']}", {"time_entry": {"date_performed": "2026-10-16"}})
    (seen,) = await firm.approver.list("/time_entries")
    assert (seen["date_performed"], seen["rate_in_cents"]) == ("2026-10-16", 24_500)


async def test_a_rate_that_is_given_counts_only_from_somebody_with_financial_access(firm: Cast) -> None:
    project = await firm.project()
    await firm.book(project, rate_in_cents=1)
    await firm.approver.create("time_entries", "time_entry", workspace_id=project["id"], date_performed="2026-10-05",
                               time_in_minutes=60, rate_in_cents=9_900)  # fmt: skip
    rates = {each["user_id"]: each["rate_in_cents"] for each in await firm.approver.list("/time_entries")}
    assert rates == {firm.consultant.id: 24_500, firm.approver.id: 9_900}


async def test_whether_an_entry_is_billable_comes_from_its_task_unless_it_says(firm: Cast) -> None:
    project = await firm.project()
    assert (await firm.book(project))["billable"] is True
    assert (await firm.book(project, task="Travel"))["billable"] is False
    assert (await firm.book(project, task="Travel", billable=True))["billable"] is True


async def test_a_user_id_is_ignored_without_a_word_unless_the_caller_is_privileged(firm: Cast) -> None:
    project = await firm.project()
    mine = await firm.book(project, user_id=firm.colleague.id)
    assert mine["user_id"] == firm.consultant.id
    theirs = await firm.approver.create(
        "time_entries", "time_entry", workspace_id=project["id"], date_performed="2026-10-05", time_in_minutes=60,
        user_id=firm.colleague.id,
    )  # fmt: skip
    assert theirs["user_id"] == firm.colleague.id


async def test_an_hundred_entries_at_once_are_made_all_or_none(firm: Cast) -> None:
    project = await firm.project()
    one = {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 30}
    made = await firm.consultant.ok("POST", "/time_entries", {"time_entries": [one] * 100})
    assert made["count"] == 100
    bad = {**one, "time_in_minutes": 0}
    status, _ = await firm.consultant.refused("POST", "/time_entries", {"time_entries": [one, bad]})
    assert status == 422
    assert (await firm.consultant.refused("POST", "/time_entries", {"time_entries": [one] * 101}))[0] == 422
    assert (await firm.consultant.ok("GET", "/time_entries"))["count"] == 100


async def test_only_participants_book_time(firm: Cast) -> None:
    project = await firm.project(participations=[])
    status, errors = await firm.consultant.refused(
        "POST",
        "/time_entries",
        {"time_entry": {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 60}},
    )
    assert (status, errors[0]["field"]) == (422, "workspace_id")
    joined = {"workspace_id": project["id"], "user_id": firm.consultant.id, "role": "maven"}
    await firm.approver.create("participations", "participation", **joined)
    assert (await firm.book(project))["user_id"] == firm.consultant.id


async def test_locked_invoiced_and_adjusted_entries_stay_as_they_are(firm: Cast) -> None:
    project = await firm.project(require_time_approvals=False)
    locked, invoiced, adjusted, free = [
        await firm.book(project, day=f"2026-10-0{n}", by=CONSULTANT) for n in (1, 6, 7, 8)
    ]
    await firm.http.request("PUT", "/_sandbox/lock", json={"workspace_id": project["id"], "lock_date": "2026-10-05"})
    await firm.approver.create("invoices", "invoice", workspace_id=project["id"], time_entry_ids=[invoiced["id"]])
    await firm.approver.create("time_adjustments", "time_adjustment", workspace_id=project["id"], time=-60,
                               time_entry_id=adjusted["id"], original_date="2026-10-07")  # fmt: skip
    for entry, word in ((locked, "locked"), (invoiced, "invoiced"), (adjusted, "adjustment")):
        status, errors = await firm.consultant.refused("DELETE", f"/time_entries/{entry['id']}")
        assert status == 422
        assert word in errors[0]["message"]
    ids = ",".join(each["id"] for each in (locked, free))
    assert (await firm.consultant.refused("DELETE", "/time_entries", ids=ids))[0] == 422
    assert (await firm.consultant("DELETE", "/time_entries", ids=free["id"])).status_code == 204
    left = {each["id"] for each in await firm.consultant.list("/time_entries")}
    assert left == {locked["id"], invoiced["id"], adjusted["id"]}


async def test_the_filters_are_as_odd_as_the_vendors(firm: Cast) -> None:
    project, quick = await firm.project(), await firm.project("No approvals", require_time_approvals=False)
    approved, open_, self_evident = (
        await firm.book(project),
        await firm.book(project, day="2026-10-20"),
        await firm.book(quick),
    )
    await firm.approve(await firm.submit(project, approved))
    await firm.approver.create("invoices", "invoice", workspace_id=project["id"], time_entry_ids=[approved["id"]])

    async def ids(**params: str) -> set[str]:
        return {each["id"] for each in await firm.consultant.list("/time_entries", **params)}

    everything = {approved["id"], open_["id"], self_evident["id"]}
    assert await ids(approved="false") == await ids(approved="true") == {approved["id"], self_evident["id"]}
    assert await ids(uninvoiced="false") == {open_["id"], self_evident["id"]}
    assert await ids(invoiced="no") == {approved["id"]}
    assert await ids(date_performed_between="2026-10-20:2026-10-31") == {open_["id"]}
    assert await ids(date_performed_between="nonsense") == set()
    assert await ids(in_active_submission="true") == {approved["id"]}
    assert await ids(unknown_filter="x") == everything
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}", {"workspace": {"archived": True}})
    assert await ids() == {self_evident["id"]}
    assert await ids(from_archived_workspaces="true") == everything
    assert (await firm.consultant.refused("GET", f"/time_entries/{open_['id']}"))[0] == 404
