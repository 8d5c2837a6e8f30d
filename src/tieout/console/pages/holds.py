"""Holds: everything that waits for a person, by cause, with what can be done about many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.onward import ask
from tieout.console.rows import HoldRow, hold_row, short_of
from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.domain.money import Money
from tieout.engine import replay
from tieout.engine.bulk import to_all
from tieout.store import holds, worklist
from tieout.store.database import Tx
from tieout.store.worklist import AGES, TABS, CauseSum, Wanted

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
    "replay": "run.replay",
    "assign": "hold.assign",
    "snooze": "hold.snooze",
    "ignore": "hold.ignore",
}
_SAID = {"replay": "planned", "assign": "assigned", "snooze": "snoozed", "ignore": "ignored"}
FILTERS = ("entity", "owner", "team", "code", "flow", "ended", "age", "cause", "text", "first")
_ENDED = {"source": "by its source", "person": "by a person", "ignored": "ignored, with a reason"}
# Causes with more holds than these are one row until somebody opens them; more causes than these are not shown at once.
_FEW = 5
_MOST = 200


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
class Group:
    """Holds that one fix ends. One row says it; `rows` are those that are shown beneath, `toggle` shows or hides the others."""

    cause: str
    what: str
    href: str
    holds: int
    documents: int
    sums: tuple[Money, ...]
    due_at: datetime
    owner: str
    opened_at: datetime
    rows: tuple[HoldRow, ...]
    toggle: str

    @property
    def picked(self) -> str:
        """What the one row adds to the sum of what is ticked: 1200.00 USD|80.00 EUR."""
        return "|".join(f"{each.amount} {each.currency}" for each in self.sums)


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
    groups: tuple[Group, ...]
    more: int
    sums: tuple[Money, ...]
    problems: int
    documents: int
    list_query: str
    people: tuple[str, ...]
    may: Callable[[Verb], bool]
    passed: int
    last_at: str


async def show(visit: Visit) -> Response:
    wanted, query = wanted_of(visit), _query(visit)
    async with visit.setting.database.transaction() as tx:
        causes = await worklist.causes(tx, wanted)
        groups = await _groups(tx, wanted, causes[:_MOST], visit.query("open"), query)
        bands = await worklist.bands(tx, wanted)
        tabs = await worklist.tabs(tx, wanted)
        facets = await worklist.facets(tx)
        people = await worklist.people(tx)
        passed = await worklist.passed_since(tx, visit.now.replace(hour=0, minute=0, second=0, microsecond=0))
    return await visit.page(
        Holds(
            tab=wanted.tab,
            tabs=tuple(
                Tab(_TAB_TITLES[name], address({**query, "tab": name}), tabs[name], name == wanted.tab) for name in TABS
            ),
            bands=_bands(bands, query),
            filters=_choices(facets, query, wanted.tab),
            text=wanted.text,
            hidden=tuple((name, query[name]) for name in ("tab", "cause", "first", "age") if query.get(name)),
            filtered=any(query.get(name) for name in FILTERS),
            clear=address({"tab": query.get("tab", "")}),
            groups=tuple(groups),
            more=max(len(causes) - _MOST, 0),
            sums=wording.sums(each for cause in causes for each in cause.sums),
            problems=sum(each.holds for each in causes),
            documents=sum(each.documents for each in causes),
            list_query=urlencode(query),
            people=tuple(dict.fromkeys([visit.me, *people])),
            may=visit.may,
            passed=passed["done"],
            last_at=wording.ago(passed["last_at"], visit.now),
        ),
    )


async def _groups(
    tx: Tx, wanted: Wanted, causes: Sequence[CauseSum], opened: str, query: dict[str, str]
) -> list[Group]:
    """One row for each cause; the holds of a small one, or of the one that is opened, stand beneath it."""
    shown = [each.cause for each in causes if each.holds <= _FEW or each.cause == opened]
    members: dict[str, list[HoldRow]] = {}
    for each in await worklist.held(tx, wanted, causes=shown):
        members.setdefault(each["cause"], []).append(hold_row(each))
    firsts = {each["id"]: hold_row(each) for each in await holds.some(tx, [each.first for each in causes])}
    return [_group(each, firsts[each.first], members.get(each.cause, []), opened, query) for each in causes]


def _group(cause: CauseSum, first: HoldRow, rows: Sequence[HoldRow], opened: str, query: dict[str, str]) -> Group:
    is_open = cause.cause == opened
    toggle = "" if cause.holds <= _FEW else address(query if is_open else {**query, "open": cause.cause})
    return Group(
        cause=cause.cause,
        what=first.what,
        href=first.href,
        holds=cause.holds,
        documents=cause.documents,
        sums=cause.sums,
        due_at=cause.due_at,
        owner=first.team or first.owner,
        opened_at=cause.oldest,
        rows=tuple(rows),
        toggle=toggle,
    )


async def act(visit: Visit) -> Response:
    """Assigns, snoozes or ignores every hold that is ticked, one by one or by its cause, or plans their replay; says why
    not, where it cannot."""
    form, ids = await visit.form(), [int(each) for each in await visit.chosen("hold") if each.isdigit()]
    back, verb = form.get("back", "/holds"), form.get("verb", "")
    if verb not in _SAID:
        raise HTTPException(400, f"There is no verb {verb!r} for holds.")
    visit.require(_RIGHTS[verb])
    causes = await visit.chosen("cause")
    if causes:
        wanted = wanted_from(dict(parse_qsl(urlsplit(back).query)), me=visit.me, now=visit.now)
        async with visit.setting.database.transaction() as tx:
            ids += await worklist.ids(tx, wanted, causes)
    if not ids:
        return visit.done(back, "Tick at least one hold first.")
    if verb == "replay":
        return await _planned(visit, tuple(dict.fromkeys(ids)))
    outcome = await to_all(dict.fromkeys(ids), lambda hold: _one(visit, hold, verb, form))
    notice = f"{wording.count(outcome.done, 'hold')} {_SAID[verb]}." if outcome.done else ""
    return visit.done(back, " ".join([notice, *outcome.refusals[:3]]).strip())


async def _planned(visit: Visit, ids: tuple[int, ...]) -> Response:
    """One plan for all of them; those that are resolved are left out, and the notice says so."""
    async with visit.setting.database.transaction() as tx:
        over = [f"H-{each['id']}" for each in await holds.some(tx, ids) if each["state"] != "open"]
    more = f" and {len(over) - 3} more" if len(over) > 3 else ""
    said = f"{', '.join(over[:3])}{more} {'was' if len(over) == 1 else 'were'} resolved before." if over else ""
    return await ask(visit, replay.Wanted(holds=ids), said)


async def _one(visit: Visit, hold: int, verb: str, values: Mapping[str, str]) -> None:
    operator = visit.setting.operator
    match verb:
        case "assign":
            await operator.assign(hold, assignee=values.get("assignee", "") or visit.me, actor=visit.me)
        case "snooze":
            await operator.snooze(hold, actor=visit.me, **snooze_of(values))
        case _:
            await operator.ignore(hold, reason=values.get("reason", ""), actor=visit.me)


def snooze_of(values: Mapping[str, str]) -> dict[str, Any]:
    """How long a form wants something to sleep, as the operator's verb takes it; what is no number is refused there."""
    return {"until_changed": True} if values.get("days") == "changed" else {"days": days_of(values)}


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
        **{name: query.get(name, "") for name in ("entity", "owner", "team", "code", "flow", "ended", "cause", "text")},
    )


