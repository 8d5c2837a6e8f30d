"""Systems: a card each, with who we are there, what is left of its limits, and whether it is silent, slow or paused.

And the channels through which people are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from tieout.console import wording
from tieout.console.onward import onward
from tieout.console.pages.hold import source_of
from tieout.console.setting import Door
from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.engine.outlook import SystemOutlook, outlook
from tieout.flows.catalogue import FLOWS
from tieout.store import outbox, story
from tieout.store.database import Tx

_ROLES = {"crm": "CRM", "psa": "PSA", "erp": "ERP"}
_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a kind of record has been read, and when that last moved."""

    kind: str
    value: str
    advanced_at: datetime


@dataclass(frozen=True, slots=True)
class SystemCard:
    """`trouble` says in words what is wrong with it; empty when nothing is."""

    name: str
    kind: str
    role: str
    entity: str
    owner: str
    paused: bool
    reason: str
    health: str
    user: str
    version: str
    limits: tuple[tuple[str, str], ...]
    checked_at: datetime | None
    cursors: tuple[Cursor, ...]
    messages: int
    last_message_at: datetime | None
    effects: int
    last_effect_at: datetime | None
    unknown: int
    holds: int
    bells: int
    door: Door | None
    trouble: str
    tone: str
    pace: str
    ahead: str

    @property
    def href(self) -> str:
        return f"/systems/{self.name}"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """How a channel does; `reason` says why it fails, and `waiting` messages are on their way."""

    name: str
    kind: str
    owner: str
    state: str
    tone: str
    reason: str
    waiting: int
    oldest_at: datetime | None
    last_sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Systems:
    """The page's own variables."""

    template: ClassVar[str] = "systems.html"

    cards: tuple[SystemCard, ...]
    channels: tuple[ChannelRow, ...]
    troubled: int
    may: Callable[[Verb], bool]


@dataclass(frozen=True, slots=True)
class System:
    """One card on a page of its own."""

    template: ClassVar[str] = "system.html"

    card: SystemCard
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    async with visit.setting.database.transaction() as tx:
        found = await cards(visit, tx, await _ahead(visit, tx))
        told = await outbox.channels(tx)
    troubled = sum(1 for each in found if each.trouble)
    return await visit.page(Systems(tuple(found), _channels(visit, told), troubled, visit.may))


