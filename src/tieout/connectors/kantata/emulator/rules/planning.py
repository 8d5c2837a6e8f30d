"""Clients, tasks, resources and allocations: what a project manager sets up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import forbidden, invalid
from tieout.connectors.kantata.emulator.rules.money import rate_of
from tieout.connectors.kantata.emulator.rules.projects import resource
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.rules.templates import assign, blank_story
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, identifiers, stamp

_TYPES = ("task", "deliverable", "milestone", "issue")
LONGEST_TITLE = 200


def may_plan(call: Call, workspace_id: str) -> Row:
    """The project, which the caller takes part in. Raises Refusal."""
    workspace = call.records.get("workspaces", workspace_id)
    if workspace is None or not call.sees(workspace_id):
        raise invalid("workspace_id", "Workspace could not be found")
    return workspace


class Groups(Rule):
    collection = "workspace_groups"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.may_create_projects:
            raise forbidden()
        blank = dict.fromkeys(("contact_name", "email", "phone_number", "address", "website", "notes"))
        return {**blank, "company": False, **values, "workspace_ids": []}

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        self._move(call, row, body)

    def changed(self, call: Call, row: Row, body: JsonObject) -> None:
        self._move(call, row, body)

    def _move(self, call: Call, row: Row, body: JsonObject) -> None:
        added = identifiers("add_workspace_ids", body.get("add_workspace_ids"))
        removed = identifiers("remove_workspace_ids", body.get("remove_workspace_ids"))
        ids = list(dict.fromkeys([*row["workspace_ids"], *added]))
        call.records.change("workspace_groups", row["id"], workspace_ids=[each for each in ids if each not in removed])
        for each in (*added, *removed):
            workspace = call.records.get("workspaces", each)
            if workspace is None:
                raise invalid("add_workspace_ids", f"Workspace {each} could not be found")
            groups = [one for one in workspace["workspace_group_ids"] if one != row["id"]]
            groups += [row["id"]] if each in added else []
            call.records.change("workspaces", each, quietly=True, workspace_group_ids=groups)


class Stories(Rule):
    collection = "stories"

    def visible(self, call: Call, row: Row) -> bool:
        return call.sees(row["workspace_id"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        entries = call.records.where("time_entries", "story_id", row["id"])
        billable = [each for each in entries if each["billable"]]
        spent = sum(round(each["time_in_minutes"] * each["rate_in_cents"] / 60) for each in billable)
        financial = call.financial(row["workspace_id"])
        return {
            "status": row["state"],
            "logged_billable_time_in_minutes": sum(each["time_in_minutes"] for each in billable),
            "logged_nonbillable_time_in_minutes": sum(
                each["time_in_minutes"] for each in entries if not each["billable"]
            ),
            "budget_used_in_cents": spent if financial else None,
            "budget_estimate_in_cents": row["budget_estimate_in_cents"] if financial else None,
            "sub_story_count": len(call.records.where("stories", "parent_id", row["id"])),
            "can_edit": True,
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = may_plan(call, values["workspace_id"])
        self._check(call, values)
        position = 1 + len(call.records.where("stories", "workspace_id", workspace["id"]))
        given = {name: value for name, value in values.items() if value is not None}
        return {**blank_story(workspace), "position": position, **given, "creator_id": call.user["id"]}

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        self.changed(call, row, body)

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        self._check(call, values)
        if values.get("percentage_complete"):  # above 0 starts a task, 100 completes it
            values = {"state": "completed" if values["percentage_complete"] == 100 else "started", **values}
        if values.get("state") and values["state"] != row["state"]:
            call.records.insert(
                "story_state_changes", story_id=row["id"], state=values["state"], user_id=call.user["id"]
            )
        return values

    def changed(self, call: Call, row: Row, body: JsonObject) -> None:
        if "assignments" in body or "assignee_ids" in body:
            assign(call, row, self._assigned(call, row, body))

    def remove(self, call: Call, row: Row) -> None:
        call.records.change("stories", row["id"], deleted_at=stamp(call.records.now()))

    def _check(self, call: Call, values: JsonObject) -> None:
        if len(values.get("title") or "") > LONGEST_TITLE:
            raise invalid("title", f"title is too long (maximum is {LONGEST_TITLE} characters)")
        if values.get("story_type", "task") not in _TYPES:
            raise invalid("story_type", "story_type is not included in the list")
        if values.get("parent_id") and call.records.get("stories", values["parent_id"]) is None:
            raise invalid("parent_id", "Parent could not be found")

    def _assigned(self, call: Call, row: Row, body: JsonObject) -> list[Row]:
        """The named resources of users, and resources given as such. Raises Refusal for one that is not in the project."""
        entries: list[JsonObject] = list(cast("list[JsonObject]", body.get("assignments") or ()))
        entries += [{"assignee_id": each} for each in identifiers("assignee_ids", body.get("assignee_ids"))]
        found: list[Row] = []
        for each in entries:
            in_project = call.records.where("workspace_resources", "workspace_id", row["workspace_id"])
            by_id = str(each.get("workspace_resource_id") or "")
            user_id = str(each.get("assignee_id") or "")
            match = [
                one for one in in_project if (by_id and one["id"] == by_id) or (user_id and one["user_id"] == user_id)
            ]
            if not match:
                raise invalid("assignments", "Assignee is not a resource of this project")
            found.append(match[0])
        return found


class Assignments(Rule):
    collection = "assignments"

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        story = call.records.get("stories", values["story_id"])
        if story is None:
            raise invalid("story_id", "Story could not be found")
        in_project = call.records.where("workspace_resources", "workspace_id", story["workspace_id"])
        wanted = values.get("resource_id"), values.get("assignee_id")
        found = next(
            (each for each in in_project if each["id"] == wanted[0] or (wanted[1] and each["user_id"] == wanted[1])),
            None,
        )
        if found is None:
            raise invalid("assignee_id", "Assignee is not a resource of this project")
        ids = dict.fromkeys([*story["workspace_resources_with_unnamed_ids"], found["id"]])
        named = [each for one in ids if (each := call.records.get("workspace_resources", one)) and each["user_id"]]
        call.records.change(
            "stories",
            story["id"],
            quietly=True,
            workspace_resources_with_unnamed_ids=list(ids),
            workspace_resource_ids=[each["id"] for each in named],
            assignee_ids=[each["user_id"] for each in named],
        )
        return {
            "current": True, "estimated_minutes": 0, "allocated_minutes": 0, **values, "resource_id": found["id"],
            "assignee_id": found["user_id"], "workspace_id": story["workspace_id"],
        }  # fmt: skip

    def remove(self, call: Call, row: Row) -> None:
        story = cast("Row", call.records.get("stories", row["story_id"]))
        super().remove(call, row)
        left = [one for one in story["workspace_resources_with_unnamed_ids"] if one != row["resource_id"]]
        assign(call, story, [each for one in left if (each := call.records.get("workspace_resources", one))])


class ProjectResources(Rule):
    collection = "workspace_resources"

    def visible(self, call: Call, row: Row) -> bool:
        return call.sees(row["workspace_id"])

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        records = call.records
        user, role = records.get("users", row["user_id"]), records.get("roles", row["role_id"])
        workspace = cast("Row", records.get("workspaces", row["workspace_id"]))
        today = records.now().date().isoformat()
        rate = row["bill_rate"] or rate_of(records, workspace, row["role_id"], user or call.user, today)
        return {
            "full_name": user["full_name"] if user else None,
            "role_name": role["name"] if role else None,
            "display_label": row["label"] or (user["full_name"] if user else role["name"] if role else "Unnamed"),
            "workspace_title": workspace["title"],
            "resource_bill_rate": rate if call.financial(workspace["id"]) else None,
            "resource_cost_rate": row["cost_rate"] if call.administrator else None,
        }

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        workspace = may_plan(call, values["workspace_id"])
        if not call.financial(workspace["id"]):
            raise forbidden()
        given = {name: value for name, value in values.items() if name in ("label", "bill_rate", "cost_rate")}
        return resource(workspace["id"], values.get("user_id"), values.get("role_id"), **given)

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        if not call.financial(row["workspace_id"]):
            raise forbidden()
        user_id = values.get("user_id", row["user_id"])
        return {**values, "named_in": row["workspace_id"] if user_id else None}


class Allocations(Rule):
    collection = "workspace_allocations"

    def visible(self, call: Call, row: Row) -> bool:
        return call.sees(row["workspace_id"])

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        found = call.records.get("workspace_resources", values["workspace_resource_id"])
        if found is None:
            raise invalid("workspace_resource_id", "Workspace resource could not be found")
        if values["end_date"] < values["start_date"]:
            raise invalid("end_date", "End date must be on or after the start date")
        if not call.financial(found["workspace_id"]):
            raise forbidden()
        return {"hard": False, **values, "workspace_id": found["workspace_id"]}
