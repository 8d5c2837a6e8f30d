"""A project as a page in a browser: where links into the account lead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.resources import Resources
from tieout.connectors.kantata.emulator.rules.money import formatted
from tieout.connectors.kantata.emulator.schema import Row

_NEWEST = 100
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin-bottom: 2rem }
th, td { text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top } th { font-weight: 500 }
td.figure { text-align: right } small { opacity: .7 }
"""


class Pages:
    """Without a login, as the routes below /_sandbox: for whoever sits at this machine. It shows what the account's first
    user would see."""

    def __init__(self, records: Records, resources: Resources) -> None:
        self._records = records
        self._resources = resources

    def routes(self) -> list[Route]:
        return [Route("/workspaces/{record}", self._show, methods=["GET"])]

    async def _show(self, request: Request) -> Response:
        row = self._records.get("workspaces", str(request.path_params["record"]))
        if row is None:
            return HTMLResponse(_page("No such project", "<p>This account has no project with this id.</p>"), 404)
        return HTMLResponse(self._project(row["id"]))

    def _project(self, record: str) -> str:
        project = self._all("workspaces", only=record, include_archived="true")[0]
        groups = [each["name"] for each in self._records.all("workspace_groups") if record in each["workspace_ids"]]
        values = self._all("custom_field_values", subject_type="Workspace", subject_id=record)
        preference: Row = project["invoice_preference"] or Row()
        facts: list[tuple[str, Any]] = [
            ("Client", ", ".join(groups)),
            ("Status", project["status"]["message"] + (", archived" if project["archived"] else "")),
            ("Dates", f"{project['start_date'] or ''} to {project['due_date'] or ''}"),
            ("Budget", f"{project['price']}, {project['budget_used']} used"),
            ("Purchase order", preference.get("purchase_order")),
            *((each["custom_field_name"], each["display_value"]) for each in values),
        ]
        hidden = {"show_archived": "true", "show_from_archived_workspaces": "true"}
        stories = self._all("stories", workspace_id=record, order="position:asc", **hidden)
        tasks = [
            (each["title"], _hours(each["time_estimate_in_minutes"]), _hours(_logged(each)))
            for each in stories
        ]  # fmt: skip
        body = f"<table>{_rows(facts)}</table><h2>Tasks</h2>{_table(('Task', 'Planned', 'Booked'), tasks)}"
        return _page(project["title"], f"{body}<h2>Time</h2>{self._time(record, stories)}")

    def _time(self, record: str, stories: Sequence[Row]) -> str:
        found = self._all(
            "time_entries", workspace_id=record, from_archived_workspaces="true", include="active_submission"
        )
        people = {each["id"]: each["full_name"] for each in self._records.all("users")}
        tasks = {each["id"]: each["title"] for each in stories}
        entries = [
            (
                each["date_performed"],
                people[each["user_id"]],
                tasks.get(each["story_id"], ""),
                _hours(each["time_in_minutes"]),
                formatted(each["rate_in_cents"] or 0, each["currency"]) if each["billable"] else "not billable",
                "approved" if each["approved"] else "submitted" if each["active_submission_id"] else "open",
                each["id"],
            )
            for each in found
        ]
        return _table(("Day", "Person", "Task", "Hours", "Rate", "", "Entry"), entries)

    def _all(self, collection: str, **params: str) -> list[Row]:
        owner = next(self._records.all("users"))
        call = Call(self._records, owner, {"per_page": str(_NEWEST), **params})
        answer = cast("dict[str, Any]", self._resources.list(call, collection)[1])
        return [answer[collection][each["id"]] for each in answer["results"]]


def _logged(story: Row) -> int:
    return story["logged_billable_time_in_minutes"] + story["logged_nonbillable_time_in_minutes"]


def _hours(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes / 60:.2f}"


def _rows(facts: Iterable[tuple[str, Any]]) -> str:
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts if value)


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in line) + "</tr>" for line in lines)
    return f"<table><tr>{head}</tr>{body}</table>" if body else "<p>None.</p>"


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}<h1>{escape(title)}</h1>{body}<p><small>Kantata sandbox</small></p></html>'