async def one(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    if name in visit.setting.firm().channels:  # where the hold of a channel that fails leads to
        return RedirectResponse(f"/systems#channel-{name}", 303)
    return await visit.page(System(await _card(visit), visit.may))


def _channels(visit: Visit, stored: Sequence[Mapping[str, Any]]) -> tuple[ChannelRow, ...]:
    states = {each["name"]: each for each in stored}
    tones = {"well": "good", "failing": "warn", "broken": "bad"}
    return tuple(
        ChannelRow(
            name=name, kind=each.kind, owner=each.owner, tone=tones[found["state"]],
            **{field: found[field] for field in ("state", "reason", "waiting", "oldest_at", "last_sent_at")},
        )
        for name, each in visit.setting.firm().channels.items()
        for found in ({**outbox.UNUSED, **states.get(name, {})},)
    )  # fmt: skip


async def act(visit: Visit) -> Response:
    card, form, verb = await _card(visit), await visit.form(), visit.request.path_params["verb"]
    if verb == "pause":
        visit.require("connection.pause")
        reason = form.get("reason", "").strip() or f"paused by {visit.actor.name}"
        await visit.setting.operator.pause(card.name, reason=reason, actor=visit.me)
        return visit.done(form.get("back", card.href), f"{card.name} is paused. Nothing is lost: what arrives waits.")
    if verb == "resume":
        visit.require("connection.resume")
        released = await visit.setting.operator.resume(card.name, actor=visit.me)
        return await onward(visit, form.get("back", card.href), f"{card.name} goes on.", released)
    raise HTTPException(404, f"There is no verb {verb!r} for a system.")


async def _card(visit: Visit) -> SystemCard:
    name = visit.request.path_params["name"]
    async with visit.setting.database.transaction() as tx:
        found = next((each for each in await cards(visit, tx, await _ahead(visit, tx)) if each.name == name), None)
    if found is None:
        raise HTTPException(404, f"There is no connection {name!r}.")
    return found


async def cards(visit: Visit, tx: Tx, ahead: Sequence[SystemOutlook] = ()) -> list[SystemCard]:
    """Every connection as it is now, with today's traffic; with what is ahead of it where that is given."""
    stored = await story.systems(tx, visit.now - timedelta(hours=24))
    outlooks = {each.connection: each for each in ahead}
    return [_of(each, outlooks.get(each["name"]), visit) for each in stored]


async def _ahead(visit: Visit, tx: Tx) -> list[SystemOutlook]:
    return await outlook(tx, visit.setting.firm(), FLOWS, visit.now)


def _of(stored: Mapping[str, Any], ahead: SystemOutlook | None, visit: Visit) -> SystemCard:
    health: Mapping[str, Any] = stored["health"]
    limits: Mapping[str, Any] = health.get("limits") or _NONE
    role: str = stored["role"]
    settings = visit.setting.firm().connections.get(stored["name"])
    cursors = tuple(
        Cursor(each["kind"], each["value"], datetime.fromisoformat(each["advanced_at"])) for each in stored["cursors"]
    )
    trouble, tone = _trouble(stored, cursors, visit)
    return SystemCard(
        name=stored["name"],
        kind=stored["kind"],
        role=_ROLES.get(role, role),
        entity=stored["entity"] or "all entities",
        owner=settings.owner if settings else "",
        paused=stored["state"] == "paused",
        reason=stored["reason"],
        health=str(health.get("detail", "")) if health else "not checked yet",
        user=str(health.get("user", "")),
        version=str(health.get("version", "")),
        limits=tuple((str(name), str(value)) for name, value in limits.items()),
        checked_at=stored["checked_at"],
        cursors=cursors,
        door=next(
            (each for each in visit.setting.environment.doors
             if each.connection == stored["name"] and source_of(each.address)),
            None,
        ),
        trouble=trouble,
        tone=tone,
        pace=_pace(ahead) if ahead else "",
        ahead=ahead.told if ahead else "",
        **{name: stored[name] for name in
           ("messages", "last_message_at", "effects", "last_effect_at", "unknown", "holds", "bells")},
    )  # fmt: skip


def _pace(ahead: SystemOutlook) -> str:
    """How fast it may be called, how often it refused, and what it is kept from now."""
    calls = ahead.accepted + ahead.refused
    said = [
        f"up to {ahead.allowed:.3g} calls a second",
        f"{wording.count(calls, 'call')} in 24 h, {ahead.refused:,} refused",
    ]
    if ahead.left is not None:
        said.append(f"{ahead.left:,} left today")
    if ahead.kept_back:
        said.append(f"no {' or '.join(ahead.kept_back)} at this hour")
    if ahead.read_later:
        said.append(f"read later: {ahead.read_later}")
    return "; ".join(said)


def _trouble(stored: Mapping[str, Any], cursors: tuple[Cursor, ...], visit: Visit) -> tuple[str, str]:
    """Silence is a state: a paused, refused, unchecked or unread system each look different."""
    health: Mapping[str, Any] = stored["health"]
    if stored["state"] == "paused":
        return f"Paused: {stored['reason'] or 'no reason given'}", "warn"
    if health and not health.get("ok", True):
        return f"Does not answer as it should: {health.get('detail', '')}", "bad"
    if stored["unknown"]:
        return f"{wording.count(stored['unknown'], 'outcome')} unknown, being looked up", "warn"
    newest = max((each.advanced_at for each in cursors), default=None)
    if newest is not None and visit.now - newest > visit.setting.quiet:
        return f"Silent: last read {wording.ago(newest, visit.now)}", "warn"
    return "", "good"
