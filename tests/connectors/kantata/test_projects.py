"""Projects, their templates and teams, references to other systems and the firm's own fields."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import COLLEAGUE, PACKAGE, Cast

pytestmark = pytest.mark.anyio


async def test_a_new_project_says_all_that_is_wrong_with_it(firm: Cast) -> None:
    wrong = {"title": "", "rate_card_id": 1, "creator_role": "king", "project_tracker_template_id": 5, "status_key": 7}
    status, errors = await firm.approver.refused("POST", "/workspaces", {"workspace": wrong})
    assert (status, [each["field"] for each in errors]) == (422, ["title"])
    status, errors = await firm.approver.refused("POST", "/workspaces", {"workspace": {**wrong, "title": "T"}})
    assert [each["field"] for each in errors] == [
        "price", "creator_role", "rate_card_id", "status_key", "project_tracker_template_id",
    ]  # fmt: skip
    card = firm.id_of("rate_cards", currency="USD")
    other = {"title": "T", "price": 1, "currency": "EUR", "rate_card_id": card}
    _, errors = await firm.approver.refused("POST", "/workspaces", {"workspace": other})
    assert errors[0]["message"] == "Rate card currency must match the project currency"
    assert (await firm.hub.ok("GET", "/workspaces"))["count"] == 0


async def test_a_project_is_archived_never_deleted(firm: Cast) -> None:
    project = await firm.project()
    assert (await firm.hub.refused("DELETE", f"/workspaces/{project['id']}"))[0] == 403
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}", {"workspace": {"archived": "true"}})
    assert (await firm.hub.ok("GET", "/workspaces"))["count"] == 0
    assert (await firm.hub.ok("GET", "/stories"))["count"] == 0
    assert (await firm.hub.ok("GET", "/stories", show_from_archived_workspaces="true"))["count"] == 4


async def test_a_template_becomes_tasks_with_estimates_roles_and_budgets(firm: Cast) -> None:
    project = await firm.project()
    stories = await firm.approver.list("/stories", workspace_id=project["id"], order="position:asc",
                                       include="workspace_resources_with_unnamed")  # fmt: skip
    told = [(each["title"], each["time_estimate_in_minutes"], each["budget_estimate_in_cents"]) for each in stories]
    assert told == [
        ("Discovery", 2_400, 40 * 34_000),
        ("Data model", 7_200, 120 * 24_500),
        ("Pipelines", 12_000, 200 * 21_000),
        ("Travel", 600, 10 * 24_500),
    ]
    assert [each["billable"] for each in stories] == [True, True, True, False]
    assert all(each["workspace_resources_with_unnamed_ids"] for each in stories)


async def test_resources_of_a_template_that_nobody_maps_leave_tasks_unassigned(firm: Cast) -> None:
    project = await firm.project(project_template_create_unnamed_resources=False)
    stories = await firm.approver.list(
        "/stories", workspace_id=project["id"], include="workspace_resources_with_unnamed"
    )
    assert [each["workspace_resources_with_unnamed_ids"] for each in stories] == [[], [], [], []]


async def test_a_template_keeps_its_tasks_in_one_text(firm: Cast) -> None:
    (template,) = await firm.hub.list("/project_templates")
    assert template["item_count"] == 4
    assert "raw_json" not in template
    (full,) = await firm.hub.list("/project_templates", optional_fields="raw_json")
    assert '"title": "Discovery"' in full["raw_json"]
    refused = await firm.approver.refused(
        "POST", "/project_templates", {"project_template": {"title": "T", "raw_json": "{"}}
    )
    assert refused[1][0]["field"] == "raw_json"


async def test_people_see_the_projects_they_take_part_in(firm: Cast) -> None:
    await firm.project("Ours", participations=[{"user_id": firm.consultant.id}])
    assert [each["title"] for each in await firm.consultant.list("/workspaces")] == ["Ours"]
    assert await firm.colleague.list("/workspaces") == []
    assert [each["title"] for each in await firm.hub.list("/workspaces")] == ["Ours"]
    assert (await firm.consultant.refused("POST", "/workspaces", {"workspace": {"title": "Mine", "price": 1}}))[
        0
    ] == 403


async def test_a_team_is_staffed_task_by_task(firm: Cast) -> None:
    project = await firm.project(participations=[])
    story = firm.story(project, "Pipelines")
    join = {"participation": {"workspace_id": project["id"], "user_id": firm.colleague.id, "role": "maven"}}
    assert (await firm.consultant.refused("POST", "/participations", join))[0] == 403
    await firm.approver.ok("POST", "/participations", join)
    assert (await firm.approver.refused("POST", "/participations", join))[0] == 422
    await firm.approver.create("assignments", "assignment", story_id=story, assignee_id=firm.colleague.id)
    (seen,) = await firm.colleague.list("/stories", include="assignees,current_assignments", only=story)
    assert seen["assignee_ids"] == [firm.colleague.id]
    assert len(seen["current_assignment_ids"]) == 2, "the unnamed resource of the template is still planned"
    (resource,) = await firm.approver.list("/workspace_resources", user_id=firm.colleague.id,
                                           optional_fields="resource_bill_rate")  # fmt: skip
    assert (resource["role_name"], resource["resource_bill_rate"]) == ("Data Engineer", 21_000)
    await firm.approver.create("workspace_allocations", "workspace_allocation", workspace_resource_id=resource["id"],
                               start_date="2026-10-05", end_date="2026-10-09", minutes=2_400)  # fmt: skip
    (allocation,) = await firm.approver.list("/workspace_allocations", workspace_id=project["id"])
    assert allocation["minutes"] == 2_400
    stranger = {"story": {"assignments": [{"assignee_id": firm.consultant.id}]}}
    assert (await firm.approver.refused("PUT", f"/stories/{story}", stranger))[0] == 422


async def test_deleted_tasks_are_hidden_not_gone(firm: Cast) -> None:
    project = await firm.project()
    story = firm.story(project, "Travel")
    assert (await firm.approver("DELETE", f"/stories/{story}")).status_code == 204
    assert (await firm.approver.ok("GET", "/stories"))["count"] == 3
    assert (await firm.approver.ok("GET", "/stories", show_deleted="true"))["count"] == 4


async def test_a_reference_is_the_join_key_of_another_system(firm: Cast) -> None:
    reference = {"service_name": "psi", "service_model": "Opportunity", "service_model_ref": "006A"}
    project = await firm.project(external_reference=reference)
    await firm.project("Other")

    async def found(**params: str) -> list[str]:
        names = {f"external_reference_{name}": value for name, value in params.items()}
        return [each["title"] for each in await firm.hub.list("/workspaces", **names)]

    assert await found(service_name="psi", service_model="Opportunity", service_model_refs="x,006A") == [
        "Data platform"
    ]
    assert await found(service_name="psi", service_model="Account", service_model_refs="006A") == []
    assert await found(service_model_ref="006A") == [], "declared as a number: a text finds nothing"
    assert [each["title"] for each in await firm.hub.list("/workspaces", has_external_references="true")] == [
        "Data platform"
    ]
    without = await firm.hub.list("/workspaces", without_external_reference_service_name="psi")
    assert [each["title"] for each in without] == ["Other"]

    given = {**reference, "service_model_ref": "006B", "subject_type": "Workspace", "subject_id": project["id"]}
    for _ in range(2):
        made = await firm.hub.ok("POST", "/external_references/create_or_update", {"external_reference": given})
    (told,) = made["external_references"].values()
    assert (told["service_model_ref"], told["subject_id"], told["status"]) == ("006B", int(project["id"]), "successful")
    assert await found(service_model_refs="006A") == []
    status, errors = await firm.hub.refused(
        "POST", "/external_references/create_or_update", {"external_reference": {**given, "service_name": ""}}
    )
    assert (status, errors[0]["message"]) == (422, "Service name can't be blank")
    lost = {**given, "subject_id": "1"}
    assert (await firm.hub.refused("POST", "/external_references/create_or_update", {"external_reference": lost}))[
        0
    ] == 404


async def test_custom_fields_take_values_in_the_form_of_their_type(firm: Cast) -> None:
    project = await firm.project()
    fields = {each["name"]: each for each in await firm.hub.list("/custom_fields", include="choices")}
    paid = next(each for each in await firm.hub.list("/custom_field_choices") if each["label"] == "paid")

    async def put(name: str, value: Any) -> Any:
        body = {"workspace": {"custom_fields": [{"custom_field_id": fields[name]["id"], "value": value}]}}
        return await firm.approver("PUT", f"/workspaces/{project['id']}", body)

    for name, value in (("Engagement", "ENG-1"), ("Billed", [99_800, "USD"]), ("Invoice Status", [paid["id"]])):
        assert (await put(name, value)).status_code == 200
    values = await firm.hub.list("/custom_field_values", subject_type="Workspace", with_subject_id=project["id"])
    assert [(each["custom_field_name"], each["display_value"]) for each in values] == [
        ("Engagement", "ENG-1"),
        ("Billed", "998.00 USD"),
        ("Invoice Status", "paid"),
    ]
    for name, value in (("Billed", "998"), ("Invoice Status", ["1"]), ("Engagement", "x" * 256)):
        assert (await put(name, value)).status_code == 422
    own = {"subject_type": "Workspace", "subject_id": project["id"], "custom_field_id": fields["Last Invoice"]["id"]}
    made = await firm.approver.create("custom_field_values", "custom_field_value", **own, value="2026/1")
    assert (await firm.approver.refused("POST", "/custom_field_values", {"custom_field_value": {**own, "value": "2"}}))[
        0
    ] == 422
    path = f"/custom_field_values/{made['id']}"
    changed = await firm.approver.ok("PUT", path, {"custom_field_value": {"value": "2026/2"}})
    assert changed["custom_field_values"][made["id"]]["value"] == "2026/2"


async def test_a_value_that_must_be_unique_is_refused_the_second_time(firm: Cast) -> None:
    unique = firm.id_of("custom_fields", name="ERP Project")
    fields = [{"custom_field_id": unique, "value": "PRJ-1"}]
    await firm.project(custom_fields=fields)
    status, errors = await firm.approver.refused(
        "POST", "/workspaces", {"workspace": {"title": "Twin", "price": 1, "custom_fields": fields}}
    )
    assert status == 422
    assert "has already been entered" in errors[0]["message"]
    assert [each["title"] for each in await firm.hub.list("/workspaces")] == ["Data platform"], (
        "nothing half-done stays"
    )


async def test_clients_are_groups_that_projects_move_in_and_out_of(firm: Cast) -> None:
    project = await firm.project()
    group = await firm.approver.create("workspace_groups", "workspace_group", name="Globex", company=True,
                                       add_workspace_ids=[project["id"]])  # fmt: skip
    assert [each["id"] for each in await firm.hub.list("/workspaces", workspace_group_id=group["id"])] == [
        project["id"]
    ]
    remove = {"workspace_group": {"remove_workspace_ids": [project["id"]]}}
    await firm.approver.ok("PUT", f"/workspace_groups/{group['id']}", remove)
    assert await firm.hub.list("/workspaces", workspace_group_id=group["id"]) == []
    assert (await firm.approver.refused("PUT", f"/workspace_groups/{group['id']}", {"workspace_group": {"name": ""}}))[
        0
    ] == 422


async def test_a_rate_card_is_a_set_in_a_currency_with_versions_by_date(firm: Cast) -> None:
    (card,) = await firm.hub.list("/rate_cards", include="rate_card_set,rate_card_versions")
    answer = await firm.hub.ok("GET", "/rate_card_versions", include="rate_card_set_version,rate_card_roles")
    dates = sorted(each["effective_date"] for each in answer["rate_card_set_versions"].values())
    assert dates == ["2026-01-01", "2026-10-15"]
    assert len(card["rate_card_version_ids"]) == 2
    assert sorted(each["rate"] for each in answer["rate_card_roles"].values())[:2] == [21_000, 21_725]
    later = await firm.hub.create("rate_card_set_versions", "rate_card_set_version",
                                  rate_card_set_id=card["rate_card_set_id"], effective_date="2027-01-01")  # fmt: skip
    (version,) = firm.account.records.where("rate_card_versions", "rate_card_set_version_id", later["id"])
    await firm.hub.create("rate_card_roles", "rate_card_role", rate_card_version_id=version["id"],
                          role_id=firm.id_of("roles", name="Data Engineer"), rate=23_000)  # fmt: skip
    project = await firm.project()
    entry = await firm.book(project, day="2027-01-04", by=COLLEAGUE, task="Pipelines")
    (seen,) = await firm.approver.list("/time_entries", only=entry["id"])
    assert seen["rate_in_cents"] == 23_000
    assert (await firm.approver.refused("POST", "/roles", {"role": {"name": "King"}}))[0] == 403


async def test_expenses_go_the_same_way_as_time(firm: Cast) -> None:
    project = await firm.project()
    expense = await firm.consultant.create("expenses", "expense", workspace_id=project["id"], date="2026-10-05",
                                           category="Travel", amount_in_cents=12_345)  # fmt: skip
    report = await firm.consultant.create("expense_report_submissions", "expense_report_submission",
                                          workspace_id=project["id"], title="October", line_item_ids=[expense["id"]])  # fmt: skip
    bill = {"invoice": {"workspace_id": project["id"], "expense_ids": [expense["id"]]}}
    assert (await firm.approver.refused("POST", "/invoices", bill))[0] == 422
    await firm.approver.ok("PUT", f"/expense_report_submissions/{report['id']}/approve", {})
    assert [each["id"] for each in await firm.approver.list("/expenses", approved="1")] == [expense["id"]]
    made = await firm.approver.ok("POST", "/invoices", bill)
    assert [each["balance_in_cents"] for each in made["invoices"].values()] == [12_345]


async def test_a_template_may_be_applied_later(firm: Cast) -> None:
    project = await firm.project(project_tracker_template_id=None)
    template = firm.id_of("project_templates", title=PACKAGE)
    body = {"workspace": {"project_tracker_template_id": template, "project_template_create_unnamed_resources": True}}
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}/apply_template", body)
    assert (await firm.hub.ok("GET", "/stories", workspace_id=project["id"]))["count"] == 4


async def test_a_link_leads_to_a_page_of_the_project(firm: Cast) -> None:
    engagement = firm.id_of("custom_fields", name="Engagement")
    project = await firm.project("R&D <platform>", custom_fields=[{"custom_field_id": engagement, "value": "ENG-1"}])
    entry = await firm.book(project, minutes=90)
    await firm.approve(await firm.submit(project, entry))
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}", {"workspace": {"archived": True}})
    page = await firm.http.get(f"/workspaces/{project['id']}")
    assert page.status_code == 200
    for told in (
        "R&amp;D &lt;platform&gt;",
        "ENG-1",
        "Priya Raman",
        "1.50",
        "$245.00",
        "approved",
        "archived",
        "Data model",
    ):
        assert told in page.text
    assert (await firm.http.get("/workspaces/1")).status_code == 404
