"""Overrides: fields that count as somebody set them and not as their source says, by whom and why, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console.onward import onward
from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.store import overrides


@dataclass(frozen=True, slots=True)
class Row:
    """One override; `mine` says whether the viewer set it and so cannot approve it."""

    id: int
    document: str
    key: str
    field: str
    value: str
    author: str
    reason: str
    made_at: datetime
    waiting: bool
    approved_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str
    withdrawn_why: str
    mine: bool


@dataclass(frozen=True, slots=True)
class Overrides:
    """The page's own variables."""

    template: ClassVar[str] = "overrides.html"

    rows: tuple[Row, ...]
    withdrawn: bool
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    withdrawn = visit.query("withdrawn") == "1"
    async with visit.setting.database.transaction() as tx:
        found = await overrides.listed(tx, key=visit.query("key"), withdrawn=withdrawn)
    return await visit.page(Overrides(tuple(_row(each, visit.me) for each in found), withdrawn, visit.may))


async def add(visit: Visit) -> Response:
    """Sets a field from the hold that it causes."""
    visit.require("override.set")
    form = await visit.form()
    number, waits, released = await visit.setting.operator.overrides.set(
        form.get("kind", ""), form.get("key", ""), form.get("field", ""), form.get("value", ""),
        reason=form.get("reason", ""), actor=visit.me, may_money=visit.may("override.money"),
    )  # fmt: skip
    said = (
        f"O-{number} waits for a second person." if waits else f"{form.get('field', '')} is overridden as O-{number}."
    )
    return await onward(visit, form.get("back", "/overrides"), said, released)


async def act(visit: Visit) -> Response:
    number, form = int(visit.request.path_params["id"]), await visit.form()
    match visit.request.path_params["verb"]:
        case "approve":
            visit.require("override.approve")
            released = await visit.setting.operator.overrides.approve(number, actor=visit.me)
            said = f"O-{number} counts now."
        case "withdraw":
            visit.require("override.set")
            released = await visit.setting.operator.overrides.withdraw(
                number, reason=form.get("reason", ""), actor=visit.me
            )
            said = f"O-{number} is withdrawn: what the source says counts again."
        case verb:
            raise HTTPException(404, f"There is no verb {verb!r} for an override.")
    return await onward(visit, form.get("back", "/overrides"), said, released)


def _row(stored: Mapping[str, Any], me: str) -> Row:
    same = ("id", "key", "field", "author", "reason", "made_at", "waiting", "withdrawn_at", "withdrawn_by",
            "withdrawn_why")  # fmt: skip
    return Row(
        **{name: stored[name] for name in same},
        document=f"/documents/{stored['kind']}/{stored['key']}",
        value=str(stored["value"]),
        approved_by=stored["approved_by"] or "",
        mine=stored["author"].casefold() == me.casefold(),
    )
