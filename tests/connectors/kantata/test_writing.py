"""What the hub sets up in Kantata: once, by name, and with everything that is missing told at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tieout.connectors.contract import Guarantee, Receipt, Write
from tieout.connectors.kantata.connector import SPEC, Kantata
from tieout.connectors.kantata.emulator import IN_PROGRESS, IN_SETUP, ON_HOLD, KantataAccount, KantataField
from tieout.connectors.kantata.writing import Prepared
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Rejected, Transient

from .conftest import APPROVER, CARD, FIELDS, PACKAGE, Cast, open_connector

pytestmark = pytest.mark.anyio

PROJECT = Project(
    key="PRJ-7K3M9QXA",
    engagement="ENG-7K3M9QXA",
    name="Globex data platform",
    customer="CUS-1",
    legal_entity="US",
    currency="USD",
    department="410",
    contract_version=1,
    budget=Decimal("98650.50"),
    rate_card=CARD,
    start="2026-10-05",  # type: ignore[arg-type]
    end="2027-01-29",  # type: ignore[arg-type]
    po_number="PO-4711",
    project_manager=APPROVER,
    package=PACKAGE,
    tasks=(
        ProjectTask(key="PRJ-7K3M9QXA/01", name="Discovery", role="Principal", hours=Decimal(40), rate=Decimal(340)),
        ProjectTask(
            key="PRJ-7K3M9QXA/02",
            name="Data model",
            role="Senior Consultant",
            hours=Decimal("120.5"),
            rate=Decimal(245),
        ),
    ),
)


async def client_of(hub: Kantata) -> str:
    body = {"key": "CUS-1", "name": "Globex Corporation", "email": "ap@globex.example"}
    return (await hub.send("client.create", await hub.prepare(Write("client.create", "CUS-1", "1", body)))).id


async def creation(hub: Kantata, project: Project = PROJECT, **body: Any) -> Write:
    facts = {**project.body(), "template": project.package, **body}
    return Write("project.create", project.key, "1", facts, {"client": await client_of(hub)})


async def created(hub: Kantata) -> Receipt:
    return await hub.send("project.create", await hub.prepare(await creation(hub)))


async def perform(hub: Kantata, operation: str, subject: str, record: str, **body: Any) -> Receipt:
    return await hub.send(operation, await hub.prepare(Write(operation, subject, "1", body, {"record": record})))


async def report(hub: Kantata, record: str, **facts: Any) -> Receipt:
    return await perform(hub, "project.report", f"{PROJECT.key}/money", record, **facts)


async def fields_of(firm: Cast, record: str) -> dict[str, Any]:
    found = await firm.hub.ok("GET", f"/workspaces/{record}", include="custom_field_values", include_archived="true")
    return {each["custom_field_name"]: each["display_value"] for each in found["custom_field_values"].values()}


async def test_a_client_is_a_company_that_refers_to_the_customer(firm: Cast, hub: Kantata) -> None:
    record = await client_of(hub)
    answer = await firm.hub.ok("GET", f"/workspace_groups/{record}", include="external_references")
    (group,) = answer["workspace_groups"].values()
    (reference,) = answer["external_references"].values()
    assert (group["name"], group["company"], group["email"]) == ("Globex Corporation", True, "ap@globex.example")
    assert (reference["service_name"], reference["service_model"], reference["service_model_ref"]) == (
        "tieout",
        "Customer",
        "CUS-1",
    )


async def test_a_project_comes_from_the_template_with_rates_roles_client_and_lead(firm: Cast, hub: Kantata) -> None:
    receipt = await created(hub)
    include = "workspace_groups,external_references,workspace_resources_with_unnamed,approvers,participants"
    answer = await firm.hub.ok("GET", f"/workspaces/{receipt.id}", include=include)
    project = answer["workspaces"][receipt.id]
    assert project["title"] == "Globex data platform"
    assert project["price_in_cents"] == 9_865_100, "budgets are whole units of the currency there, rounded half up"
    assert (project["currency"], project["start_date"], project["due_date"]) == ("USD", "2026-10-05", "2027-01-29")
    assert project["invoice_preference"] == {"purchase_order": "PO-4711", "project_code": "PRJ-7K3M9QXA"}
    assert project["rate_card_id"] == int(firm.id_of("rate_cards", currency="USD"))
    assert project["primary_maven_id"] == firm.approver.id
    assert project["approver_ids"] == [firm.approver.id]
    assert [each["name"] for each in answer["workspace_groups"].values()] == ["Globex Corporation"]
    unnamed = [each["role_name"] for each in answer["workspace_resources"].values() if each["full_name"] is None]
    assert unnamed == ["Principal", "Senior Consultant", "Data Engineer"]
    stories = {each["id"]: each["title"] for each in await firm.hub.list("/stories", workspace_id=receipt.id)}
    assert sorted(stories.values()) == ["Data model", "Discovery", "Pipelines", "Travel"]
    assert {key: stories[story] for key, story in receipt.parts.items()} == {
        "PRJ-7K3M9QXA/01": "Discovery",
        "PRJ-7K3M9QXA/02": "Data model",
    }


async def test_preparing_has_no_effect_and_gives_the_same_bytes_again(firm: Cast, hub: Kantata) -> None:
    write = await creation(hub)
    first, second = await hub.prepare(write), await hub.prepare(write)
    assert first == second
    assert (await firm.hub.ok("GET", "/workspaces"))["count"] == 0


async def test_what_is_there_is_found_by_its_reference(firm: Cast, hub: Kantata) -> None:
    write = await creation(hub)
    assert await hub.find(write) is None
    receipt = await hub.send("project.create", await hub.prepare(write))
    assert await hub.find(write) == receipt
    customer = Write("client.create", "CUS-1", "1", {"key": "CUS-1", "name": "Globex", "email": ""})
    assert await hub.find(customer) == Receipt(write.ids["client"])
    await perform(hub, "project.update", PROJECT.key, receipt.id, state="archived")
    assert await hub.find(write) == receipt, "an archived project is still there"


async def test_a_renamed_task_is_found_by_its_reference_and_a_removed_one_needs_a_person(
    firm: Cast, hub: Kantata
) -> None:
    receipt = await created(hub)
    task = "PRJ-7K3M9QXA/02"
    story = receipt.parts[task]
    await perform(hub, "task.plan", task, story, name="Data model", role="Senior Consultant", hours="8", rate="245",
                  currency="USD", billable=True)  # fmt: skip
    await firm.hub.ok("PUT", f"/stories/{story}", {"story": {"title": "Conceptual model"}})
    write = await creation(hub)
    assert await hub.find(write) == receipt
    await firm.hub("DELETE", f"/stories/{receipt.parts['PRJ-7K3M9QXA/01']}")
    with pytest.raises(Rejected, match="set up the project"):
        await hub.find(write)


async def test_everything_that_is_missing_is_told_at_once(hub: Kantata) -> None:
    write = await creation(
        hub,
        rate_card="UK 2026",
        project_manager="nobody@kestrel.example",
        tasks=[{"key": "x", "name": "Juggling", "role": "Juggler", "hours": "1", "rate": "1"}],
    )
    with pytest.raises(Rejected) as refused:
        await hub.prepare(write)
    assert [each.quote for each in refused.value.problems] == [
        f"The project template “{PACKAGE}” has no task “Juggling”.",
        "There is no rate card “UK 2026” in USD.",
        "There is no user nobody@kestrel.example to lead the project.",
        "There is no role “Juggler”.",
    ]
    assert len({each.cause for each in refused.value.problems}) == 4
    with pytest.raises(Rejected, match=r"no project template “GONE”"):
        await hub.prepare(await creation(hub, template="GONE"))


async def test_the_firm_may_call_templates_and_fields_as_it_likes(
    make_account: Callable[..., KantataAccount], firm: Cast
) -> None:
    account = make_account(custom_fields=[KantataField("Fakturiert", "currency"), KantataField("Deal")])
    fields = {"billed": "Fakturiert", "engagement": "Deal", "last_invoice": ""}
    async with open_connector(account, fields=fields, templates={"PKG-1": PACKAGE}) as hub:
        write = await creation(hub, template="PKG-1")
        receipt = await hub.send("project.create", await hub.prepare(write))
        await report(hub, receipt.id, billed="1200.5", engagement="ENG-1", last_invoice="2026/17")
        values = {each["custom_field_id"]: each["value"] for each in account.records.all("custom_field_values")}
        assert list(values.values()) == [[120_050, "USD"], "ENG-1"]
        assert (await hub.describe())["workspace"] == ["Deal", "Fakturiert"]
    with pytest.raises(Misconfigured, match="colour"):
        async with open_connector(account, fields={"colour": "Colour"}):
            pass


async def test_a_task_carries_hours_budget_and_role(firm: Cast, hub: Kantata) -> None:
    receipt = await created(hub)
    task, story = "PRJ-7K3M9QXA/02", receipt.parts["PRJ-7K3M9QXA/02"]
    facts = {"name": "Data model", "hours": "120.5", "rate": "252.50", "currency": "USD", "billable": True}
    for role in ("Senior Consultant", "Data Engineer", "Data Engineer"):
        await perform(hub, "task.plan", task, story, role=role, **facts)
    answer = await firm.hub.ok(
        "GET", f"/stories/{story}", include="workspace_resources_with_unnamed,external_references"
    )
    planned = answer["stories"][story]
    assert (planned["time_estimate_in_minutes"], planned["budget_estimate_in_cents"]) == (7_230, 3_042_625)
    assert [each["role_name"] for each in answer["workspace_resources"].values()] == [
        "Senior Consultant",
        "Data Engineer",
    ]
    assert [each["service_model_ref"] for each in answer["external_references"].values()] == [task]


async def test_planning_again_leaves_the_people_who_were_staffed_meanwhile(firm: Cast, hub: Kantata) -> None:
    receipt = await created(hub)
    story = receipt.parts["PRJ-7K3M9QXA/02"]
    await firm.approver.create("participations", "participation", workspace_id=receipt.id, user_id=firm.consultant.id)
    await firm.approver.ok(
        "PUT", f"/stories/{story}", {"story": {"assignments": [{"assignee_id": firm.consultant.id}]}}
    )
    await perform(hub, "task.plan", "PRJ-7K3M9QXA/02", story, name="Data model", role="Senior Consultant", hours="10",
                  rate="245", currency="USD", billable=True)  # fmt: skip
    answer = await firm.hub.ok("GET", f"/stories/{story}", include="assignees")
    assert answer["stories"][story]["assignee_ids"] == [firm.consultant.id]


async def test_a_role_that_nobody_in_the_project_has_needs_a_person(hub: Kantata) -> None:
    receipt = await created(hub)
    with pytest.raises(Rejected, match="plan the task"):
        await perform(hub, "task.plan", "x", receipt.parts["PRJ-7K3M9QXA/01"], name="Discovery", role="Juggler",
                      hours="1", rate="1", currency="USD", billable=True)  # fmt: skip


async def test_a_project_on_hold_takes_no_time_and_an_active_one_does(firm: Cast) -> None:
    async with open_connector(firm.account, active_status=IN_PROGRESS, on_hold_status=ON_HOLD) as hub:
        record = (await created(hub)).id
        await firm.approver.create("participations", "participation", workspace_id=record, user_id=firm.consultant.id)
        entry = {"time_entry": {"workspace_id": record, "date_performed": "2026-10-05", "time_in_minutes": 60}}
        seen: list[tuple[str, bool, int]] = []
        for state in ("active", "on_hold", "archived", "active"):
            await perform(hub, "project.update", PROJECT.key, record, state=state, po_number="PO-9")
            found = (await firm.hub.ok("GET", f"/workspaces/{record}", include_archived="true"))["workspaces"][record]
            booked = (await firm.consultant("POST", "/time_entries", entry)).status_code
            seen.append((found["status"]["message"], found["archived"], booked))
        assert seen == [
            ("In Progress", False, 200),
            ("On Hold", False, 422),
            ("On Hold", True, 422),
            ("In Progress", False, 200),
        ]
        assert found["invoice_preference"] == {"purchase_order": "PO-9", "project_code": PROJECT.key}


@pytest.mark.parametrize("stage", ["estimate", "project"])
async def test_a_tentative_project_takes_time_and_has_the_contracts_budget_and_dates_once_it_is_signed(
    firm: Cast, stage: str
) -> None:
    settings = {"active_status": IN_PROGRESS, "tentative_status": IN_SETUP, "tentative_stage": stage}
    async with open_connector(firm.account, **settings) as hub:
        record = (await created(hub)).id
        await firm.approver.create("participations", "participation", workspace_id=record, user_id=firm.consultant.id)
        entry = {"time_entry": {"workspace_id": record, "date_performed": "2026-10-05", "time_in_minutes": 60}}
        terms = {"po_number": "", "budget": "98650.50", "start": "2026-10-05", "end": "2027-01-29"}
        await perform(hub, "project.update", PROJECT.key, record, state="tentative", signed=False, **terms)
        told = "status,stage"
        found = (await firm.hub.ok("GET", f"/workspaces/{record}", optional_fields=told))["workspaces"][record]
        assert (found["status"]["message"], found["stage"]) == ("In Setup", stage)
        assert (await firm.consultant("POST", "/time_entries", entry)).status_code == 200
        signed = {**terms, "budget": "120000", "end": "2027-02-26"}
        await perform(hub, "project.update", PROJECT.key, record, state="active", signed=True, **signed)
        found = (await firm.hub.ok("GET", f"/workspaces/{record}", optional_fields=told))["workspaces"][record]
        assert (found["status"]["message"], found["stage"]) == ("In Progress", "project")
        assert (found["price_in_cents"], found["due_date"]) == (12_000_000, "2027-02-26")


async def test_the_full_form_of_a_short_name_is_kept(firm: Cast, hub: Kantata) -> None:
    body = {"key": "CUS-2", "name": "Globex", "full_name": "Globex Corporation of America", "email": ""}
    client = (await hub.send("client.create", await hub.prepare(Write("client.create", "CUS-2", "1", body)))).id
    told = await firm.hub.ok("GET", f"/workspace_groups/{client}", include="external_references")
    (reference,) = told["external_references"].values()
    assert (told["workspace_groups"][client]["name"], reference["external_message"]) == (
        "Globex", "Full name: Globex Corporation of America",
    )  # fmt: skip
    write = await creation(hub, name="Globex data", full_name="Globex data platform, all phases of it")
    record = (await hub.send("project.create", await hub.prepare(write))).id
    project = (await firm.hub.ok("GET", f"/workspaces/{record}"))["workspaces"][record]
    assert project["title"] == "Globex data"
    assert project["description"].endswith("\nFull name: Globex data platform, all phases of it")


async def test_figures_are_custom_fields_of_the_project_in_its_currency(firm: Cast, hub: Kantata) -> None:
    record = (await created(hub)).id
    await report(hub, record, engagement=PROJECT.engagement, erp_project=PROJECT.key)
    for _ in range(2):
        await report(hub, record, billed=Decimal("11025.00"), paid="4000.25", unbilled="-12.5",
                     invoice_status="partly_paid", last_invoice="2026/17")  # fmt: skip
    assert await fields_of(firm, record) == {
        "Engagement": "ENG-7K3M9QXA",
        "ERP Project": "PRJ-7K3M9QXA",
        "Billed": "11025.00 USD",
        "Paid": "4000.25 USD",
        "Unbilled": "-12.50 USD",
        "Invoice Status": "partly_paid",
        "Last Invoice": "2026/17",
    }
    await report(hub, record, last_invoice="")
    assert "Last Invoice" not in await fields_of(firm, record)
    with pytest.raises(Rejected) as refused:
        await report(hub, record, invoice_status="lost in the post")
    assert refused.value.problems[0].quote == "The custom field “Invoice Status” has no choice “lost in the post”."


async def test_fields_that_the_account_lacks_are_all_named(make_account: Callable[..., KantataAccount]) -> None:
    async with open_connector(make_account(custom_fields=FIELDS[:2])) as hub:
        record = (await created(hub)).id
        with pytest.raises(Rejected) as refused:
            await report(hub, record, engagement="E", billed="1", paid="0")
        quotes = [each.quote for each in refused.value.problems]
        assert quotes == ["There is no custom field “Billed”.", "There is no custom field “Paid”."]


async def test_what_the_account_refuses_is_told_in_its_own_words(firm: Cast, hub: Kantata) -> None:
    first = (await created(hub)).id
    await report(hub, first, erp_project="PRJ-1")
    other = await firm.project("Another")
    with pytest.raises(Rejected) as refused:
        await report(hub, other["id"], erp_project="PRJ-1")
    assert refused.value.problems[0].quote == "value ERP Project 'PRJ-1' has already been entered"


async def test_updates_are_there_when_their_records_are(firm: Cast, hub: Kantata) -> None:
    receipt = await created(hub)
    story = receipt.parts["PRJ-7K3M9QXA/01"]
    for operation, record in (("task.plan", story), ("project.update", receipt.id), ("project.report", receipt.id)):
        assert await hub.find(Write(operation, "x", "1", {}, {"record": record})) == Receipt(record)
        assert await hub.find(Write(operation, "x", "1", {}, {"record": "1"})) is None
    with pytest.raises(LookupError):
        await hub.find(Write("invoice.upsert", "x", "1", {}))


async def test_the_connection_says_who_it_is_and_where_people_find_things(hub: Kantata) -> None:
    health = await hub.check()
    assert (health.ok, health.user, health.detail) == (True, "tieout@kestrel.example", "connected")
    assert hub.link(Ref("kantata", "project", "17")) == "https://app.mavenlink.com/workspaces/17"
    assert hub.link(Ref("kantata", "time_entry", "17")) == ""
    assert "rate_in_cents" in (await hub.describe())["time_entry"]


async def test_a_request_that_was_given_up_has_time_to_settle(hub: Kantata) -> None:
    assert {name: each.guarantee for name, each in SPEC.writes.items()} == {
        "client.create": Guarantee.LOOK_UP,
        "project.create": Guarantee.LOOK_UP,
        "resource.create": Guarantee.LOOK_UP,
        "task.create": Guarantee.LOOK_UP,
        "task.plan": Guarantee.UPSERT,
        "project.update": Guarantee.UPSERT,
        "project.report": Guarantee.UPSERT,
    }
    assert hub.operation("project.create").settle.total_seconds() == 5
    assert hub.operation("project.report").settle.total_seconds() == 5


async def test_a_project_whose_template_is_still_being_applied_is_asked_again_later(firm: Cast, hub: Kantata) -> None:
    write = await creation(hub)
    stored = Prepared.decode(await hub.prepare(write))
    workspace = stored.request.body["workspace"]
    for name in ("project_tracker_template_id", "project_template_start_date"):
        workspace.pop(name)
    await firm.hub.ok("POST", "/workspaces", {"workspace": workspace})
    with pytest.raises(Transient, match="has no task"):
        await hub.find(write)
