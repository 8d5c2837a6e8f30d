"""Project templates: tasks as one JSON text, and what becomes of them in a project that is made from a template."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any, cast

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import forbidden, invalid
from tieout.connectors.kantata.emulator.rules.money import rate_of
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, truth


def tasks_of(raw_json: str | None) -> list[JsonObject]:
    """The top-level tasks of a template's `raw_json`. Raises Refusal when it is no such text."""
    try:
        content = json.loads(raw_json or "{}")
    except ValueError as wrong:
        raise invalid("raw_json", "raw_json is not valid JSON") from wrong
    stories = content.get("stories", []) if isinstance(content, dict) else content  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return cast("list[JsonObject]", stories)


def apply_template(call: Call, workspace: Row, body: JsonObject) -> None:
    """Tasks with estimates and assignments to resources: unnamed ones in the template's roles, or the mapped ones."""
    template = call.records.get("project_templates", str(body["project_tracker_template_id"]))
    if template is None:
        raise invalid("project_tracker_template_id", "Project template could not be found")
    start = body.get("project_template_start_date") or workspace["start_date"]
    begins = date.fromisoformat(str(start)[:10]) if start else call.records.now().date()
    resources = _resources(call, workspace, template, body)
    for position, task in enumerate(tasks_of(template["raw_json"]), 1):
        _story(call, workspace, task, None, position, begins, resources)


def _resources(call: Call, workspace: Row, template: Row, body: JsonObject) -> dict[str, Row]:
    """For each resource of the template the one in the project that takes its place."""
    records = call.records
    mappings = {str(each.get("resource_id")): each for each in body.get("project_template_assignment_mappings") or ()}
    unnamed = truth(str(body.get("project_template_create_unnamed_resources") or "false"))
    made: dict[str, Row] = {}
    for each in records.where("project_template_assignments", "project_template_id", template["id"]):
        mapped: dict[str, Any] = {} if unnamed else mappings.get(each["id"], {})
        user = records.get("users", str(mapped["user_id"])) if mapped.get("user_id") else None
        role_id = str(mapped["role_id"]) if mapped.get("role_id") else user["role_id"] if user else each["role_id"]
        if not unnamed and not mapped:
            continue  # a template resource that nobody mapped leaves its tasks unassigned
        known = records.first("workspace_resources", workspace_id=workspace["id"], user_id=user["id"]) if user else None
        made[each["id"]] = known or records.insert(
            "workspace_resources",
            workspace_id=workspace["id"],
            user_id=user["id"] if user else None,
            role_id=role_id,
            label=each["name"],
            bill_rate=None,
            cost_rate=None,
            named_in=workspace["id"] if user else None,
        )
    return made


def _story(
    call: Call, workspace: Row, task: JsonObject, parent: Row | None, position: int, begins: date, made: dict[str, Row]
) -> None:
    assigned = [made[one] for each in task.get("assignments") or () if (one := str(each.get("resource_id"))) in made]
    minutes = task.get("time_estimate_in_minutes")
    budget = task.get("budget_estimate_in_cents")
    if budget is None and minutes and assigned and workspace["rate_card_id"]:
        rate = rate_of(call.records, workspace, assigned[0]["role_id"], call.user, begins.isoformat())
        budget = round(rate * minutes / 60)
    first, last = task.get("relative_start_date"), task.get("relative_due_date")
    story = call.records.insert(
        "stories",
        **{
            **blank_story(workspace),
            "title": task["title"],
            "description": task.get("description"),
            "story_type": task.get("story_type") or "task",
            "parent_id": parent["id"] if parent else None,
            "position": position,
            "billable": task.get("billable", not workspace["tasks_default_non_billable"]),
            "time_estimate_in_minutes": minutes,
            "budget_estimate_in_cents": budget,
            "start_date": (begins + timedelta(days=first)).isoformat() if first is not None else None,
            "due_date": (begins + timedelta(days=last)).isoformat() if last is not None else None,
            "creator_id": call.user["id"],
        },
    )
    assign(call, story, assigned)
    for place, sub in enumerate(task.get("sub_stories") or (), 1):
        _story(call, workspace, sub, story, place, begins, made)


def blank_story(workspace: Row) -> JsonObject:
    return {
        "workspace_id": workspace["id"], "description": None, "parent_id": None, "state": "not started",
        "priority": "normal", "position": 0, "archived": False, "deleted_at": None, "start_date": None,
        "due_date": None, "billable": not workspace["tasks_default_non_billable"],
        "fixed_fee": workspace["stories_are_fixed_fee_by_default"], "time_trackable": True, "weight": None,
        "percentage_complete": 0, "budget_estimate_in_cents": None, "time_estimate_in_minutes": None,
        "creator_id": None, "assignee_ids": [], "workspace_resource_ids": [],
        "workspace_resources_with_unnamed_ids": [],
    }  # fmt: skip


def assign(call: Call, story: Row, resources: list[Row]) -> None:
    """The task's assignments become exactly these."""
    records = call.records
    known = {each["resource_id"]: each for each in records.where("assignments", "story_id", story["id"])}
    wanted = {each["id"]: each for each in resources}
    for resource_id in known.keys() - wanted.keys():
        records.remove("assignments", known[resource_id]["id"])
    for resource_id in wanted.keys() - known.keys():
        records.insert(
            "assignments",
            story_id=story["id"],
            workspace_id=story["workspace_id"],
            resource_id=resource_id,
            assignee_id=wanted[resource_id]["user_id"],
            current=True,
            estimated_minutes=0,
            allocated_minutes=0,
        )
    records.change(
        "stories",
        story["id"],
        quietly=True,
        assignee_ids=[each["user_id"] for each in resources if each["user_id"]],
        workspace_resource_ids=[each["id"] for each in resources if each["user_id"]],
        workspace_resources_with_unnamed_ids=list(wanted),
    )


class Templates(Rule):
    collection = "project_templates"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.may_create_projects:
            raise forbidden()
        tasks_of(values.get("raw_json"))
        blank = {
            "shared": False, "is_budgeted": False, "budget": None, "duration": None, "currency": "USD",
            "description": None, "raw_json": None,
        }  # fmt: skip
        return {**blank, **values, "user_id": call.user["id"]}

    def derive(self, call: Call, row: Row) -> dict[str, Any]:
        return {"item_count": len(tasks_of(row["raw_json"]))}


class TemplateResources(Rule):
    collection = "project_template_assignments"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if call.records.get("project_templates", values["project_template_id"]) is None:
            raise invalid("project_template_id", "Project template could not be found")
        return {"role_id": None, **values}
