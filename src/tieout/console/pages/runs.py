"""Runs: what Tieout did, step by step, and every change it made in a target system with its guarantee."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from tieout.console import wording
from tieout.console.pages.plans import moment_of
from tieout.console.rows import HoldRow, hold_row
from tieout.console.technical import EffectRow, StepRow, effect_rows, generations, repeatable, run_href, step_rows
from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.store import effects, runs, story
from tieout.store.plans import ENDED

_PAGE = 50


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    flow: str
    subject: str
    engagement: str
    entity: str
    state: str
    attempts: int
    reason: str
    created_at: datetime
    ended_at: datetime | None
    not_before: datetime
    took: str
    about: str

    @property
    def href(self) -> str:
        return run_href(self.id)


@dataclass(frozen=True, slots=True)
class StateTab:
    title: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Runs:
    """The page's own variables."""

    template: ClassVar[str] = "runs.html"

    rows: tuple[RunRow, ...]
    states: tuple[StateTab, ...]
    flows: tuple[str, ...]
    flow: str
    text: str
    state: str
    since: str
    until: str
    ended: tuple[tuple[str, bool], ...]
    filtered: bool
    older: str
    may: Callable[[Verb], bool]


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    record: str
    version: str
    via: str
    received_at: datetime
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `repeats` are its steps that can be done once more without making a second of anything."""

    template: ClassVar[str] = "run.html"

    run: RunRow
    version: str
    generation: int
    worker: str
    stories: tuple[tuple[int, tuple[StepRow, ...]], ...]
    effects: tuple[EffectRow, ...]
    messages: tuple[Message, ...]
    holds: tuple[HoldRow, ...]
    document: str
    repeats: tuple[str, ...]
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    before = visit.query("before")
    state = visit.query("state") if visit.query("state") in story.RUN_STATES else ""
    since, until = (moment_of(visit, visit.query(name)) for name in ("since", "until"))
    wanted = story.Runs(
        state, visit.query("flow"), visit.query("text"), int(before) if before.isdigit() else 0, since, until
    )
    async with visit.setting.database.transaction() as tx:
        stored = await story.runs(tx, wanted, limit=_PAGE + 1)
        counts = await story.run_states(tx)
        flows = await story.run_flows(tx)
    kept = {name: visit.query(name) for name in ("flow", "text", "since", "until") if visit.query(name)}
    states = [StateTab("All", _address(kept), sum(counts.values()), not state)]
    states += [
        StateTab(each.capitalize(), _address({**kept, "state": each}), counts[each], each == state)
        for each in story.RUN_STATES
        if counts.get(each) or each == state
    ]
    more = {**kept, "state": state, "before": str(stored[_PAGE - 1]["sequence"])} if len(stored) > _PAGE else {}
    return await visit.page(
        Runs(
            rows=tuple(run_row(each) for each in stored[:_PAGE]),
            states=tuple(states),
            flows=tuple(flows),
            flow=wanted.flow,
            text=wanted.text,
            state=state,
            since=visit.query("since") if since else "",
            until=visit.query("until") if until else "",
            # What waits is what people want to begin again, unless they look at something else.
            ended=tuple((each, each == (state if state in ENDED else "held")) for each in ENDED),
            filtered=bool(kept or state),
            older=_address(more) if more else "",
            may=visit.may,
        ),
    )


async def one(visit: Visit) -> Response:
    run_id = visit.request.path_params["id"]
    async with visit.setting.database.transaction() as tx:
        stored = await runs.get(tx, run_id)
        if stored is None:
            raise HTTPException(404, f"There is no run {run_id!r}.")
        steps, written = await story.steps(tx, run_id), await story.effects_of_run(tx, run_id)
        context = Run(
            run=run_row(stored),
            version=stored["version"],
            generation=stored["generation"],
            worker=stored["worker"],
            stories=generations(step_rows(steps)),
            effects=effect_rows(written),
            messages=tuple(_message(each) for each in await story.messages_of_run(tx, run_id)),
            holds=tuple(hold_row(each) for each in await story.holds_of_run(tx, run_id)),
            document=f"/documents/engagement/{stored['engagement']}" if stored["engagement"] else "",
            repeats=repeatable(steps, written) if stored["state"] in ENDED else (),
            may=visit.may,
        )
    return await visit.page(context)


async def effect(visit: Visit) -> Response:
    """An effect is shown with the run that made it."""
    visit.require_money()  # the bytes that were sent
    key = visit.request.path_params["key"]
    async with visit.setting.database.transaction() as tx:
        found = await effects.get(tx, key)
    if found is None:
        raise HTTPException(404, f"There is no effect {key!r}.")
    return RedirectResponse(f"{run_href(found['run_id'])}#effect-{key[:12]}", 303)


def run_row(stored: Mapping[str, Any]) -> RunRow:
    same = ("id", "flow", "subject", "state", "attempts", "reason", "created_at", "ended_at", "not_before")
    started, ended = stored["started_at"], stored["ended_at"]
    return RunRow(
        **{name: stored[name] for name in same},
        engagement=stored["engagement"] or "",
        entity=stored["entity"] or "",
        took=wording.lasting(ended - started) if started and ended and ended >= started else "",
        about=stored.get("about", ""),
    )


def _message(stored: Mapping[str, Any]) -> Message:
    record = f"{stored['connection']}/{stored['kind']}/{stored['record_id']}"
    same = ("id", "version", "via", "received_at", "state", "reason")
    return Message(record=record, **{name: stored[name] for name in same})


def _address(query: Mapping[str, str]) -> str:
    kept = {name: value for name, value in query.items() if value}
    return f"/runs?{urlencode(kept)}" if kept else "/runs"
