"""What the hub sets up in Kantata, as one request each: names become ids here, and every name that is missing is told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

from tieout.connectors.contract import Write
from tieout.connectors.kantata.client import BASE, KantataClient, Row
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.mapping import SERVICE
from tieout.connectors.transports.http import Request

# Canonical fact → custom field of the project. The firm may call its fields otherwise; an empty name leaves a fact out.
REPORT: Mapping[str, str] = {
    "engagement": "Engagement",
    "erp_project": "ERP Project",
    "contract_version": "",
    "billed": "Billed",
    "paid": "Paid",
    "unbilled": "Unbilled",
    "invoice_status": "Invoice Status",
    "last_invoice": "Last Invoice",
    "hold_status": "Hold Status",
    "hold_message": "Hold Message",
}


class Missing(Exception):
    """The account lacks what the request needs: one sentence for each thing."""

    def __init__(self, *what: str) -> None:
        super().__init__(" ".join(what))
        self.what = what


@dataclass(frozen=True, slots=True)
class Prepared:
    """The request, and what must be known of it to read the answer: task titles and their keys."""

    request: Request
    tasks: Mapping[str, str] = field(default_factory=dict[str, str])

    def encode(self) -> bytes:
        kept = {"request": self.request.encode().decode(), "tasks": dict(self.tasks)}
        return json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()

    @classmethod
    def decode(cls, stored: bytes) -> Prepared:
        kept = json.loads(stored)
        return cls(Request.decode(kept["request"].encode()), kept["tasks"])


class Preparation:
    """Builds requests; reads only. Raises Missing and what the client raises."""

    def __init__(self, client: KantataClient, config: KantataConfig, fields: Mapping[str, str]) -> None:
        self._client = client
        self._config = config
        self._fields = {**REPORT, **fields}

    async def client_create(self, write: Write) -> Prepared:
        group = {
            "name": write.body["name"],
            "company": True,
            "external_reference": reference("Customer", write.body["key"], _full_name(write.body)),
            **({"email": write.body["email"]} if write.body.get("email") else {}),
        }
        return Prepared(Request("POST", f"{BASE}/workspace_groups", {"workspace_group": group}))

    async def project_create(self, write: Write) -> Prepared:
        project = write.body
        missing: list[str] = []
        template = await self._template(project, missing)
        card = await self._rate_card(project, missing)
        manager = await self._user(str(project.get("project_manager") or ""), missing)
        await self._check_roles({task["role"] for task in project["tasks"]}, missing)
        if missing:
            raise Missing(*missing)
        start = project.get("start")
        workspace = {
            "title": project["name"],
            "description": _description(project),
            "creator_role": "maven",
            "budgeted": True,
            "price": whole(project["budget"]),
            "currency": project["currency"],
            "start_date": start,
            "due_date": project.get("end"),
            "rate_card_id": card,
            "require_time_approvals": True,
            "project_tracker_template_id": template,
            "project_template_start_date": start,
            "project_template_create_unnamed_resources": True,
            "workspace_group_ids": [write.ids["client"]],
            "primary_workspace_group_id": write.ids["client"],
            "external_reference": reference("Project", project["key"]),
            "invoice_preference": self._invoice_preference(project),
            **_led_by(manager),
        }
        tasks = {task["name"]: task["key"] for task in project["tasks"]}
        return Prepared(Request("POST", f"{BASE}/workspaces", {"workspace": _said(workspace)}), tasks)

    async def resource_create(self, write: Write) -> Prepared:
        """An unnamed resource: the project needs somebody in this role."""
        role = _named(await self._client.all("roles"), "name", str(write.body["name"]))
        if role is None:
            raise Missing(f"There is no role “{write.body['name']}”.")
        told = {"external_reference": reference("Resource", write.subject)}
        resource = {"workspace_id": write.ids["project"], "role_id": role["id"], **told}
        return Prepared(Request("POST", f"{BASE}/workspace_resources", {"workspace_resource": resource}))

    async def task_create(self, write: Write) -> Prepared:
        """A task that the project's template does not have; its hours, role and budget are planned afterwards."""
        story = {
            "workspace_id": write.ids["project"],
            "title": str(write.body["name"]),
            "story_type": "task",
            "billable": bool(write.body["billable"]),
            "external_reference": reference("Task", write.subject),
        }
        return Prepared(Request("POST", f"{BASE}/stories", {"story": story}))

    async def task_plan(self, write: Write) -> Prepared:
        """Hours are the task's time estimate; hours times rate is its budget. The rate itself stays on the rate card, by role
        and day, and the role on the resource that the task is assigned to."""
        task, record = write.body, write.ids["record"]
        hours, rate = Decimal(str(task["hours"])), Decimal(str(task["rate"]))
        story: dict[str, Any] = {
            "title": str(task["name"]),
            "time_estimate_in_minutes": whole(hours * 60),
            "budget_estimate_in_cents": whole(hours * rate * 100),
            "billable": bool(task["billable"]),
            "external_reference": reference("Task", write.subject),
            **({} if task.get("open", True) else {"time_trackable": False}),
        }
        resources = await self._resources_for(record, str(task["role"]))
        if resources is not None:
            story["assignments"] = [{"workspace_resource_id": each} for each in resources]
        return Prepared(Request("PUT", f"{BASE}/stories/{record}", {"story": story}))

    async def project_update(self, write: Write) -> Prepared:
        """A project on hold takes no time; an archived one is out of sight as well. One that began before its contract was
        signed is an estimate until then, and has the contract's budget and dates from then on."""
        body, config = write.body, self._config
        statuses = {
            "tentative": config.tentative_status,
            "active": config.active_status,
            "on_hold": config.on_hold_status,
        }
        state, status = body["state"], statuses.get(body["state"])
        workspace: dict[str, Any] = {
            "archived": state == "archived",
            "time_trackable": state in ("tentative", "active"),
        }
        if status is not None:
            workspace["status_key"] = status
        if "signed" in body:
            workspace["stage"] = "project" if body["signed"] else config.tentative_stage
            workspace |= {"price": whole(body["budget"]), "start_date": body["start"], "due_date": body["end"]}
        if write.body.get("po_number"):
            workspace["invoice_preference"] = self._invoice_preference({"key": write.subject, **write.body})
        return Prepared(Request("PUT", f"{BASE}/workspaces/{write.ids['record']}", {"workspace": workspace}))

    async def project_report(self, write: Write) -> Prepared:
        """Facts as custom fields of the project, in one request."""
        facts = {name: value for name, value in write.body.items() if self._fields[name]}
        known = {each["name"].casefold(): each for each in await self.custom_fields()}
        wanted = {name: known.get(self._fields[name].casefold()) for name in facts}
        missing = [
            f"There is no custom field “{self._fields[name]}”." for name, found in wanted.items() if found is None
        ]
        if missing:
            raise Missing(*missing)
        fields = {name: cast("Row", found) for name, found in wanted.items()}
        record, currency = write.ids["record"], ""
        if any(each["value_type"] == "currency" for each in fields.values()):
            found = await self._client.record(f"workspaces/{record}", include_archived="true")
            if found is None:
                raise Missing(f"There is no project {record}.")
            currency = str(found.rows[0]["currency"])
        choices = await self._choices(fields.values())
        values = [
            {"custom_field_id": fields[name]["id"], "value": _value(fields[name], value, currency, choices, missing)}
            for name, value in facts.items()
        ]
        if missing:
            raise Missing(*missing)
        return Prepared(Request("PUT", f"{BASE}/workspaces/{record}", {"workspace": {"custom_fields": values}}))

    async def custom_fields(self) -> list[Row]:
        found = await self._client.all("custom_fields", include="choices")
        return [each for each in found if each.get("subject_type") in (None, "Workspace")]

    # -- names that become ids

    async def _template(self, project: Mapping[str, Any], missing: list[str]) -> str | None:
        package = str(project["template"])
        title = self._config.templates.get(package, package)
        found = _named(await self._client.all("project_templates"), "title", title)
        if found is None:
            missing.append(f"There is no project template “{title}”.")
            return None
        told = await self._client.record(f"project_templates/{found['id']}", optional_fields="raw_json")
        has = {each.casefold() for each in titles(told.rows[0].get("raw_json") if told else None)}
        lacking = [task["name"] for task in project["tasks"] if has and task["name"].casefold() not in has]
        missing += [f"The project template “{title}” has no task “{each}”." for each in lacking]
        return found["id"]

    async def _rate_card(self, project: Mapping[str, Any], missing: list[str]) -> str | None:
        """A card has no name: it is the set of that title, in the currency of the project."""
        name, currency = project["rate_card"], project["currency"]
        async for page in self._client.pages("rate_cards", include="rate_card_set"):
            for card in page.rows:
                title = (page.one("rate_card_sets", card["rate_card_set_id"]) or {}).get("title", "")
                if title.casefold() == name.casefold() and card["currency"] == currency:
                    return card["id"]
        missing.append(f"There is no rate card “{name}” in {currency}.")
        return None

    async def _user(self, email: str, missing: list[str]) -> str | None:
        if not email:
            return None
        found = await self._client.list("users", by_email_address=email)
        if not found.rows:
            missing.append(f"There is no user {email} to lead the project.")
        return found.rows[0]["id"] if found.rows else None

    async def _check_roles(self, names: set[str], missing: list[str]) -> None:
        known = {each["name"].casefold() for each in await self._client.all("roles")}
        missing += [f"There is no role “{each}”." for each in sorted(names) if each.casefold() not in known]

    async def _resources_for(self, story_id: str, role: str) -> list[str] | None:
        """The resources to assign the task to, so that one of them has the role; None when one has it already, so that
        nobody who was staffed meanwhile loses the task."""
        include = "workspace_resources_with_unnamed"
        story = await self._client.record(
            f"stories/{story_id}", include=include, show_archived="true", show_from_archived_workspaces="true"
        )
        if story is None:
            raise Missing(f"There is no task {story_id}.")
        assigned = list(story.rows[0].get("workspace_resources_with_unnamed_ids") or ())
        workspace = story.rows[0]["workspace_id"]
        resources = {each["id"]: each for each in await self._client.all("workspace_resources", workspace_id=workspace)}
        plays = [each for each, row in resources.items() if str(row.get("role_name")).casefold() == role.casefold()]
        if set(assigned) & set(plays):
            return None
        unnamed = [each for each in plays if not resources[each].get("user_id")]
        if not plays:
            raise Missing(f"Nobody in the project, named or unnamed, has the role “{role}”.")
        return [*assigned, (unnamed or plays)[0]]

    async def _choices(self, fields: Any) -> dict[str, dict[str, str]]:
        """Field id → label → choice id."""
        wanted = [each["id"] for each in fields if each["value_type"] in ("single", "multi")]
        labels: dict[str, dict[str, str]] = {each: {} for each in wanted}
        if wanted:
            for choice in await self._client.all("custom_field_choices", for_custom_fields=",".join(wanted)):
                labels.setdefault(choice["custom_field_id"], {})[choice["label"].casefold()] = choice["id"]
        return labels

    def _invoice_preference(self, project: Mapping[str, Any]) -> dict[str, Any]:
        purchase_order = project.get("po_number")
        return {"project_code": project["key"], **({"purchase_order": purchase_order} if purchase_order else {})}


