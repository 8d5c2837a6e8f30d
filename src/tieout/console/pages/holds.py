"""Holds: everything that waits for a person, by cause, with what can be done about many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.rows import Cause, HoldRow, by_cause, hold_row, short_of, sum_of
from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.domain.money import Money
from tieout.engine.operator import Refused
from tieout.store import worklist
from tieout.store.worklist import AGES, TABS, Wanted

_TAB_TITLES = {
    "open": "All open",
    "needs": "For you",
    "mine": "Yours",
    "unassigned": "Unassigned",
    "overdue": "Overdue",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
}
_AGE_TITLES = {"4h": "under 4 h", "1d": "4 to 24 h", "3d": "1 to 3 days", "older": "over 3 days"}
_RIGHTS: Mapping[str, Verb] = {
    "replay": "hold.replay",
    "assign": "hold.assign",
    "snooze": "hold.snooze",
    "ignore": "hold.ignore",
}
_SAID = {"replay": "replayed", "assign": "assigned", "snooze": "snoozed", "ignore": "ignored"}
FILTERS = ("entity", "owner", "code", "flow", "age", "cause", "text", "first")


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the ageing strip; `share` is its part of all in per cent."""

    title: str
    href: str
    count: int
    sums: tuple[Money, ...]
    share: int
    current: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter: its name, its values as (value, words), and the one that is set."""

    name: str
    title: str
    values: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Holds:
    """The page's own variables."""

    template: ClassVar[str] = "holds.html"

    tab: str
    tabs: tuple[Tab, ...]
    bands: tuple[Band, ...]
    filters: tuple[Choice, ...]
    text: str
    hidden: tuple[tuple[str, str], ...]
    filtered: bool
    clear: str
    causes: tuple[Cause, ...]
    sums: tuple[Money, ...]
    problems: int
    documents: int
    list_query: str
    people: tuple[str, ...]
    may: Callable[[Verb], bool]
    passed: int
    last_at: str


async def show(visit: Visit) -> Response:
    wanted = wanted_of(visit)
    async with visit.setting.database.transaction() as tx:
        stored = await worklist.held(tx, wanted)
        ageless = stored if not wanted.age else await worklist.held(tx, replace(wanted, age=""))
        tabs = await worklist.tabs(tx, wanted)
        facets = await worklist.facets(tx)
        people = await worklist.people(tx)
        passed = await worklist.passed_since(tx, visit.now.replace(hour=0, minute=0, second=0, microsecond=0))
    rows = [hold_row(each) for each in stored]
    query = _query(visit)
    return await visit.page(
        Holds(
            tab=wanted.tab,
            tabs=tuple(
                Tab(_TAB_TITLES[name], address({**query, "tab": name}), tabs[name], name == wanted.tab) for name in TABS
            ),
            bands=_bands([hold_row(each) for each in ageless], query, visit),
            filters=_choices(facets, query),
            text=wanted.text,
            hidden=tuple((name, query[name]) for name in ("tab", "cause", "first", "age") if query.get(name)),
            filtered=any(query.get(name) for name in FILTERS),
            clear=address({"tab": query.get("tab", "")}),
            causes=tuple(by_cause(rows, visit.now)),
            sums=sum_of(rows),
            problems=len(rows),
            documents=sum(1 for each in rows if each.counted),
            list_query=urlencode(query),
            people=tuple(dict.fromkeys([visit.me, *people])),
            may=visit.may,
            passed=passed["done"],
            last_at=wording.ago(passed["last_at"], visit.now),
        ),
    )


async def act(visit: Visit) -> Response:
    """Replays, assigns, snoozes or ignores every hold that is ticked; says of each that cannot be done why not."""
    form, ids = await visit.form(), [int(each) for each in await visit.chosen("hold") if each.isdigit()]
    back, verb = form.get("back", "/holds"), form.get("verb", "")
    if verb not in _SAID:
        raise HTTPException(400, f"There is no verb {verb!r} for holds.")
    visit.require(_RIGHTS[verb])
    if not ids:
        return visit.done(back, "Tick at least one hold first.")
    done, refusals = 0, list[str]()
    for each in ids:
        try:
            await _one(visit, each, verb, form)
            done += 1
        except Refused as refused:
            refusals.append(str(refused))
    notice = f"{wording.count(done, 'hold')} {_SAID[verb]}." if done else ""
    return visit.done(back, " ".join([notice, *refusals[:3]]).strip())


async def _one(visit: Visit, hold: int, verb: str, values: Mapping[str, str]) -> None:
    operator = visit.setting.operator
    match verb:
        case "replay":
            await operator.replay_hold(hold, actor=visit.me)
        case "assign":
            await operator.assign(hold, assignee=values.get("assignee", "") or visit.me, actor=visit.me)
        case "snooze":
            await operator.snooze(hold, days=days_of(values), actor=visit.me)
        case _:
            await operator.ignore(hold, reason=values.get("reason", ""), actor=visit.me)


def days_of(values: Mapping[str, str]) -> int:
    """The days that a form asks for; what is no number is refused by the operator."""
    text = values.get("days", "")
    return int(text) if text.isdigit() else 0


def wanted_of(visit: Visit) -> Wanted:
    return wanted_from(_query(visit), me=visit.me, now=visit.now)


def wanted_from(query: Mapping[str, str], *, me: str, now: datetime) -> Wanted:
    """The list that an address asks for; what it does not know, it leaves out."""
    return Wanted(
        me=me,
        now=now,
        tab=query.get("tab", "") if query.get("tab", "") in TABS else "open",
        age=query.get("age", "") if query.get("age", "") in AGES else "",
        leading=query.get("first") == "1",
        **{name: query.get(name, "") for name in ("entity", "owner", "code", "flow", "cause", "text")},
    )


def address(query: dict[str, str]) -> str:
    kept = {name: value for name, value in query.items() if value and (name, value) != ("tab", "open")}
    return f"/holds?{urlencode(kept)}" if kept else "/holds"


def _query(visit: Visit) -> dict[str, str]:
    return {name: visit.query(name) for name in ("tab", *FILTERS) if visit.query(name)}


def _bands(rows: list[HoldRow], query: dict[str, str], visit: Visit) -> tuple[Band, ...]:
    bands: list[Band] = []
    for name, (older, younger) in AGES.items():
        members = [
            each for each in rows if older < max((visit.now - each.opened_at).total_seconds() / 3600, 0.001) <= younger
        ]
        chosen = query.get("age") == name
        href = address({**query, "age": "" if chosen else name})
        share = round(100 * len(members) / len(rows)) if rows else 0
        bands.append(Band(_AGE_TITLES[name], href, len(members), sum_of(members), share, chosen))
    return tuple(bands)


def _choices(facets: worklist.Facets, query: dict[str, str]) -> tuple[Choice, ...]:
    def choice(name: str, title: str, values: list[str], words: dict[str, str] | None = None) -> Choice:
        chosen = query.get(name, "")
        known = [*values, *([chosen] if chosen and chosen not in values else [])]
        return Choice(name, title, tuple((each, (words or {}).get(each, each)) for each in known), chosen)

    return (
        choice("entity", "Entity", facets.entities),
        choice("owner", "Owner", facets.owners),
        choice("code", "Problem", facets.codes, {each: short_of(each) for each in facets.codes}),
        choice("flow", "Flow", facets.flows, {each: wording.flow_title(each) for each in facets.flows}),
    )
