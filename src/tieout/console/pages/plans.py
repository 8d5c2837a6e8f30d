"""Replay plans: what would happen, before it does; confirmed as it was seen, tried, approved by a second person, stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.onward import ask
from tieout.console.planned import (
    DocumentRow,
    Line,
    PlanRow,
    amounts,
    document_row,
    lines_of,
    plan_row,
    systems_of,
    takes,
)
from tieout.console.visit import Visit
from tieout.domain.access import Verb, who_may
from tieout.domain.money import Money
from tieout.domain.plan import Sums
from tieout.engine.replay import Wanted
from tieout.store import holds, planned, plans
from tieout.store.database import Tx

_PAGE = 50
_DOCUMENTS = 25
_RUN_STATES = ("held", "waiting", "done", "ignored")


@dataclass(frozen=True, slots=True)
class Plans:
    """The page's own variables."""

    template: ClassVar[str] = "plans.html"

    rows: tuple[PlanRow, ...]
    deciding: int
    older: str
    newest: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of a plan that have something in common, and the list of them."""

    title: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What it all comes to; every figure leads to the documents that it is the sum of."""

    lines: tuple[Line, ...]
    systems: int
    forever: int
    money_now: tuple[Money, ...]
    unblocks: tuple[Money, ...]
    guarantees: tuple[tuple[str, int, str], ...]
    takes: str
    differing: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. `locked` says why this person cannot approve it, or let it begin; empty where they can."""

    template: ClassVar[str] = "plan.html"

    plan: PlanRow
    progress: Mapping[str, int]
    effect: Effect | None
    overtaken: int
    left: int
    locked: str
    parts: tuple[Part, ...]
    sums: tuple[Money, ...]
    documents: tuple[DocumentRow, ...]
    opened: int
    here: str
    more: str
    first: bool
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    before = visit.query("before")
    async with visit.setting.database.transaction() as tx:
        stored = await plans.listed(tx, _PAGE + 1, int(before) if before.isdigit() else None)
        worth = await planned.worth(tx, [each["id"] for each in stored])
        deciding = await planned.to_decide(tx)
    older = f"/plans?before={stored[_PAGE - 1]['id']}" if len(stored) > _PAGE else ""
    rows = tuple(plan_row(each, each["items"], worth) for each in stored[:_PAGE])
    return await visit.page(Plans(rows, sum(1 for each in deciding if each["waits"]), older, not before))


async def one(visit: Visit) -> Response:
    number = number_of(visit)
    only, after, opened = visit.query("only"), visit.query("after"), visit.query("open")
    async with visit.setting.database.transaction() as tx:
        stored = await _stored(tx, number)
        progress = await plans.progress(tx, number)
        found = await planned.documents(
            tx, number, only=only, after=int(after) if after.isdigit() else 0, limit=_DOCUMENTS + 1
        )
        waiting = await holds.of_runs(tx, [each["run_id"] for each in found])
        row = plan_row(stored, progress["items"], await planned.worth(tx, [number]))
        effect = (
            _effect(Sums.model_validate(stored["sums"]), await planned.differing(tx, number))
            if stored["sums"]
            else None
        )
        overtaken = await planned.overtaken(tx, number) if stored["state"] == "open" else 0
    rows = tuple(document_row(each, waiting) for each in found[:_DOCUMENTS])
    here = _address(row, only=only, after=after)
    return await visit.page(
        Plan(
            plan=row,
            progress=progress,
            effect=effect,
            overtaken=overtaken,
            left=progress["planned"],
            locked=locked(row, visit),
            parts=_parts(row, stored, only, effect) if effect else (),
            sums=_headline(row, only, effect),
            documents=rows,
            opened=int(opened) if opened.isdigit() else 0,
            here=here,
            more=_address(row, only=only, after=str(rows[-1].position)) if len(found) > _DOCUMENTS else "",
            first=not after,
            may=visit.may,
        )
    )  # fmt: skip


async def act(visit: Visit) -> Response:
    """One verb on a plan; each answers with the plan again."""
    number, verb, form = number_of(visit), visit.request.path_params["verb"], await visit.form()
    replays, me, back = visit.setting.replays, visit.me, f"/plans/P-{number}"
    visit.require("plan.approve" if verb == "approve" else "run.replay")
    match verb:
        case "confirm":
            first = int(form["first"]) if form.get("first", "").isdigit() else None
            fresh = await replays.confirm(number, hash_=form.get("hash", ""), actor=me, first=first)
            said = (
                "Confirmed: the world is looked at once more, then it begins." if fresh else await _first(visit, number)
            )
        case "approve":
            await replays.approve(number, actor=me)
            said = f"P-{number} is approved."
        case "stop":
            taken_back = await replays.stop(number, actor=me)
            said = f"Stopped: {wording.count(taken_back, 'document')} had not begun."
        case "discard":
            await replays.discard(number, actor=me)
            said = f"P-{number} is discarded; nothing was changed."
        case "again":
            async with visit.setting.database.transaction() as tx:
                stored = await _stored(tx, number)
            how = "as_it_was" if form.get("how", stored["how"]) == "as_it_was" else "as_it_is_now"
            return await ask(visit, Wanted(plan=number, how=how, step=stored["again"]))
        case _:
            raise HTTPException(404, f"There is no verb {verb!r} for a plan.")
    return visit.done(form.get("back", back), said)  # fmt: skip


async def add(visit: Visit) -> Response:
    """Asks for a plan: of a hold, of a run or a step of it, or of the runs of a flow that ended in a span of time."""
    visit.require("run.replay")
    form, states = await visit.form(), await visit.chosen("state")
    if form.get("hold", "").isdigit():
        return await ask(visit, Wanted(hold=int(form["hold"]), cause=form.get("all") == "on"))
    if form.get("run"):
        return await ask(visit, Wanted(run=form["run"], step=form.get("step", "")))
    since, until = (moment_of(visit, form.get(name, "")) for name in ("since", "until"))
    if not (form.get("flow") and since and until):
        return visit.done(form.get("back", "/runs"), "Choose a flow and both ends of the time first.")
    chosen = tuple(each for each in states if each in _RUN_STATES) or ("held",)
    return await ask(visit, Wanted(flow=form["flow"], since=since, until=until, states=chosen))


def moment_of(visit: Visit, text: str) -> datetime | None:
    """A moment as a form gives it, in the viewer's zone; None for anything else."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=visit.zone)
    except ValueError:
        return None


