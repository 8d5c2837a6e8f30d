"""Projects (workspaces) and what surrounds them: clients, templates, the people in them and their planned time."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.filters import TIMES, USUAL, among, equal, flagged, unless_asked
from tieout.connectors.kantata.emulator.schema import (
    CUSTOM_VALUES,
    REFERENCES,
    Collection,
    Row,
    kept,
    many,
    one,
)
from tieout.connectors.kantata.emulator.wire import as_given, day, flag, identifier, identifiers, text, whole


def _in_group(call: Call, row: Row, value: str) -> bool:
    return value.strip() in row["workspace_group_ids"]


def _in_my_projects(call: Call, row: Row, value: str) -> bool:
    return call.participation(row["id"]) is not None


WORKSPACE_WRITES = {
    "title": text, "description": text, "creator_role": text, "budgeted": flag, "price": whole, "currency": text,
    "start_date": day, "due_date": day, "access_level": text, "consultant_role_name": text, "client_role_name": text,
    "rate_card_id": identifier, "change_orders_enabled": flag, "stories_are_fixed_fee_by_default": flag,
    "tasks_default_non_billable": flag, "require_time_approvals": flag, "require_expense_approvals": flag,
    "require_notes_on_time_entries": flag, "time_trackable": flag, "approver_ids": identifiers,
    "primary_maven_id": identifier, "primary_workspace_group_id": identifier, "workspace_group_ids": identifiers,
    "target_margin": whole, "status_key": whole, "stage": text, "archived": flag, "invoice_preference": as_given,
    "external_link": as_given, "expenses_in_burn_rate": flag,
}  # fmt: skip

PROJECTS = (
    Collection(
        "workspaces",
        "workspace",
        "Workspace",
        shown=(
            "title", "account_id", "archived", "description", "due_date", "effective_due_date", "start_date", "budgeted",
            "change_orders_enabled", "updated_at", "created_at", "consultant_role_name", "client_role_name",
            "percentage_complete", "access_level", "can_create_line_items", "default_rate", "currency",
            "currency_symbol", "currency_base_unit", "can_invite", "has_budget_access", "tasks_default_non_billable",
            "rate_card_id", "require_time_approvals", "require_expense_approvals", "require_notes_on_time_entries",
            "has_active_timesheet_submissions", "has_active_expense_report_submissions", "price_in_cents", "price",
            "percent_of_budget_used", "budget_used", "budget_used_in_cents", "over_budget", "target_margin",
            "stories_are_fixed_fee_by_default", "status", "invoice_preference", "external_link", "creator_id",
            "stage", "lock_date", "total_invoiced", "billable_minutes",
        ),
        optional=("stage", "lock_date", "total_invoiced", "billable_minutes"),
        writes=WORKSPACE_WRITES,
        fixed=frozenset({"creator_role", "primary_maven_id"}),
        required={"title": "Please give your project a title"},
        associations=(
            one("creator", "users"),
            one("primary_maven", "users"),
            one("primary_workspace_group", "workspace_groups", hidden=True),
            kept("approvers", "users", "approver_ids"),
            kept("workspace_groups", "workspace_groups", "workspace_group_ids"),
            kept("participants", "users", "participant_ids"),
            many("participations", "participations", "participation_ids", via="workspace_id"),
            many("workspace_resources", "workspace_resources", "workspace_resource_ids", via="named_in"),
            many("workspace_resources_with_unnamed", "workspace_resources", "workspace_resources_with_unnamed_ids",
                 via="workspace_id"),
            many("timesheet_submissions", "timesheet_submissions", "timesheet_submission_ids", via="workspace_id"),
            REFERENCES,
            CUSTOM_VALUES,
        ),
        filters={
            **USUAL,
            "include_archived": unless_asked(lambda call, row: not row["archived"]),
            "archived": flagged("archived"),
            "workspace_group_id": _in_group,
            "in_progress": lambda call, row, value: True,
            "participant_ids": lambda call, row, value: bool(set(value.split(",")) & set(row["participant_ids"])),
            "my_projects": _in_my_projects,
            "matching": lambda call, row, value: value.casefold() in row["title"].casefold(),
        },
        defaults={"include_archived": "false"},
        orders=("title", "created_at", "updated_at", "due_date", "start_date"),
        order="updated_at:desc",
        search=("title", "description"),
        event="workspace",
    ),
    Collection(
        "workspace_groups",
        "workspace_group",
        "WorkspaceGroup",
        shown=(
            "name", "company", "contact_name", "email", "phone_number", "address", "website", "notes", "created_at",
            "updated_at",
        ),
        writes={
            "name": text, "company": flag, "contact_name": text, "email": text, "phone_number": text, "address": text,
            "website": text, "notes": text,
        },
        required={"name": "Please give your group a name"},
        associations=(kept("workspaces", "workspaces", "workspace_ids"), REFERENCES, CUSTOM_VALUES),
        filters={**USUAL, "company": flagged("company"), "matching": lambda call, row, value: value.casefold() in row["name"].casefold()},
        orders=("name", "created_at", "updated_at"),
        order="updated_at:desc",
        search=("name",),
        event="workspace_group",
    ),
    Collection(
        "project_templates",
        "project_template",
        "ProjectTemplate",
        shown=(
            "title", "shared", "is_budgeted", "budget", "item_count", "duration", "currency", "description", "raw_json",
            "created_at", "updated_at",
        ),
        optional=("raw_json",),
        writes={
            "title": text, "shared": flag, "is_budgeted": flag, "budget": text, "duration": whole, "currency": text,
            "description": text, "raw_json": text,
        },
        required={"title": "Please give your template a title"},
        associations=(
            one("user", "users"),
            many("project_template_assignments", "project_template_assignments", "project_template_assignment_ids",
                 via="project_template_id"),
        ),
        filters=TIMES,
        orders=("title", "created_at", "updated_at"),
        order="updated_at:desc",
        search=("title",),
    ),
    Collection(
        "project_template_assignments",
        "project_template_assignment",
        "ProjectTemplateAssignment",
        shown=("name", "created_at", "updated_at"),
        writes={"name": text, "project_template_id": identifier, "role_id": identifier},
        required={"project_template_id": "Please say which template", "name": "Please give the resource a name"},
        associations=(one("project_template", "project_templates"), one("role", "roles")),
        filters={**TIMES, "project_template_id": equal("project_template_id")},
    ),
    Collection(
        "participations",
        "participation",
        "Participation",
        shown=("role", "access", "is_team_lead", "active_role", "created_at", "updated_at"),
        writes={"workspace_id": identifier, "user_id": identifier, "role": text, "access": text, "team_lead": flag,
                "role_id": identifier},
        fixed=frozenset({"workspace_id", "user_id", "role"}),
        required={"workspace_id": "Please say which project", "user_id": "Please say which user"},
        associations=(one("user", "users"), one("workspace", "workspaces"), one("workspace_role", "roles")),
        filters={**TIMES, "workspace_id": equal("workspace_id"), "workspace_ids": among("workspace_id"),
                 "user_id": equal("user_id"), "role": equal("role")},
        bulk=100,
        event="participation",
    ),
    Collection(
        "workspace_resources",
        "workspace_resource",
        "WorkspaceResource",
        shown=(
            "display_label", "full_name", "label", "role_name", "workspace_id", "workspace_title", "created_at",
            "updated_at", "resource_bill_rate", "resource_cost_rate",
        ),
        optional=("resource_bill_rate", "resource_cost_rate"),
        writes={"workspace_id": identifier, "user_id": identifier, "role_id": identifier, "label": text,
                "bill_rate": whole, "cost_rate": whole},
        fixed=frozenset({"workspace_id"}),
        required={"workspace_id": "Please say which project"},
        associations=(one("user", "users"), one("role", "roles"), REFERENCES),
        filters={**USUAL, "workspace_id": equal("workspace_id"), "workspace_ids": among("workspace_id"),
                 "user_id": equal("user_id"), "role_id": among("role_id"),
                 "named": lambda call, row, value: (row["user_id"] is not None) == (value.lower() == "true")},
        bulk=100,
        event="workspace_resource",
    ),
    Collection(
        "workspace_allocations",
        "workspace_allocation",
        "WorkspaceAllocation",
        shown=("start_date", "end_date", "minutes", "hard", "workspace_id", "created_at", "updated_at"),
        writes={"workspace_resource_id": identifier, "start_date": day, "end_date": day, "minutes": whole, "hard": flag},
        fixed=frozenset({"workspace_resource_id"}),
        required={
            "workspace_resource_id": "Please say which resource", "start_date": "Please choose a start date",
            "end_date": "Please choose an end date", "minutes": "Please say how many minutes",
        },
        associations=(one("workspace_resource", "workspace_resources"), one("workspace", "workspaces")),
        filters={**USUAL, "workspace_id": among("workspace_id"),
                 "with_workspace_resource_ids": among("workspace_resource_id")},
        event="workspace_allocation",
    ),
)  # fmt: skip
