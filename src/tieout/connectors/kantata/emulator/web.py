"""The account over HTTP: addresses to collections, tokens to users, refusals to the errors that clients expect."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tieout.connectors.kantata.emulator.administration import Administration
from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.events import Events, only_for_administrators
from tieout.connectors.kantata.emulator.failures import Refusal, malformed, not_found
from tieout.connectors.kantata.emulator.limits import Limits
from tieout.connectors.kantata.emulator.oauth import OAuth
from tieout.connectors.kantata.emulator.pages import Pages
from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.resources import Resources
from tieout.connectors.kantata.emulator.rules.approvals import ACTIONS, resolve, resolve_many
from tieout.connectors.kantata.emulator.rules.linking import refer
from tieout.connectors.kantata.emulator.wire import JsonObject, read_body, scalars, write_json

_BASE = "/api/v1"
_METHODS = ["GET", "POST", "PUT", "DELETE"]
# timesheet_approvals and their like: which submissions, and what is done to them.
_BULK = {
    f"{name}_{noun}s": (collection, action)
    for name, collection in (
        ("timesheet", "timesheet_submissions"),
        ("expense_report", "expense_report_submissions"),
    )
    for action, (noun, _) in ACTIONS.items()
}


class Web:
    """Builds the ASGI application."""

    def __init__(
        self, records: Records, resources: Resources, oauth: OAuth, events: Events, limits: Limits,
        administration: Administration,
    ) -> None:  # fmt: skip
        self._records = records
        self._resources = resources
        self._oauth = oauth
        self._events = events
        self._limits = limits
        self._administration = administration

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/oauth/authorize", self._authorize, methods=["GET"]),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route(f"{_BASE}/{{path:path}}", self._api, methods=_METHODS),
                *Pages(self._records, self._resources).routes(),
                *self._administration.routes(),
            ]
        )

    # -- OAuth

    async def _authorize(self, request: Request) -> Response:
        """The user who agrees is named in the query (`as`), as nobody signs in here; without it nobody agrees."""
        params = dict(request.query_params)
        user = self._records.first("users", email_address=params.get("as", ""))
        if user is None:
            target = f"{params.get('redirect_uri', '')}?error=access_denied"
            return RedirectResponse(f"{target}&error_description=The+resource+owner+denied+the+request.", 302)
        with self._records.request():
            target = self._oauth.authorize(user, params)
        if target:
            return RedirectResponse(target, 302)
        return _json(401, {"error": "invalid_client", "error_description": "Client authentication failed."})

    async def _token(self, request: Request) -> Response:
        content = (await request.body()).decode("utf-8", "replace")
        with self._records.request():
            return _json(*self._oauth.exchange(dict(parse_qsl(content, keep_blank_values=True))))

    # -- API

    async def _api(self, request: Request) -> Response:
        content = await request.body()
        try:
            user = self._oauth.user(request.headers.get("authorization", ""))
            steps = _steps(str(request.path_params["path"]))
            self._limits.count(request.method, steps[0])
            self._events.acting = user
            body = read_body(content, request.headers.get("content-type", ""))
            params = {**scalars(body), **dict(request.query_params)}
            call = Call(self._records, user, params, request.scope.get("tieout.partial_batch"))
            return _json(*self._answer(request.method, steps, call, body))
        except Refusal as refused:
            return _json(refused.status, refused.body())
        finally:
            self._events.acting = None

    def _answer(self, method: str, steps: list[str], call: Call, body: JsonObject) -> tuple[int, Any]:
        special = self._special(method, steps, call, body)
        if special is not None:
            return special
        name, *rest = steps
        resources = self._resources
        if not rest:
            plain = {
                "GET": lambda: resources.list(call, name),
                "POST": lambda: resources.create(call, name, body),
                "DELETE": lambda: resources.delete_many(call, name),
            }
        else:
            plain = {
                "GET": lambda: resources.show(call, name, rest[0]),
                "PUT": lambda: resources.update(call, name, rest[0], body),
                "DELETE": lambda: resources.delete(call, name, rest[0]),
            }
        if len(rest) > 1 or method not in plain:
            raise not_found()
        return plain[method]()

    def _special(self, method: str, steps: list[str], call: Call, body: JsonObject) -> tuple[int, Any] | None:
        """Addresses that are no plain collection; None for those that are."""
        answer: tuple[int, Any] | None = None
        match method, steps:
            case "GET", ["users", "me"]:
                answer = self._resources.show(call, "users", call.user["id"])
            case "GET", ["subscribed_events", "event_types"]:
                answer = 200, self._events.types()
            case "GET", ["story_state_changes"] if "story_id" not in call.params:
                raise malformed("param is missing or the value is empty: story_id")
            case "PUT", ["attachments", row_id, "sync"]:
                answer = self._resources.update(call, "attachments", row_id, {"attachment": {}})
            case "GET", ["subscribed_events", *_]:
                only_for_administrators(call)
            case "POST", ["external_references", "create_or_update"]:
                answer = self._refer(call, _inner(body, "external_reference"))
            case "POST", [name] if name in _BULK:
                answer = self._resolve_many(call, name, _inner(body, "resolution"))
            case "PUT", [
                "timesheet_submissions" | "expense_report_submissions" as name,
                row_id,
                action,
            ] if action in ACTIONS:
                answer = self._resolve(call, name, row_id, action, body)
            case "PUT", ["workspaces", row_id, "apply_template"]:
                answer = self._resources.update(call, "workspaces", row_id, body)
            case _:
                pass
        return answer

    def _refer(self, call: Call, given: JsonObject) -> tuple[int, Any]:
        kinds = {each.subject: each.name for each in self._records.catalogue.values()}
        collection = kinds.get(str(given.get("subject_type")), "")
        row = self._records.get(collection, str(given.get("subject_id"))) if collection else None
        if row is None or not self._resources.answers.sees(call, collection, row):
            raise not_found("Subject")
        with self._records.request():
            made = refer(call, str(given["subject_type"]), row["id"], given)
        kind = self._records.catalogue["external_references"]
        return 200, self._resources.answers.envelope(call, kind, [made])

    def _resolve(self, call: Call, name: str, row_id: str, action: str, body: JsonObject) -> tuple[int, Any]:
        status, _ = self._resources.show(call, name, row_id)
        submission = self._records.get(name, row_id)
        assert submission is not None
        given = _inner(body, "resolution") if body.get("resolution") else {}
        with self._records.request():
            resolve(call, submission, action, given.get("description"))
        return status, self._resources.show(call, name, row_id)[1]

    def _resolve_many(self, call: Call, name: str, given: JsonObject) -> tuple[int, Any]:
        collection, action = _BULK[name]
        with self._records.request():
            made = resolve_many(call, collection, action, given)
        kind = self._records.catalogue["resolutions"]
        envelope = self._resources.answers.envelope(call, kind, made)
        return 200, {**envelope, "resolutions": list(envelope["resolutions"].values())}


def _steps(path: str) -> list[str]:
    """The path's parts; `.json` at its end says what everybody knows."""
    return path.removesuffix(".json").strip("/").split("/")


def _inner(body: JsonObject, name: str) -> JsonObject:
    given: Any = body.get(name)
    if not isinstance(given, dict):
        raise malformed(f"param is missing or the value is empty: {name}")
    return given  # pyright: ignore[reportUnknownVariableType]


def _json(status: int, body: Any) -> Response:
    return Response(b"" if body is None else write_json(body), status, media_type="application/json")