def number_of(visit: Visit) -> int:
    """P-3391 or 3391."""
    text = str(visit.request.path_params["id"]).upper().removeprefix("P-")
    if not text.isdigit() or len(text) > 18:
        raise HTTPException(404, f"{text!r} is no number of a plan; they look like P-3391.")
    return int(text)


async def _stored(tx: Tx, number: int) -> dict[str, Any]:
    stored = await plans.get(tx, number)
    if stored is None:
        raise HTTPException(404, f"There is no plan P-{number}.")
    return stored


async def _first(visit: Visit, number: int) -> str:
    """Who was first, for the second of two people who confirm at once."""
    async with visit.setting.database.transaction() as tx:
        stored = await _stored(tx, number)
    who = "You" if stored["confirmed_by"] == visit.me else wording.person(stored["confirmed_by"])
    return f"{who} confirmed it before, {wording.ago(stored['confirmed_at'], visit.now)}: it begins once."


def locked(plan: PlanRow, visit: Visit) -> str:
    if plan.waits and plan.made_by.casefold() == visit.me.casefold():
        return "You made this plan; somebody else must approve it."
    verb: Verb = "plan.approve" if plan.waits else "run.replay"
    if visit.may(verb):
        return ""
    return f"{'Approving' if plan.waits else 'Running'} it needs the role {who_may(verb)}; ask the integration engineer for it."


def _effect(sums: Sums, differing: int) -> Effect:
    return Effect(
        lines=lines_of(sums),
        systems=systems_of(sums),
        forever=sum(sums.irreversible.values()),
        money_now=amounts(sums.money_now),
        unblocks=amounts(sums.unblocks),
        guarantees=tuple((each, count, wording.GUARANTEES[each]) for each, count in sums.guarantees.items()),
        takes=takes(sums),
        differing=differing,
    )


def _headline(plan: PlanRow, only: str, effect: Effect | None) -> tuple[Money, ...]:
    """The money of the documents that are listed, on all pages together."""
    if effect is None or not only:
        return plan.money
    return {"money": effect.money_now, "unblocks": effect.unblocks}.get(only, ())


def _parts(plan: PlanRow, stored: Mapping[str, Any], only: str, effect: Effect) -> tuple[Part, ...]:
    counted = [("", "All", plan.documents)]
    counted += [(end, wording.opening(wording.ENDS[end][0]), count) for end, count in stored["sums"]["ends"].items()]
    if effect.differing:
        counted.append(("differs", "Differs from today", effect.differing))
    return tuple(Part(title, _address(plan, only=name), count, name == only) for name, title, count in counted)


def _address(plan: PlanRow, **query: str) -> str:
    kept = {name: value for name, value in query.items() if value}
    return f"{plan.href}?{urlencode(kept)}" if kept else plan.href
