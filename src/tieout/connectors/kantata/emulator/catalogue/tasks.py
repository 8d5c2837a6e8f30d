"""Tasks (stories) of projects, and who is assigned to them."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import USUAL, among, equal, unless_asked
from tieout.connectors.kantata.emulator.schema import CUSTOM_VALUES, REFERENCES, Collection, Row, kept, many, one
from tieout.connectors.kantata.emulator.wire import day, flag, identifier, text, whole


def _project_is_open(call: Call, row: Row) -> bool:
    workspace = call.records.get("workspaces", row["workspace_id"])
    return workspace is not None and not workspace["archived"]


def _shows_deleted(call: Call, row: Row) -> bool:
    return row["deleted_at"] is None


TASKS = (
    Collection(
        "stories",
        "story",
        "Story",
        shown=(
            "title", "description", "story_type", "state", "status", "priority", "position", "archived", "deleted_at",
            "created_at", "updated_at", "start_date", "due_date", "billable", "fixed_fee", "time_trackable", "weight",
            "percentage_complete", "sub_story_count", "budget_estimate_in_cents", "budget_used_in_cents",
            "time_estimate_in_minutes", "logged_billable_time_in_minutes", "logged_nonbillable_time_in_minutes",
            "can_edit",
        ),
        optional=("can_edit",),
        writes={
            "title": text, "description": text, "story_type": text, "workspace_id": identifier, "parent_id": identifier,
            "state": text, "priority": text, "archived": flag, "start_date": day, "due_date": day, "billable": flag,
            "fixed_fee": flag, "time_trackable": flag, "weight": whole, "percentage_complete": whole,
            "budget_estimate_in_cents": whole, "time_estimate_in_minutes": whole,
        },
        fixed=frozenset({"workspace_id"}),
        required={
            "title": "Please give your task a title", "story_type": "Please choose a type",
            "workspace_id": "Please say which project",
        },
        associations=(
            one("workspace", "workspaces"),
            one("parent", "stories"),
            one("creator", "users"),
            kept("assignees", "users", "assignee_ids"),
            kept("workspace_resources", "workspace_resources", "workspace_resource_ids"),
            kept("workspace_resources_with_unnamed", "workspace_resources", "workspace_resources_with_unnamed_ids"),
            many("sub_stories", "stories", "sub_story_ids", via="parent_id"),
            many("current_assignments", "assignments", "current_assignment_ids", via="story_id"),
            REFERENCES,
            CUSTOM_VALUES,
        ),
        filters={
            **USUAL,
            "workspace_id": among("workspace_id"),
            "parent_story_id": equal("parent_id"),
            "parents_only": lambda call, row, value: row["parent_id"] is None,
            "story_type": among("story_type"),
            "show_archived": unless_asked(lambda call, row: not row["archived"]),
            "show_deleted": unless_asked(_shows_deleted),
            "show_from_archived_workspaces": unless_asked(_project_is_open),
        },
        defaults={"show_archived": "false", "show_deleted": "false", "show_from_archived_workspaces": "false"},
        orders=("created_at", "updated_at", "position", "due_date", "title"),
        order="updated_at:desc",
        search=("title", "description"),
        bulk=300,
        event="story",
    ),
    Collection(
        "assignments",
        "assignment",
        "Assignment",
        shown=("current", "estimated_minutes", "allocated_minutes", "created_at", "updated_at"),
        writes={"story_id": identifier, "assignee_id": identifier, "resource_id": identifier, "current": flag,
                "estimated_minutes": whole},
        fixed=frozenset({"story_id", "assignee_id"}),
        required={"story_id": "Please say which task"},
        associations=(one("story", "stories"), one("assignee", "users"),
                      one("workspace_resource", "workspace_resources", key="resource_id")),
        filters={**USUAL, "story_id": among("story_id"), "assignee_id": among("assignee_id"),
                 "workspace_id": among("workspace_id")},
        event="assignment",
    ),
)  # fmt: skip
