"""Puts the pages together: who may see them, what every answer carries, and how a mistake looks."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tieout.console import guard
from tieout.console.pages import (
    approvals,
    corrections,
    documents,
    events,
    hold,
    holds,
    invoices,
    lending,
    limits,
    overrides,
    palette,
    plans,
    questions,
    routes,
    runs,
    sign_in,
    systems,
    tables,
    today,
    upload,
)
from tieout.console.setting import STATIC, Environment, Setting, templates
from tieout.console.visit import Denied, Visit
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.domain.narrowing import narrowed
from tieout.engine.access import Access
from tieout.engine.operator import Operator, OwnRequest, Refused, Unknown
from tieout.engine.replay import Replays
from tieout.store.database import Database
from tieout.store.scope import scope, seen_by

View = Callable[[Visit], Awaitable[Response]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What went wrong, what to do now, and a reference that finds it in the log."""

    template: ClassVar[str] = "mistake.html"

    title: str
    text: str
    advice: str
    reference: str
    status: int


def console(
    database: Database,
    operator: Operator,
    replays: Replays,
    access: Access,
    firm: Callable[[], Firm],
    clock: Callable[[], datetime],
    link: Callable[[Ref], str],
    environment: Environment = Environment(),  # noqa: B008 - frozen
    *,
    quiet: timedelta = timedelta(hours=1),
) -> Starlette:
    """The console as an ASGI app for the root of a site. It opens and closes nothing: the database is the caller's.

    `firm` is asked at every page, so that an applied folder shows at once; `link` gives the address of a record in its
    own system, or an empty string; `quiet` is how long a system may be silent before Today says so.
    """

    def seen() -> Firm:
        return narrowed(firm(), scope())

    setting = Setting(
        database, operator, replays, access, seen, clock, link, environment, templates(), templates(money=False), quiet
    )
    return Starlette(routes=_routes(setting), middleware=[Middleware(guard.SecurityHeaders)])


# Where each page is; the first that fits answers.
_PAGES: Sequence[tuple[str, str, View]] = (
    ("POST", "/sign-out", sign_in.leave),
    ("POST", "/preferences", sign_in.prefer),
    ("GET", "/", today.show),
    ("GET", "/holds", holds.show),
    ("POST", "/holds/act", holds.act),
    ("GET", "/holds/routes", routes.show),
    ("POST", "/holds/routes", routes.attempt),
    ("GET", "/holds/{id}", hold.show),
    ("GET", "/holds/{id}/peek", hold.peek),
    ("POST", "/holds/{id}/write-off", corrections.write_off),
    ("POST", "/holds/{id}/{verb}", hold.act),
    ("GET", "/questions/{id}", questions.show),
    ("POST", "/questions/{id}", questions.answer),
    ("GET", "/overrides", overrides.show),
    ("POST", "/overrides", overrides.add),
    ("POST", "/overrides/{id:int}/{verb}", overrides.act),
    ("GET", "/approvals", approvals.show),
    ("POST", "/approvals/values/{row:int}", approvals.approve_value),
    ("POST", "/approvals/delegations", approvals.delegate),
    ("POST", "/approvals/delegations/{number:int}/end", approvals.take_back),
    ("GET", "/approvals/{id}", approvals.one),
    ("POST", "/approvals/{id}", approvals.answer),
    ("GET", "/plans", plans.show),
    ("POST", "/plans", plans.add),
    ("GET", "/plans/{id}", plans.one),
    ("POST", "/plans/{id}/{verb}", plans.act),
    ("GET", "/documents", documents.show),
    ("GET", "/documents/{kind}/{key:path}", documents.one),
    ("GET", "/invoices", invoices.show),
    ("GET", "/invoices/{key}", invoices.one),
    ("GET", "/invoices/{key}/evidence.zip", invoices.pack),
    ("POST", "/invoices/{key}/credit", corrections.credit),
    ("GET", "/invoices/{key}/lines/{line:path}", invoices.line),
    ("GET", "/entries/{connection}/{id:path}", invoices.entry),
    ("GET", "/limits", limits.show),
    ("GET", "/lent", lending.show),
    ("POST", "/lent/bills", lending.match),
    ("GET", "/events", events.show),
    ("GET", "/events/{connection}/{id:path}", events.one),
    ("GET", "/usage", upload.show),
    ("POST", "/usage", upload.take),
    ("POST", "/usage/preview", upload.preview),
    ("GET", "/usage/{source}/{id:path}", events.reading),
    ("GET", "/runs", runs.show),
    ("GET", "/runs/{id:path}", runs.one),
    ("GET", "/effects/{key}", runs.effect),
    ("GET", "/systems", systems.show),
    ("GET", "/systems/{name}", systems.one),
    ("POST", "/systems/{name}/{verb}", systems.act),
    ("GET", "/tables", tables.show),
    ("GET", "/tables/{table}", tables.one),
    ("POST", "/values", hold.set_value),
    ("GET", "/palette", palette.show),
    ("GET", "/palette/results", palette.results),
    ("GET", "/live", palette.live),
    ("GET", "/x/{id:path}", palette.anything),
)