def address(query: dict[str, str]) -> str:
    kept = {name: value for name, value in query.items() if value and (name, value) != ("tab", "open")}
    return f"/holds?{urlencode(kept)}" if kept else "/holds"


def _query(visit: Visit) -> dict[str, str]:
    return {name: visit.query(name) for name in ("tab", *FILTERS) if visit.query(name)}


def _bands(found: Mapping[str, worklist.Band], query: dict[str, str]) -> tuple[Band, ...]:
    everything = sum(each.holds for each in found.values())
    bands: list[Band] = []
    for name, each in found.items():
        chosen = query.get("age") == name
        href = address({**query, "age": "" if chosen else name})
        share = round(100 * each.holds / everything) if everything else 0
        bands.append(Band(_AGE_TITLES[name], href, each.holds, each.sums, share, chosen))
    return tuple(bands)


def _choices(facets: worklist.Facets, query: dict[str, str], tab: str) -> tuple[Choice, ...]:
    def choice(name: str, title: str, values: list[str], words: dict[str, str] | None = None) -> Choice:
        chosen = query.get(name, "")
        known = [*values, *([chosen] if chosen and chosen not in values else [])]
        return Choice(name, title, tuple((each, (words or {}).get(each, each)) for each in known), chosen)

    return (
        choice("entity", "Entity", facets.entities),
        choice("owner", "Owner", facets.owners),
        *([choice("team", "Team", facets.teams)] if facets.teams or query.get("team") else []),
        *([choice("ended", "Ended", list(_ENDED), _ENDED)] if tab == "resolved" else []),
        choice("code", "Problem", facets.codes, {each: short_of(each) for each in facets.codes}),
        choice("flow", "Flow", facets.flows, {each: wording.flow_title(each) for each in facets.flows}),
    )
