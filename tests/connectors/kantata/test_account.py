"""The account as a whole: it survives a restart, is furnished through its settings, and tells of changes late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieout.connectors.kantata.emulator import KantataAccount

from .conftest import CONSULTANT, HUB, USERS, Cast, Clock, Person

pytestmark = pytest.mark.anyio


def on(account: KantataAccount, clock: Clock) -> Cast:
    transport = httpx2.ASGITransport(account.asgi())
    return Cast(account, clock, httpx2.AsyncClient(transport=transport, base_url="http://kantata.test"))


async def test_a_second_start_continues_on_the_same_file(
    make_account: Callable[..., KantataAccount], clock: Clock, state: Path
) -> None:
    first = on(make_account(state=state), clock)
    project = await first.project()
    entry = await first.book(project)
    token = first.account.token(CONSULTANT)
    await first.http.aclose()
    first.account.close()

    again = on(make_account(state=state), clock)
    assert again.account.token(CONSULTANT) == token
    assert [each["id"] for each in await again.consultant.list("/time_entries")] == [entry["id"]]
    assert (await again.hub.ok("GET", "/users"))["count"] == len(USERS)
    assert (await again.hub.ok("GET", "/project_templates"))["count"] == 1
    assert int((await again.book(project, day="2026-10-06"))["id"]) > int(entry["id"])
    await again.http.aclose()


async def test_a_refused_request_leaves_nothing_in_the_file(
    make_account: Callable[..., KantataAccount], clock: Clock, state: Path
) -> None:
    firm = on(make_account(state=state), clock)
    wrong = {"workspace": {"title": "T", "price": 1, "participations": [{"user_id": "1"}]}}
    assert (await firm.approver.refused("POST", "/workspaces", wrong))[0] == 422
    await firm.http.aclose()
    firm.account.close()
    again = on(make_account(state=state), clock)
    assert (await again.hub.ok("GET", "/workspaces"))["count"] == 0
    await again.http.aclose()


async def test_the_account_is_furnished_through_its_settings(firm: Cast) -> None:
    async def do(method: str, path: str, **body: Any) -> Any:
        answer = await firm.http.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    made = await do("POST", "users", email="new@kestrel.example", name="New Hand", role="Juggler", bill_rate="120")
    logged = await do("POST", "login-as", email="new@kestrel.example")
    assert logged == {"access_token": made["access_token"], "user_id": made["id"]}
    await do("POST", "rate-cards", title="UK 2026", currency="GBP",
             versions=[{"effective": "2026-01-01", "rates": {"Juggler": "99.50"}}])  # fmt: skip
    await do("POST", "templates", title="CIRCUS", tasks=[{"title": "Show", "role": "Juggler", "hours": "8"}])
    await do("POST", "custom-fields", name="Ring", value_type="single", choices=["one", "two"])
    project = await firm.hub.create(
        "workspaces", "workspace", title="Circus", price=1,
        rate_card_id=firm.id_of("rate_cards", currency="GBP"),
        project_tracker_template_id=firm.id_of("project_templates", title="CIRCUS"),
        participations=[{"user_id": made["id"]}],
    )  # fmt: skip
    assert project["currency"] == "GBP"
    entry = await firm.book(project, by="new@kestrel.example", task="Show")
    (seen,) = await firm.hub.list("/time_entries", only=entry["id"])
    assert seen["rate_in_cents"] == 9_950
    assert (await do("DELETE", "tokens", email="new@kestrel.example"))["revoked"] == 1
    assert (
        await firm.http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {made['access_token']}"})
    ).status_code == 401
    assert (await do("POST", "login-as", email="new@kestrel.example"))["access_token"] != made["access_token"]
    await do("PUT", "users", email="new@kestrel.example")
    gone = await do("POST", "login-as", email="new@kestrel.example")
    headers = {"Authorization": f"Bearer {gone['access_token']}"}
    assert (await firm.http.get("/api/v1/users/me", headers=headers)).status_code == 401
    assert (await firm.http.post("/_sandbox/login-as", json={"email": "x"})).status_code == 404
    assert (await firm.http.post("/_sandbox/rate-cards", json={"title": "x"})).status_code == 400


async def test_events_come_minutes_late_out_of_order_and_some_of_them_twice(
    make_account: Callable[..., KantataAccount], clock: Clock
) -> None:
    async def history(seed: int) -> list[tuple[str, str]]:
        firm = on(make_account(seed=seed), clock)
        project = await firm.project()
        begin = clock.at
        for _ in range(40):
            clock.forward(seconds=30)
            await firm.book(project, minutes=6)
        clock.forward(hours=1)
        events = await firm.hub.list(
            "/subscribed_events", event_types="time_entry:created", order="created_at:asc", per_page=200
        )
        clock.at = begin
        await firm.http.aclose()
        return [(str(each["subject_id"]), each["created_at"]) for each in events]

    clock.forward(hours=1)
    start = clock.at
    one = await history(1)
    clock.at = start
    same = await history(1)
    clock.at = start
    other = await history(2)
    assert one == same
    assert one != other
    subjects = [subject for subject, _ in one]
    assert len(set(subjects)) == 40
    assert len(subjects) > 40
    assert subjects != sorted(subjects)


async def test_events_that_are_on_their_way_can_be_delivered_now(firm: Cast) -> None:
    project = await firm.project()
    await firm.book(project)
    assert await firm.hub.list("/subscribed_events") == []
    assert (await firm.http.post("/_sandbox/events/deliver")).json()["delivered"] > 0
    told = await firm.hub.list(
        "/subscribed_events", event_types="time_entry:created", optional_fields="current_payload"
    )
    assert '"time_in_minutes": 480' in told[0]["current_payload"]
    assert told[0]["user_id"] == firm.consultant.id
    assert await firm.hub.list("/subscribed_events", created_after="2026-10-05T09:00:00-07:00") == []


async def test_the_newest_event_of_each_subject_is_enough_for_some(firm: Cast) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    for minutes in (10, 20):
        firm.clock.forward(minutes=1)
        await firm.consultant.ok("PUT", f"/time_entries/{entry['id']}", {"time_entry": {"time_in_minutes": minutes}})
    firm.clock.forward(minutes=30)
    about = {"subject_type": "TimeEntry", "subject_id": entry["id"]}
    assert len(await firm.hub.list("/subscribed_events", **about)) >= 3
    newest = await firm.hub.list("/subscribed_events", **about, most_recent="true")
    assert {each["event_type"] for each in newest} == {"time_entry:updated"}
    by_type = await firm.hub.list("/subscribed_events", **about, most_recent_by_event_type="true")
    assert {each["event_type"] for each in by_type} == {"time_entry:created", "time_entry:updated"}


async def test_people_are_known_by_number_role_and_permission(firm: Cast) -> None:
    me = Person(firm.http, firm.account, CONSULTANT)
    answer = await me.ok("GET", "/users/me.json", include="external_references,role,account_membership")
    (reference,) = answer["external_references"].values()
    assert (reference["service_name"], reference["service_model_ref"]) == ("hris", "K003")
    assert [each["name"] for each in answer["roles"].values()] == ["Senior Consultant"]
    assert [each["permission"] for each in answer["account_memberships"].values()] == ["collaborator"]
    members = await firm.hub.list("/account_memberships", only_active="true")
    assert {each["cost_rate_in_cents"] for each in members} == {0, 9_800}
    assert len(await me.list("/account_memberships")) == 1
    found = await firm.hub.list("/users", by_email_address=CONSULTANT.upper())
    assert [each["full_name"] for each in found] == ["Priya Raman"]


async def test_an_unknown_person_has_no_token(account: KantataAccount) -> None:
    assert account.token(HUB) == "hub-token"
    with pytest.raises(LookupError):
        account.token("nobody@kestrel.example")