def _routes(setting: Setting) -> list[BaseRoute]:
    inside = [Route(path, _guarded(setting, view), methods=[method]) for method, path, view in _PAGES]
    return [
        Mount("/static", _Assets(directory=STATIC)),
        Route("/sign-in", _guarded(setting, sign_in.show, open_door=True), methods=["GET"]),
        Route("/sign-in", _guarded(setting, sign_in.enter, open_door=True), methods=["POST"]),
        *inside,
        Route("/{anywhere:path}", _guarded(setting, _nowhere), methods=["GET", "POST"]),
    ]


def _guarded(setting: Setting, view: View, *, open_door: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """Finds out who asks, refuses changes that no page of ours asked for, and gives every mistake a page."""

    async def answer(request: Request) -> Response:
        visit = Visit(setting, request, None, "")
        try:
            found = await _who_comes(setting, request, open_door=open_door)
            if found is None:
                return _to_the_door(request)
            visit = found
            if request.method == "POST":
                if not guard.fits(request):
                    raise HTTPException(413, f"The request has more than {guard.MOST:,} bytes.")
                token = (await visit.form()).get("token_of_form", "")
                if not guard.is_ours(request, token=token, secret=visit.session):
                    raise HTTPException(403, "The form was not one of this console, or your session has changed.")
            with seen_by(visit.entities):
                return visit.shown(await view(visit))
        except Exception as wrong:  # every one becomes a page with a reference; ours are logged with it
            return await _mistake(visit, wrong)
        finally:
            await request.close()  # and with it the files of its form

    return answer


async def _who_comes(setting: Setting, request: Request, *, open_door: bool) -> Visit | None:
    """A visit of whoever is signed in, or of nobody at the open door; None when the door is not open."""
    if open_door:
        return Visit(setting, request, None, sign_in.knock(request.cookies.get(sign_in.DOOR, "")))
    secure = request.url.scheme == "https"
    session = request.cookies.get(sign_in.SECURE_SESSION if secure else sign_in.PLAIN_SESSION, "")
    actor = await setting.access.identify_session(session) if session else None
    return Visit(setting, request, actor, session) if actor is not None else None


def _to_the_door(request: Request) -> Response:
    if request.headers.get("hx-request"):
        return Response("Sign in again.", 401, {"HX-Redirect": "/sign-in"})
    if request.method != "GET":
        return RedirectResponse("/sign-in", 303)
    query = f"?{request.url.query}" if request.url.query else ""
    onward = request.url.path + query
    suffix = "" if onward == "/" else f"?onward={quote(onward, safe='')}"
    return RedirectResponse(f"/sign-in{suffix}", 303)


async def _nowhere(visit: Visit) -> Response:
    raise HTTPException(404, f"There is no page at {visit.request.url.path}.")


async def _mistake(visit: Visit, wrong: Exception) -> Response:
    reference = secrets.token_hex(4)
    match wrong:
        case Denied():
            text = f"This needs the right “{wrong.verb}”, which the role {wrong.who} carries."
            found = Mistake("You may not do this", text, "Ask the integration engineer for the role.", reference, 403)
        case OwnRequest():
            advice = "Requester and approver are two people; the books refuse it too."
            found = Mistake("Somebody else must answer this", str(wrong), advice, reference, 403)
        case Unknown():
            found = Mistake("Not found", str(wrong), "Search for it by any id of any system.", reference, 404)
        case Refused():
            found = Mistake("This could not be done", str(wrong), "Nothing was changed.", reference, 409)
        case HTTPException(status_code=404):
            advice = "Search for it by any id of any system."
            found = Mistake("Not found", wrong.detail, advice, reference, 404)
        case HTTPException():
            found = Mistake("This was refused", wrong.detail, "Go back, reload the page and try again.", reference,
                            wrong.status_code)  # fmt: skip
        case _:
            log.error("console page failed", path=visit.request.url.path, reference=reference, exc_info=wrong)
            advice = "The rest of the console works. Whoever runs Tieout finds this in its log by the reference."
            found = Mistake("This page has a fault", "It is ours, not yours.", advice, reference, 500)
    try:
        with seen_by(visit.entities):
            return await visit.page(found, status=found.status)
    except Exception as worse:  # without its database the console still says what is wrong
        log.error("console frame failed", reference=reference, exc_info=worse)
        return await Visit(visit.setting, visit.request, None, "").page(found, status=found.status)


class _Assets(StaticFiles):
    """Files whose address carries their fingerprint: a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
