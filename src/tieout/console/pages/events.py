"""Billable events beside hours: fees, milestones, expenses and usage in one list, each with what became of it; and the readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.visit import Visit
from tieout.domain.money import Money
from tieout.store import events, usage, usage_story
from tieout.store.event_story import EventStory, event_story
from tieout.store.usage_story import UsageStory

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One event; without `worth` nobody has judged it yet."""

    name: str
    href: str
    kind: str
    day: date
    engagement: str
    entity: str
    worth: Money | None
    billed: Money
    set_aside: Money
    state: str
    problem: str


@dataclass(frozen=True, slots=True)
class Events:
    """A page of events; `older` leads to those before them."""

    template: ClassVar[str] = "events.html"

    rows: tuple[Row, ...]
    kinds: tuple[str, ...]
    states: tuple[str, ...]
    kind: str
    state: str
    engagement: str
    filtered: bool
    older: str


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A reading of the month that an event is of, in its newest version."""

    source: str
    source_id: str
    href: str
    day: date
    quantity: Decimal
    unit: str
    version: int
    problem: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event with every invoice line that it met, and what of it is not billed."""

    template: ClassVar[str] = "event.html"

    story: EventStory
    worth: Money | None
    facts: tuple[tuple[str, str], ...]
    readings: tuple[ReadingRow, ...]


@dataclass(frozen=True, slots=True)
class Metered:
    """A reading of metered usage: what was said of it, and the invoice lines that stand on it."""

    template: ClassVar[str] = "reading.html"

    story: UsageStory
    shares: tuple[Money, ...]
    event: str


async def show(visit: Visit) -> Response:
    wanted = {name: visit.query(name) for name in ("kind", "state", "engagement") if visit.query(name)}
    async with visit.setting.database.transaction() as tx:
        stored = await events.page(tx, **wanted, after=_after(visit), limit=_PAGE + 1)
    last = stored[_PAGE - 1] if len(stored) > _PAGE else None
    further = {"day": last["day"], "connection": last["connection"], "id": last["source_id"]} if last else {}
    return await visit.page(
        Events(
            rows=tuple(_row(each) for each in stored[:_PAGE]),
            kinds=events.KINDS,
            states=events.STATES,
            kind=wanted.get("kind", ""),
            state=wanted.get("state", ""),
            engagement=wanted.get("engagement", ""),
            filtered=bool(wanted),
            older=f"/events?{urlencode({**wanted, **further})}" if last else "",
        )
    )


async def one(visit: Visit) -> Response:
    connection, source_id = visit.request.path_params["connection"], visit.request.path_params["id"]
    async with visit.setting.database.transaction() as tx:
        found = await event_story(tx, connection, source_id)
        if found is None:
            raise HTTPException(404, f"There is no event {source_id!r} of {connection}.")
        stored = await usage.of_month(tx, found.engagement, found.sold, found.day) if found.kind == "usage" else []
    facts = tuple((wording.words(name), value) for name, value in found.stands_on.items())
    worth = wording.amount(found.worth, found.currency)
    return await visit.page(Event(found, worth, facts, tuple(_reading(each) for each in stored)))


async def reading(visit: Visit) -> Response:
    source, source_id = visit.request.path_params["source"], visit.request.path_params["id"]
    async with visit.setting.database.transaction() as tx:
        found = await usage_story.of(tx, source, source_id)
    if found is None:
        raise HTTPException(404, f"{source} has sent no reading {source_id!r}.")
    shares = tuple(Money(each["share"], each["currency"]) for each in found.billed)
    sold, day = found.reading["sold"], found.reading["day"]
    return await visit.page(Metered(found, shares, href_of(*f"{sold}/{day:%Y-%m}".split("/", 1)) if sold else ""))


def href_of(connection: str, source_id: str) -> str:
    """Where an event is shown."""
    return f"/events/{quote(connection, safe='')}/{quote(source_id, safe='')}"


def reading_href(source: str, source_id: str) -> str:
    return f"/usage/{quote(source, safe='')}/{quote(source_id, safe='')}"


def _after(visit: Visit) -> tuple[date, str, str] | None:
    try:
        return date.fromisoformat(visit.query("day")), visit.query("connection"), visit.query("id")
    except ValueError:
        return None


def _row(stored: Mapping[str, Any]) -> Row:
    currency = stored["currency"]
    same = ("name", "day", "engagement", "entity", "state", "problem")
    return Row(
        **{name: stored[name] for name in same},
        kind=stored["shown_kind"],
        href=href_of(stored["connection"], stored["source_id"]),
        worth=wording.amount(stored["worth"], currency),
        billed=Money(stored["billed"], currency).rounded(),
        set_aside=Money(stored["set_aside"], currency).rounded(),
    )


def _reading(stored: Mapping[str, Any]) -> ReadingRow:
    same = ("source", "source_id", "day", "quantity", "unit", "version", "problem")
    told = {name: stored[name] for name in same}
    return ReadingRow(**told, href=reading_href(stored["source"], stored["source_id"]))
