"""A record as a page in a browser: where links into the org lead, and where a person corrects a field."""

from __future__ import annotations

from datetime import date, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tieout.connectors.salesforce.emulator.failures import Refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.saving import update
from tieout.connectors.salesforce.emulator.schema import SObject, SObjectField
from tieout.connectors.salesforce.emulator.wire import instant_text

_LISTED = 50
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
th { text-align: left; font-weight: 500; padding-right: 1.5rem; vertical-align: top; white-space: nowrap }
code, small { opacity: .7 } input, select, textarea { font: inherit; width: 28rem; max-width: 100% }
[role=alert] { border-left: 4px solid #c23934; padding: .5rem 1rem }
"""


class Pages:
    """One page per record, without a login, as the routes below /_sandbox: for whoever sits at this machine."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def routes(self) -> list[Route]:
        return [
            Route("/{record}", self._show, methods=["GET"]),
            Route("/{record}", self._save, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        found = self._found(request)
        if found is None:
            return HTMLResponse(_page("No such record", "<p>This org has no record with this id.</p>"), 404)
        return HTMLResponse(self._record(*found))

    async def _save(self, request: Request) -> Response:
        """Sets what was changed in the form, as the org's first user would."""
        found = self._found(request)
        origin = request.headers.get("origin", "")
        if found is None or (origin and urlsplit(origin).netloc != request.headers.get("host")):
            return HTMLResponse(_page("Not here", "<p>There is nothing to save.</p>"), 404 if found is None else 403)
        entity, row = found
        given = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        changed = {
            name: text.replace("\r\n", "\n") or None
            for name, text in given.items()
            if name in entity.fields and text.replace("\r\n", "\n") != _text(row.get(name))
        }
        actor = next(iter(self._records.all(self._records.schema["User"])))["Id"]
        try:
            with self._records.transaction():
                update(self._records, entity, row["Id"], changed, actor)
        except Refusal as refused:
            return HTMLResponse(self._record(entity, {**row, **changed}, [each.message for each in refused.flaws]), 400)
        return RedirectResponse(f"/{row['Id']}", 303)

    def _found(self, request: Request) -> tuple[SObject, Row] | None:
        known = full_id(str(request.path_params["record"]))
        entity = self._records.schema.by_id(known) if known else None
        row = self._records.get(entity, known) if entity and known else None
        return (entity, row) if entity is not None and row is not None else None

    # -- the page

    def _record(self, entity: SObject, row: Row, errors: list[str] | None = None) -> str:
        name = self._name(entity, row)
        told = "".join(f'<p role="alert">{escape(each)}</p>' for each in errors or ())
        rows = "".join(self._line(each, row) for each in entity.fields.values() if each.type != "address")
        form = f'<form method="post"><table>{rows}</table><p><button>Save</button></p></form>'
        gone = "<p><strong>This record is in the recycle bin.</strong></p>" if row["IsDeleted"] else ""
        about = f"<p><small>{escape(entity.label)} in the Salesforce sandbox. What you save here changes in this org.</small></p>"
        return _page(name, f"{about}{gone}{told}{form}{self._children(entity, row)}")

    def _line(self, field: SObjectField, row: Row) -> str:
        shown = self._linked(field, row) if field.type == "reference" else ""
        editable = field.updateable and not row["IsDeleted"]
        value = (
            _input(field, row.get(field.name)) if editable else ("" if shown else escape(_text(row.get(field.name))))
        )
        label = f'<label for="{field.name}">{escape(field.label)}</label><br><code>{field.name}</code>'
        return f"<tr><th>{label}</th><td>{value} {shown}</td></tr>"

    def _linked(self, field: SObjectField, row: Row) -> str:
        target = row.get(field.name)
        entity = self._records.schema.by_id(target) if target else None
        parent = self._records.get(entity, target) if entity and target else None
        return f'<a href="/{target}">{escape(self._name(entity, parent))}</a>' if entity and parent else ""

    def _children(self, entity: SObject, row: Row) -> str:
        lists: list[str] = []
        for child in self._records.schema.children(entity):
            found = self._records.live(child.entity, child.field.name, row["Id"]) if child.relationship else []
            links = [f'<li><a href="/{each["Id"]}">{escape(self._name(child.entity, each))}</a>' for each in found]
            if links:
                lists.append(f"<h2>{escape(child.relationship)} ({len(links)})</h2><ul>{''.join(links[:_LISTED])}</ul>")
        return "".join(lists)

    def _name(self, entity: SObject, row: Row) -> str:
        field = entity.name_field
        return _text(row.get(field.name) if field else None) or row["Id"]


def _input(field: SObjectField, value: Any) -> str:
    """Times are edited as the API writes them; everything else as a browser does."""
    named = f'id="{field.name}" name="{field.name}"'
    text = _text(value)
    match field.type:
        case "boolean":
            return _choice(named, ("true", "false"), text)
        case "picklist":
            return _choice(named, tuple(dict.fromkeys(("", *field.values, text))), text)
        case "textarea":
            return f'<textarea {named} rows="3">{escape(text)}</textarea>'
        case "date":
            return f'<input {named} type="date" value="{text}">'
        case _:
            return f'<input {named} value="{escape(text)}">'


def _choice(named: str, values: tuple[str, ...], chosen: str) -> str:
    options = "".join(f"<option{' selected' if each == chosen else ''}>{escape(each)}</option>" for each in values)
    return f"<select {named}>{options}</select>"


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><main><h1>{escape(title)}</h1>{body}</main></html>"
    )
