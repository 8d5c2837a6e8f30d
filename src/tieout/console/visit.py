"""One request of one person: who asks, what they may, the page they get and the notice after a deed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tieout.console import guard
from tieout.console.setting import Environment, Setting
from tieout.console.wording import HOURS
from tieout.domain.access import Actor, Verb, who_may
from tieout.domain.masking import in_words
from tieout.store import worklist

NOTICE = "tieout-notice"
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the navigation; `key` is the second letter of its chord, g and then it."""

    title: str
    href: str
    key: str
    icon: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every page."""

    firm: str
    environment: Environment
    sections: tuple[Section, ...]
    viewer: str
    roles: str
    token: str
    notice: str
    theme: str
    keys: bool
    now: datetime
    zone: ZoneInfo
    here: str
    newest_hold: int
    signed_in: bool


class Context(Protocol):
    """A page's own variables: a frozen dataclass, whose fields are exactly those of its template."""

    template: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Denied(Exception):
    """The viewer lacks a right; `who` are the roles that carry it."""

    def __init__(self, right: str, who: str) -> None:
        super().__init__(right)
        self.verb = right
        self.who = who


class Visit:
    """What a page's view is given."""

    def __init__(self, setting: Setting, request: Request, actor: Actor | None, session: str) -> None:
        self.setting = setting
        self.request = request
        self.now = setting.clock()
        self.zone = _zone(request)
        self.session = session
        self._actor = actor

    @property
    def actor(self) -> Actor:
        assert self._actor is not None, "only the sign-in page is shown to nobody"
        return self._actor

    @property
    def entities(self) -> frozenset[str] | None:
        """The legal entities whose books this person sees; None is every one. Nobody is shown books at all."""
        return None if self._actor is None else self._actor.entities

    @property
    def me(self) -> str:
        """The name under which this person's deeds stand in the books."""
        return self.actor.email

    def may(self, verb: Verb) -> bool:
        return self.actor.may(verb)

    def require(self, verb: Verb) -> None:
        if not self.may(verb):
            raise Denied(verb, who_may(verb))

    @property
    def here(self) -> str:
        """The address of this view, with its filters: what a reload shows again."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    async def form(self) -> Mapping[str, str]:
        """The single values of a form; the guard has read it before and found it ours."""
        return {name: value for name, value in (await self.request.form()).items() if isinstance(value, str)}

    async def chosen(self, name: str) -> list[str]:
        """All values that a form gives under one name."""
        return [value for value in (await self.request.form()).getlist(name) if isinstance(value, str)]

    async def page(self, context: Context, *, status: int = 200) -> Response:
        frame = await self._frame()
        values = {each.name: getattr(context, each.name) for each in fields(context)}
        drawn = self.setting.templates if self.shows_money else self.setting.veiled
        text = drawn.get_template(context.template).render(frame=frame, **values)
        if not self.shows_money:
            text = in_words(text).replace(HOURS, "")
        answer = HTMLResponse(text, status)
        if frame.notice:
            answer.delete_cookie(NOTICE, path="/")
        return answer

    @property
    def shows_money(self) -> bool:
        """Whether this person's roles show amounts."""
        return self._actor is None or self._actor.sees("money")

    def shown(self, answer: Response) -> Response:
        """The answer, when it is a page or a way on to one; a file is not given to somebody who sees no money."""
        if not self.shows_money and not isinstance(answer, HTMLResponse | RedirectResponse | JSONResponse):
            self.require_money()
        return answer

    def require_money(self) -> None:
        """For what is made of amounts, or cannot be read through."""
        if not self.shows_money:
            raise Denied("see money", who="viewer, operator, finance or engineer")

    def done(self, to: str, notice: str) -> Response:
        """Back to a page after a deed, which says once what was done."""
        answer = RedirectResponse(local(to), 303)
        encoded = base64.urlsafe_b64encode(notice.encode()[:1500]).decode()
        secure = self.request.url.scheme == "https"
        answer.set_cookie(NOTICE, encoded, max_age=60, path="/", httponly=True, samesite="lax", secure=secure)
        return answer

    async def _frame(self) -> Frame:
        signed_in = self._actor is not None
        counts: Mapping[str, int] = {}
        if signed_in:
            async with self.setting.database.transaction() as tx:
                counts = await worklist.counts(tx, self.now)
        cookies = self.request.cookies
        theme = cookies.get("tieout-theme", "")
        return Frame(
            firm=self.setting.firm().name,
            environment=self.setting.environment,
            sections=_sections(self.request.url.path, counts) if signed_in else (),
            viewer=self._actor.name if self._actor else "",
            roles=self._actor.described() if self._actor else "",
            token=guard.form_token(self.session),
            notice=_notice(cookies.get(NOTICE, "")),
            theme=theme if theme in ("light", "dark") else "system",
            keys=cookies.get("tieout-keys", "on") != "off",
            now=self.now,
            zone=self.zone,
            here=self.here,
            newest_hold=counts.get("newest_hold", 0),
            signed_in=signed_in,
        )


def local(address: str) -> str:
    """An address within this console; anything else becomes the first page."""
    parts = urlsplit(address)
    fine = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return address if fine else "/"


def _sections(path: str, counts: Mapping[str, int]) -> tuple[Section, ...]:
    entries = (
        ("Today", "/", "t", "today", None),
        ("Holds", "/holds", "h", "hold", counts["holds"]),
        ("Approvals", "/approvals", "a", "approval", counts["approvals"]),
        ("Plans", "/plans", "p", "plan", None),
        ("Documents", "/documents", "d", "document", None),
        ("Invoices", "/invoices", "i", "invoice", None),
        ("Runs", "/runs", "r", "run", None),
        ("Systems", "/systems", "s", "system", counts["paused"] or None),
        ("Tables", "/tables", "m", "table", None),
    )
    return tuple(
        Section(title, href, key, icon, count, path == href or (href != "/" and path.startswith(href + "/")))
        for title, href, key, icon, count in entries
    )


def _notice(encoded: str) -> str:
    try:
        return base64.urlsafe_b64decode(encoded).decode()
    except (binascii.Error, ValueError):
        return ""


def _zone(request: Request) -> ZoneInfo:
    """The browser's time zone, which a script of ours leaves in a cookie; without one, UTC."""
    try:
        return ZoneInfo(request.cookies.get("tieout-zone", "").replace("%2F", "/")) if request.cookies else _UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _UTC
