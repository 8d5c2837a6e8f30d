"""Sign-in with an access token; in a sandbox the firm's people stand at the door, one click each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import RedirectResponse, Response

from tieout.console.setting import Visitor
from tieout.console.visit import Visit, local

PLAIN_SESSION = "tieout-session"
# The prefix makes browsers refuse the cookie when it comes without TLS, with a domain or for a part of the site.
SECURE_SESSION = "__Host-tieout-session"
DOOR = "tieout-door"
_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class SignIn:
    """The page's own variables."""

    template: ClassVar[str] = "sign_in.html"

    visitors: tuple[Visitor, ...]
    wrong: str
    onward: str


async def show(visit: Visit) -> Response:
    return await _page(visit, "")


async def enter(visit: Visit) -> Response:
    """Opens a session with the pasted token, or as one of a sandbox's visitors."""
    form = await visit.form()
    named = [each for each in visit.setting.environment.visitors if each.name == form.get("visitor")]
    opened = await visit.setting.access.sign_in(named[0].token if named else form.get("token", "").strip())
    if opened is None:
        return await _page(visit, "This token is not valid: it is mistyped, expired or revoked.", status=401)
    answer = RedirectResponse(local(form.get("onward", "/")), 303)
    name, secure = session_cookie(visit)
    answer.set_cookie(name, opened[0], path="/", httponly=True, samesite="lax", secure=secure)
    answer.delete_cookie(DOOR, path="/")
    return answer


async def leave(visit: Visit) -> Response:
    await visit.setting.access.sign_out(visit.session)
    answer = RedirectResponse("/sign-in", 303)
    name, secure = session_cookie(visit)
    answer.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


async def prefer(visit: Visit) -> Response:
    """Light, dark or the system's choice; single-key shortcuts on or off."""
    form = await visit.form()
    answer = RedirectResponse(local(form.get("back", "/")), 303)
    for name, allowed in (("theme", ("light", "dark", "system")), ("keys", ("on", "off"))):
        if form.get(name) in allowed:
            answer.set_cookie(f"tieout-{name}", form[name], max_age=_YEAR, path="/", httponly=True, samesite="lax")
    return answer


def session_cookie(visit: Visit) -> tuple[str, bool]:
    secure = visit.request.url.scheme == "https"
    return (SECURE_SESSION if secure else PLAIN_SESSION), secure


async def _page(visit: Visit, wrong: str, *, status: int = 200) -> Response:
    onward = local(visit.query("onward") or (await visit.form()).get("onward", "/"))
    answer = await visit.page(SignIn(visit.setting.environment.visitors, wrong, onward), status=status)
    if visit.request.cookies.get(DOOR) != visit.session:
        secure = visit.request.url.scheme == "https"
        answer.set_cookie(DOOR, visit.session, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


def knock(known: str) -> str:
    """The secret of somebody who is not signed in yet: it binds the form to the browser that it was shown to."""
    return known or secrets.token_urlsafe(24)
