"""A client that knows nothing of the product lives through a whole project on a real port, in both of the API's formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tieout.connectors.kantata.emulator import KantataAccount

from .conftest import APP, APPROVER, CONSULTANT, HUB, PACKAGE, Clock
from .independent import InvalidRequest, OxClient

pytestmark = pytest.mark.loopback


@pytest.fixture
def endpoint(account: KantataAccount, serve: Callable[[Any], Any]) -> Iterator[str]:
    with serve(account.asgi()) as url:
        account.public_url = url
        yield f"{url}/api/v1"


@pytest.mark.parametrize("use_json", [False, True], ids=["forms", "json"])
def test_from_the_template_to_the_invoice(account: KantataAccount, clock: Clock, endpoint: str, use_json: bool) -> None:
    lead = OxClient(account.token(APPROVER), endpoint, use_json=use_json)
    consultant = OxClient(account.token(CONSULTANT), endpoint, use_json=use_json)
    assert lead.me["full_name"] == "David Lindqvist"

    (template,) = [each for each in lead.where("project_templates") if each["title"] == PACKAGE]
    resources = lead.where("project_template_assignments", project_template_id=template["id"])
    roles = {each["name"]: each["id"] for each in lead.where("roles")}
    mappings = [
        {"resource_id": each["id"], "user_id": consultant.me["id"], "role_id": roles["Senior Consultant"]}
        if each["name"] == "Senior Consultant"
        else {"resource_id": each["id"], "role_id": roles[each["name"]]}
        for each in resources
    ]
    card = lead.where("rate_cards", include="rate_card_set")[0]
    group = lead.create("workspace_groups", {"name": "Umbra Labs", "company": True})
    project = lead.create(
        "workspaces",
        {
            "title": "Umbra data platform", "creator_role": "maven", "budgeted": True, "price": 90000,
            "rate_card_id": card["id"], "start_date": "2026-10-01", "workspace_group_ids": [group["id"]],
            "project_tracker_template_id": template["id"], "project_template_assignment_mappings": mappings,
            "participations": [{"user_id": consultant.me["id"], "access": "edit_time_and_expenses"}],
            "approver_ids": [lead.me["id"]],
            "external_reference": {"service_name": "psi", "service_model": "Opportunity", "service_model_ref": "006A"},
        },
        include="participants",
    )  # fmt: skip
    assert (project["title"], project["currency"], project["price_in_cents"]) == (
        "Umbra data platform",
        "USD",
        9_000_000,
    )
    assert set(project["participant_ids"]) == {lead.me["id"], consultant.me["id"]}
    assert project["budgeted"] is True

    stories = {each["title"]: each for each in lead.where("stories", workspace_id=project["id"], include="assignees")}
    assert stories["Data model"]["assignee_ids"] == [consultant.me["id"]]
    assert stories["Discovery"]["assignee_ids"] == []
    assert stories["Data model"]["budget_estimate_in_cents"] == 120 * 24_500

    days = [f"2026-10-{day:02}" for day in (12, 13, 14, 15, 16)]
    booked = consultant.bulk_create(
        "time_entries",
        [
            {"workspace_id": project["id"], "story_id": stories["Data model"]["id"], "date_performed": day,
             "time_in_minutes": 450, "notes": "model & review"}
            for day in days
        ],
    )  # fmt: skip
    assert [each["date_performed"] for each in booked] == days
    assert {each["notes"] for each in booked} == {"model & review"}
    rates = {each["date_performed"]: each["rate_in_cents"] for each in lead.where("time_entries")}
    assert rates == dict(zip(days, [24_500, 24_500, 24_500, 25_250, 25_250], strict=True))

    with pytest.raises(InvalidRequest) as refused:
        consultant.create("timesheet_submissions", {"workspace_id": project["id"], "line_item_ids": []})
    assert refused.value.status == 422
    assert {each["field"] for each in refused.value.errors} == {"line_item_ids", "title"}
    assert {each["type"] for each in refused.value.errors} == {"validation"}

    sheet = {"workspace_id": project["id"], "title": "Week 42", "line_item_ids": [each["id"] for each in booked]}
    submission = consultant.create("timesheet_submissions", sheet)
    assert (submission["status"], submission["start_date"]) == ("pending", "2026-10-12")
    with pytest.raises(InvalidRequest) as refused:
        consultant.call("PUT", f"timesheet_submissions/{submission['id']}/approve", {"resolution": {}})
    assert refused.value.status == 403
    rejected = resolve(lead, submission["id"], "reject", "please split the review")
    assert (rejected["status"], rejected["current_resolution_description"]) == ("rejected", "please split the review")
    again = consultant.create("timesheet_submissions", sheet)
    clock.forward(hours=20)
    approved = resolve(lead, again["id"], "approve", "thank you")
    assert (approved["status"], approved["current_resolution_creator_id"]) == ("approved", int(lead.me["id"]))
    assert {each["approved"] for each in lead.where("time_entries", with_timesheet_id=again["id"])} == {True}
    assert lead.where("time_entries", with_timesheet_id=submission["id"]) == []
    cancelled = resolve(lead, again["id"], "cancel", "wrong week")
    assert cancelled["status"] == "cancelled"
    third = consultant.create("timesheet_submissions", sheet)
    answer = lead.call("POST", "timesheet_approvals", {"resolution": {"submission_ids": [third["id"]]}})
    assert [(each["type"], each["target_id"]) for each in answer["resolutions"]] == [("approval", int(third["id"]))]

    invoice = lead.create(
        "invoices",
        {"workspace_id": project["id"], "time_entry_ids": [each["id"] for each in booked[:3]], "payment_schedule": 30},
        include="time_entries",
    )
    assert invoice["balance_in_cents"] == round(3 * 7.5 * 24_500)
    assert sorted(invoice["time_entry_ids"]) == sorted(each["id"] for each in booked[:3])
    assert len(lead.where("time_entries", uninvoiced="true")) == 2
    with pytest.raises(InvalidRequest, match="billing activity"):
        resolve(lead, third["id"], "cancel", "too late")
    with pytest.raises(InvalidRequest, match="invoiced"):
        consultant.delete("time_entries", booked[0]["id"])


def resolve(client: OxClient, submission: str, action: str, description: str) -> dict[str, Any]:
    body = {"resolution": {"description": description}}
    return client.records(client.call("PUT", f"timesheet_submissions/{submission}/{action}", body))[0]


def test_an_administrator_reads_events_late_and_without_trusting_them(
    account: KantataAccount, clock: Clock, endpoint: str
) -> None:
    admin = OxClient(account.token(HUB), endpoint, use_json=True)
    project = admin.create("workspaces", {"title": "Internal", "budgeted": False})
    entry = admin.create(
        "time_entries", {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 15}
    )
    admin.delete("time_entries", entry["id"])
    assert admin.where("subscribed_events", event_types="time_entry:created,time_entry:deleted") == []
    clock.forward(minutes=10)
    events = admin.where("subscribed_events", event_types="time_entry:created,time_entry:deleted", include="subject")
    assert {each["event_type"] for each in events} == {"time_entry:created", "time_entry:deleted"}
    assert {each["subject_id"] for each in events} == {int(entry["id"])}
    assert {str(each["subject_ref"]) for each in events} == {"None"}
    types = admin.call("GET", "subscribed_events/event_types")
    assert "time_entry:deleted" in types["subscribed_event_types"]
    assert "fields" in types["subscribed_event_type_schemas"]["time_entry:deleted"]
    with pytest.raises(InvalidRequest) as refused:
        OxClient(account.token(CONSULTANT), endpoint).where("subscribed_events")
    assert refused.value.status == 403
    clock.forward(days=9)
    assert admin.where("subscribed_events", event_types="time_entry:deleted") == []


def test_pages_are_followed_to_the_end_and_errors_have_their_status(account: KantataAccount, endpoint: str) -> None:
    admin = OxClient(account.token(HUB), endpoint)
    project = admin.create("workspaces", {"title": "Long", "price": 1})
    line = {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 6}
    for _ in range(3):
        admin.bulk_create("time_entries", [line] * 100)
    pages = list(admin.each_page("time_entries", order="created_at:asc"))
    assert [len(each) for each in pages] == [200, 100]
    assert len({each["id"] for page in pages for each in page}) == 300

    with pytest.raises(InvalidRequest) as missing:
        admin.show("workspaces", "999")
    assert (missing.value.status, missing.value.errors[0]["type"]) == (404, "system")
    assert admin.where("workspaces", only="999") == []
    with pytest.raises(InvalidRequest) as untitled:
        admin.create("workspaces", {"creator_role": "maven"})
    assert [each["field"] for each in untitled.value.errors] == ["title"]
    with pytest.raises(InvalidRequest) as stranger:
        OxClient("nobody's", endpoint)
    assert (stranger.value.status, stranger.value.errors) == (
        401,
        [{"type": "oauth", "message": "Invalid OAuth 2 Request"}],
    )


def test_a_code_is_exchanged_for_a_token_that_does_not_expire(
    account: KantataAccount, clock: Clock, endpoint: str
) -> None:
    host = endpoint.removesuffix("/api/v1")
    asked = {"response_type": "code", "client_id": APP.client_id, "redirect_uri": APP.redirect_uri, "as": HUB}

    def code() -> str:
        answer = requests.get(f"{host}/oauth/authorize", params=asked, allow_redirects=False, timeout=5)
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def exchange(code: str) -> requests.Response:
        form = {
            "client_id": APP.client_id, "client_secret": APP.client_secret, "grant_type": "authorization_code",
            "code": code, "redirect_uri": APP.redirect_uri,
        }  # fmt: skip
        return requests.post(f"{host}/oauth/token", data=form, timeout=5)

    late = code()
    clock.forward(minutes=6)
    assert exchange(late).json()["error"] == "invalid_grant"
    fresh = code()
    granted = exchange(fresh).json()
    assert granted["token_type"] == "bearer"
    assert exchange(fresh).status_code == 400
    clock.forward(days=400)
    assert OxClient(granted["access_token"], endpoint).me["email_address"] == HUB