def reference(model: str, key: str, message: str = "") -> dict[str, str]:
    """The join key: Kantata has no idempotency key, but it finds what refers to us."""
    told = {"external_message": message} if message else {}
    return {"service_name": SERVICE, "service_model": model, "service_model_ref": key, "status": "successful", **told}


def titles(raw_json: Any) -> list[str]:
    """Of all tasks of a template; empty when the text says none in a form that we know."""
    try:
        content: Any = json.loads(raw_json or "null")
    except (TypeError, ValueError):
        return []
    return [str(each["title"]) for each in _tasks(content)]


def _tasks(node: Any) -> Sequence[Row]:
    """Every object with a title, however deep."""
    children: Sequence[Any] = ()
    if isinstance(node, dict):
        children = list(cast("Row", node).values())
    elif isinstance(node, list):
        children = cast("list[Any]", node)
    found: list[Row] = [cast("Row", node)] if isinstance(node, dict) and "title" in node else []
    return [*found, *(task for child in children for task in _tasks(child))]


def whole(amount: Any) -> int:
    """Half up: budgets are whole units of the currency there, estimates whole minutes and cents."""
    return int(Decimal(str(amount)).quantize(Decimal(1), ROUND_HALF_UP))


def _value(known: Row, value: Any, currency: str, choices: Mapping[str, Mapping[str, str]], missing: list[str]) -> Any:
    """A fact in the form of the field's type; None empties the field."""
    if value is None or value == "":
        return None
    match known["value_type"]:
        case "currency":
            return [whole(Decimal(str(value)) * 100), currency]
        case "number":
            return str(value)
        case "single" | "multi":
            chosen = choices[known["id"]].get(str(value).casefold())
            if chosen is None:
                missing.append(f"The custom field “{known['name']}” has no choice “{value}”.")
            return [chosen]
        case _:
            return str(value)


def _description(project: Mapping[str, Any]) -> str:
    about = f"Engagement {project['engagement']}, project {project['key']}, {project['legal_entity']}"
    return "\n".join(each for each in (about, _full_name(project)) if each)


def _full_name(body: Mapping[str, Any]) -> str:
    """For a record whose name was shortened."""
    return f"Full name: {body['full_name']}" if body.get("full_name") else ""


def _named(rows: Sequence[Row], name: str, wanted: str) -> Row | None:
    return next((each for each in rows if str(each.get(name)).casefold() == wanted.casefold()), None)


def _led_by(manager: str | None) -> dict[str, Any]:
    if manager is None:
        return {}
    return {
        "primary_maven_id": manager,
        "approver_ids": [manager],
        "participations": [{"user_id": manager, "access": "admin"}],
    }


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
