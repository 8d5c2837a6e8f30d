"""The shape of every answer: the envelope, its pages and side-loads, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tieout.connectors.kantata.emulator import KantataAccount
from tieout.connectors.kantata.emulator.wire import read_form

from .conftest import BASE, HUB, Cast, Person

pytestmark = pytest.mark.anyio


async def test_a_list_tells_its_order_in_results_and_its_rows_by_id(firm: Cast) -> None:
    answer = await firm.hub.ok("GET", "/users.json", order="full_name:desc")
    assert answer["count"] == 4
    assert answer["meta"] == {"count": 4, "page_count": 1, "page_number": 1, "page_size": 20}
    assert {each["key"] for each in answer["results"]} == {"users"}
    names = [answer["users"][each["id"]]["full_name"] for each in answer["results"]]
    assert names == ["Tieout Hub", "Priya Raman", "David Lindqvist", "Aisha Bello"]
    assert all(isinstance(each, str) for each in answer["users"])


@pytest.mark.parametrize(
    ("params", "size", "number", "count"),
    [
        ({"per_page": 3}, 3, 1, 3),
        ({"per_page": 3, "page": 2}, 3, 2, 1),
        ({"per_page": 3, "page": 9}, 3, 9, 0),
        ({"per_page": 5000}, 200, 1, 4),
        ({"per_page": "many"}, 20, 1, 4),
        ({"limit": 2, "offset": 1, "per_page": 50, "page": 7}, 2, 1, 2),
        ({"limit": 2, "page": 2, "per_page": 1}, 1, 2, 1),
    ],
)
async def test_a_page_is_cut_by_page_or_by_offset_and_the_pair_wins(
    firm: Cast, params: dict[str, Any], size: int, number: int, count: int
) -> None:
    answer = await firm.hub.ok("GET", "/users", **params)
    assert (answer["meta"]["page_size"], answer["meta"]["page_number"]) == (size, number)
    assert (len(answer["results"]), answer["count"]) == (count, 4)


async def test_side_loads_stand_beside_the_rows_and_ids_of_many_only_when_asked(firm: Cast) -> None:
    project = await firm.project()
    plain = (await firm.approver.ok("GET", f"/workspaces/{project['id']}"))["workspaces"][project["id"]]
    assert plain["primary_maven_id"] == firm.approver.id, "a column costs nothing and is always told"
    assert "participant_ids" not in plain
    answer = await firm.approver.ok(
        "GET", f"/workspaces/{project['id']}", include="participants,workspace_groups,nonsense"
    )
    full = answer["workspaces"][project["id"]]
    assert set(full["participant_ids"]) == set(answer["users"])
    assert answer["workspace_groups"] == {}
    await firm.book(project)
    (entry,) = await firm.consultant.list("/time_entries")
    assert (entry["user_id"], entry["workspace_id"]) == (firm.consultant.id, project["id"])
    assert "active_submission_id" not in entry


async def test_optional_fields_come_only_when_asked(firm: Cast) -> None:
    project = await firm.project()
    assert "stage" not in project
    path = f"/workspaces/{project['id']}"
    answer = await firm.approver.ok("GET", path, optional_fields="stage,lock_date")
    assert answer["workspaces"][project["id"]]["stage"] == "project"


async def test_only_finds_some_and_an_address_finds_one_or_nothing(firm: Cast) -> None:
    project = await firm.project()
    assert [each["id"] for each in await firm.hub.list("/workspaces", only=f"{project['id']},77")] == [project["id"]]
    assert await firm.hub.list("/workspaces", only="77") == []
    assert (await firm.hub.refused("GET", "/workspaces/77"))[0] == 404
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}", {"workspace": {"archived": True}})
    assert (await firm.hub.refused("GET", f"/workspaces/{project['id']}"))[0] == 404
    assert await firm.hub.ok("GET", f"/workspaces/{project['id']}", include_archived="true")


async def test_search_and_unknown_orders(firm: Cast) -> None:
    assert [each["full_name"] for each in await firm.hub.list("/users", search="raman")] == ["Priya Raman"]
    assert len(await firm.hub.list("/users", order="shoe_size:asc")) == 4


async def test_times_are_told_in_the_zone_of_the_account(
    make_account: Callable[..., KantataAccount], firm: Cast
) -> None:
    (user,) = await firm.hub.list("/external_references", service_model_ref="K003")
    assert user["created_at"] == "2026-10-05T09:00:00-07:00"
    german = make_account(time_zone="Europe/Berlin")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(german.asgi()), base_url="http://k.test") as http:
        (told,) = await Person(http, german, HUB).list("/external_references", service_model_ref="K003")
        assert told["created_at"] == "2026-10-05T18:00:00+02:00"


async def test_attributes_that_nobody_knows_are_ignored_without_a_word(firm: Cast) -> None:
    project = await firm.project(colour="blue", price_in_cents=1)
    assert project["price_in_cents"] == 10_000_000
    assert "colour" not in project


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/unicorns", None, 404),
        ("POST", "/workspaces", {}, 400),
        ("POST", "/workspaces", {"workspaces": [{"title": "no bulk here"}]}, 400),
        ("POST", "/time_entries", {"time_entry": {"time_in_minutes": "ten"}}, 422),
        ("PATCH", "/workspaces/1", {}, 405),
        ("PUT", "/workspaces", {}, 404),
        ("POST", "/timesheet_submissions/1/approve", {}, 404),
        ("PUT", "/timesheet_submissions/1/approve", {}, 404),
        ("POST", "/timesheet_approvals", {"resolution": {}}, 422),
        ("POST", "/timesheet_approvals", {}, 400),
    ],
)
async def test_requests_that_make_no_sense(firm: Cast, method: str, path: str, body: Any, status: int) -> None:
    assert (await firm.hub(method, path, body)).status_code == status


async def test_a_body_that_is_no_json_is_refused(firm: Cast) -> None:
    headers = {"Authorization": f"Bearer {firm.account.token(HUB)}", "Content-Type": "application/json"}
    for content in (b"{", b"[1]"):
        refused = await firm.http.post(f"{BASE}/workspaces", content=content, headers=headers)
        assert (refused.status_code, refused.json()["errors"][0]["type"]) == (400, "system")


async def test_without_a_token_there_is_nothing(firm: Cast) -> None:
    for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic hub-token"}):
        refused = await firm.http.get(f"{BASE}/users/me", headers=headers)
        assert (refused.status_code, refused.json()) == (
            401,
            {"errors": [{"type": "oauth", "message": "Invalid OAuth 2 Request"}]},
        )


async def test_the_vendor_keeps_limits_and_says_neither_which_nor_for_how_long(
    make_account: Callable[..., KantataAccount],
) -> None:
    seconds = [0.0]
    account = make_account(requests_per_minute=3, own_per_minute=1, seconds=lambda: seconds[0])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(account.asgi()), base_url="http://k.test") as http:
        hub = Person(http, account, HUB)
        assert [(await hub("GET", "/workspaces")).status_code for _ in range(2)] == [200, 429]
        assert [(await hub("GET", "/users")).status_code for _ in range(2)] == [200, 429]
        refused = await hub("GET", "/users")
        assert "retry-after" not in refused.headers
        assert refused.json()["errors"][0]["type"] == "system"
        seconds[0] += 61
        assert (await hub("GET", "/workspaces")).status_code == 200


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("workspace[title]=A+b&workspace[price]=5", {"workspace": {"title": "A b", "price": "5"}}),
        (
            "workspace[participations][][user_id]=1&workspace[participations][][access]=admin"
            "&workspace[participations][][user_id]=2",
            {"workspace": {"participations": [{"user_id": "1", "access": "admin"}, {"user_id": "2"}]}},
        ),
        ("time_entries[0][notes]=x&time_entries[1][notes]=y", {"time_entries": [{"notes": "x"}, {"notes": "y"}]}),
        ("s[line_item_ids][]=1&s[line_item_ids][]=2&include=user", {"s": {"line_item_ids": ["1", "2"]}, "include": "user"}),
        ("w[custom_fields][][custom_field_id]=9&w[custom_fields][][value][]=4",
         {"w": {"custom_fields": [{"custom_field_id": "9", "value": ["4"]}]}}),
        ("", {}),
    ],
)  # fmt: skip
def test_forms_are_read_as_rails_reads_them(form: str, body: dict[str, Any]) -> None:
    assert read_form(form) == body
