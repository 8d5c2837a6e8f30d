"""One hold: the six answers, the fix that fits it, its story, and the technical side one key away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import choices, wording
from tieout.console.onward import ask, onward
from tieout.console.pages.holds import days_of, snooze_of, wanted_from
from tieout.console.rows import HoldRow, by_cause, explained, hold_row
from tieout.console.technical import EffectRow, StepRow, effect_rows, step_rows
from tieout.console.visit import Visit
from tieout.domain.access import Verb, to_decide, who_may
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.upcast import load
from tieout.domain.overriding import can_be_set, current, is_money
from tieout.domain.problems import Explained
from tieout.domain.values import ANY, ValueRow, ValueTables
from tieout.engine.replay import Wanted
from tieout.store import documents, firm, holds, related, routing, runs, story, talk, worklist
from tieout.store.database import Tx

_AT_WORK = ("queued", "running", "retrying")


@dataclass(frozen=True, slots=True)
class ValueForm:
    """The fix of an unknown value: a row of its table. `here` and `elsewhere` count what else it frees."""

    table: str
    key: str
    entity: str
    purpose: str
    options: tuple[str, ...]
    valid_from: date
    four_eyes: bool
    here: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the target did it; when it is asked again, where that is possible."""

    connection: str
    operation: str
    subject: str
    since: datetime
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another hold that this one has to do with."""

    href: str
    label: str
    title: str
    what: str
    money: Any
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the story; `kind` tells what happened from what somebody said."""

    at: datetime
    actor: str
    what: str
    kind: str


@dataclass(frozen=True, slots=True)
class OverrideForm:
    """Another fix of a wrong field: set it in the hub, beside the source. `value` is what the source says now."""

    key: str
    field: str
    value: str
    is_money: bool
    four_eyes: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put to somebody and has no answer yet."""

    href: str
    of: str
    question: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """The page's own variables."""

    template: ClassVar[str] = "hold.html"

    hold: HoldRow
    answers: Explained
    answers_for: str
    source: str
    place: str
    quote: str
    value_form: ValueForm | None
    question: choices.Question | None
    decides: Verb
    deciders: str
    limit: str
    settles: bool
    override_form: OverrideForm | None
    asked: tuple[Asked, ...]
    most_days: int
    frees: tuple[Other, ...]
    elsewhere: tuple[Other, ...]
    together: tuple[Other, ...]
    events: tuple[Event, ...]
    facts: tuple[tuple[str, str], ...]
    run: Mapping[str, Any] | None
    steps: tuple[StepRow, ...]
    effects: tuple[EffectRow, ...]
    unknown: Unknown | None
    at_work: bool
    document: str
    people: tuple[str, ...]
    previous: str
    next: str
    back: str
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    number = number_of(visit)
    async with visit.setting.database.transaction() as tx:
        stored = await holds.get(tx, number)
        if stored is None:
            raise HTTPException(404, f"There is no hold H-{number}.")
        run = await runs.get(tx, stored["run_id"])
        others = await related.frees(tx, stored) if stored["state"] == "open" else []
        context = Hold(
            hold=hold_row(stored),
            answers=explained(stored),
            answers_for=visit.setting.firm().answers_for(stored["owner"]),
            source=_source(stored["facts"]),
            place=_place(stored),
            quote=stored["quote"],
            value_form=await _value_form(visit, tx, stored, others),
            question=choices.question(stored["code"], stored["facts"]) if stored["state"] == "open" else None,
            decides=to_decide(stored["code"]),
            deciders=who_may(to_decide(stored["code"])),
            limit=choices.limit(stored["code"], stored["facts"]) if stored["state"] == "open" else "",
            settles=stored["code"] == "target.unknown" and stored["state"] == "open",
            override_form=await _override_form(tx, stored),
            asked=tuple(
                Asked(f"/questions/Q-{each['id']}", each["asked_of"], each["question"], each["asked_at"])
                for each in await talk.questions(tx, stored["id"])
                if each["answered_at"] is None
            ),
            most_days=(await routing.rules_in_force(tx)).snooze_days_most,
            frees=tuple(_other(each) for each in others if each["cause"] == stored["cause"]),
            elsewhere=tuple(_other(each) for each in others if each["cause"] != stored["cause"]),
            together=tuple(_other(each) for each in await related.together(tx, stored)),
            events=tuple(
                Event(each["at"], each["actor"], each["what"], each["kind"])
                for each in await holds.events(tx, stored["id"])
            ),
            facts=tuple(sorted((name, str(value)) for name, value in stored["facts"].items())),
            run=run,
            steps=step_rows(await story.steps(tx, stored["run_id"]))[-40:],
            effects=effect_rows(await story.effects_of_run(tx, stored["run_id"])),
            unknown=_unknown(await story.unknown_effect(tx, stored["run_id"])),
            at_work=stored["state"] == "open" and run is not None and run["state"] in _AT_WORK,
            document=f"/documents/engagement/{stored['engagement']}" if stored["engagement"] else "",
            people=tuple(dict.fromkeys([visit.me, *await worklist.people(tx)])),
            **await _neighbours(visit, tx, number),
            may=visit.may,
        )
    return await visit.page(context)


@dataclass(frozen=True, slots=True)
class Peek:
    """The same answers at a glance, without leaving the list."""

    template: ClassVar[str] = "peek.html"

    hold: HoldRow
    answers: Explained


async def peek(visit: Visit) -> Response:
    number = number_of(visit)
    async with visit.setting.database.transaction() as tx:
        stored = await holds.get(tx, number)
    if stored is None:
        raise HTTPException(404, f"There is no hold H-{number}.")
    return await visit.page(Peek(hold_row(stored), explained(stored)))


async def act(visit: Visit) -> Response:
    """One verb on one hold; every verb answers with the hold again and says what was set in motion."""
    number, verb, form = number_of(visit), visit.request.path_params["verb"], await visit.form()
    operator, me = visit.setting.operator, visit.me
    match verb:
        case "replay":
            return await ask(visit, Wanted(hold=number, cause=form.get("all") == "on"))
        case "assign":
            visit.require("hold.assign")
            await operator.assign(number, assignee=form.get("assignee", "") or me, actor=me)
            notice = f"Assigned to {wording.person(form.get('assignee', '') or me)}."
        case "snooze":
            visit.require("hold.snooze")
            await operator.snooze(number, actor=me, **snooze_of(form))
            how_long = f"for {wording.count(days_of(form), 'day')}" if days_of(form) else "until its source changes"
            notice = f"Snoozed {how_long}."
        case "ignore":
            visit.require("hold.ignore")
            await operator.ignore(number, reason=form.get("reason", ""), actor=me)
            notice = "Ignored; the reason stands in the books."
        case "decide":
            visit.require(await operator.right_to_decide(number))
            if not form.get("choice"):
                return visit.done(form.get("back", f"/holds/H-{number}"), "Choose one of the answers first.")
            released = await operator.decide(number, choice=form["choice"], reason=form.get("reason", ""), actor=me)
            return await onward(visit, form.get("back", f"/holds/H-{number}"), "", released)
        case "settle":
            visit.require("hold.decide")
            if form.get("there") not in ("yes", "no"):
                return visit.done(form.get("back", f"/holds/H-{number}"), "Say first whether it is there.")
            there, record = form["there"] == "yes", form.get("record", "")
            released = await operator.settle(
                number, there=there, record=record, reason=form.get("reason", ""), actor=me
            )
            return await onward(visit, form.get("back", f"/holds/H-{number}"), "", released)
        case "comment":
            visit.require("hold.comment")
            await operator.talk.comment(number, text=form.get("text", ""), actor=me)
            notice = "Your comment is in the story."
        case "ask":
            visit.require("hold.comment")
            asked = await operator.talk.ask(number, of=form.get("of", ""), question=form.get("question", ""), actor=me)
            notice = f"Asked {wording.person(form.get('of', ''))}: the question is at /questions/Q-{asked}."
        case _:
            raise HTTPException(404, f"There is no verb {verb!r} for a hold.")
    return visit.done(form.get("back", f"/holds/H-{number}"), notice)


async def set_value(visit: Visit) -> Response:
    """Adds a row to a value table, from a hold or from the table itself."""
    visit.require("value.set")
    form = await visit.form()
    table = visit.setting.firm().table(form.get("table", ""))
    if table is None:
        raise HTTPException(404, f"There is no value table {form.get('table', '')!r}.")
    row = ValueRow(
        table=table.name,
        key=form.get("key", ""),
        value=form.get("value", ""),
        entity=form.get("entity", ANY) or ANY,
        valid_from=_date(form.get("valid_from", ""), visit.now.date()),
        author=visit.me,
    )
    released = await visit.setting.operator.set_value(row, four_eyes=table.four_eyes)
    said = f"“{row.key.strip()}” is {row.value.strip()} in {table.name} now."
    if table.four_eyes:
        said = f"“{row.key.strip()}” waits for a second person: see Approvals."
    return await onward(visit, form.get("back", f"/tables/{table.name}"), said, released)


def number_of(visit: Visit) -> int:
    """H-20417 or 20417."""
    text = str(visit.request.path_params["id"]).upper().removeprefix("H-")
    if not text.isdigit() or len(text) > 18:
        raise HTTPException(404, f"{text!r} is no number of a hold; they look like H-20417.")
    return int(text)


def source_of(link: str) -> str:
    """An address that may be followed: to the web or within the console, and to nothing else."""
    return link if link.startswith(("https://", "http://", "/")) and not link.startswith("//") else ""


def _source(facts: Mapping[str, str]) -> str:
    """Where a problem is put right: the record's own address, the value table, or the system's page."""
    if facts.get("link"):
        return source_of(facts["link"])
    if "table" in facts:
        return f"/tables/{quote(facts['table'])}?{urlencode({'value': facts['value'], 'entity': facts['entity']})}"
    return f"/systems/{quote(facts['system'])}" if "system" in facts else ""


def _place(stored: Mapping[str, Any]) -> str:
    """Where a problem is put right, in words; empty where nobody knows."""
    facts = stored["facts"]
    if facts.get("system"):
        return f"In {facts['system']}"
    if "table" in facts:
        return "In the value table"
    system, slash, _ = str(stored["subject"]).partition("/")
    return f"In {system}" if slash else ""


def _date(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


async def _value_form(
    visit: Visit, tx: Tx, stored: Mapping[str, Any], others: list[dict[str, Any]]
) -> ValueForm | None:
    facts, known = stored["facts"], visit.setting.firm().table(stored["facts"].get("table", ""))
    if stored["code"] != "value.missing" or stored["state"] != "open" or known is None:
        return None
    tables = ValueTables(await firm.values(tx, known.name))
    here = sum(1 for each in others if each["facts"].get("entity") == facts["entity"])
    return ValueForm(
        table=known.name,
        key=facts["value"],
        entity=facts["entity"],
        purpose=known.purpose,
        options=tuple(tables.options(known.name)),
        # A value that nobody knew was true before today as well: the deal that asked may be from last month.
        valid_from=date(visit.now.year, 1, 1),
        four_eyes=known.four_eyes,
        here=here,
        elsewhere=len(others) - here,
    )


async def _override_form(tx: Tx, stored: Mapping[str, Any]) -> OverrideForm | None:
    """For a wrong or missing field of a deal that is in the books; identity and lists are the source's alone."""
    field, key = stored["facts"].get("field", ""), stored["engagement"] or ""
    latest = await documents.latest(tx, Engagement.kind, key) if field and stored["state"] == "open" else None
    if latest is None:
        return None
    deal = load(Engagement.kind, latest["schema_version"], latest["body"])
    if not can_be_set(deal, field):
        return None
    waits = (await routing.rules_in_force(tx)).overrides_four_eyes
    four_eyes = waits == "always" or (waits == "money" and is_money(field))
    return OverrideForm(key, field, str(current(deal, field) or ""), is_money(field), four_eyes)


def _other(stored: Mapping[str, Any]) -> Other:
    return Other(
        f"/holds/H-{stored['id']}",
        f"H-{stored['id']}",
        stored["title"],
        explained({"code": "", **stored}).what if "code" in stored else "",
        wording.money(stored.get("amount_minor"), stored.get("currency", "")),
        stored["due_at"],
    )


def _unknown(effect: Mapping[str, Any] | None) -> Unknown | None:
    if effect is None:
        return None
    asks_again = effect["guarantee"] != "E"
    return Unknown(
        effect["connection"],
        effect["operation"],
        effect["subject"],
        effect["sent_at"],
        effect["asked_again_at"] if asks_again else None,
    )


async def _neighbours(visit: Visit, tx: Tx, number: int) -> dict[str, str]:
    """The holds before and after this one in the list that the visitor came from, in the order it shows them."""
    query = dict(parse_qsl(visit.query("list")))
    wanted = wanted_from(query, me=visit.me, now=visit.now)
    found = [hold_row(each) for each in await worklist.held(tx, wanted, limit=300)]
    order = [row.id for cause in by_cause(found, visit.now) for row in cause.rows]
    suffix = f"?{urlencode({'list': visit.query('list')})}" if visit.query("list") else ""
    back = f"/holds?{visit.query('list')}" if visit.query("list") else "/holds"
    at = order.index(number) if number in order else -1
    before = order[at - 1] if at > 0 else None
    after = order[at + 1] if 0 <= at < len(order) - 1 else None
    return {
        "previous": f"/holds/H-{before}{suffix}" if before else "",
        "next": f"/holds/H-{after}{suffix}" if after else "",
        "back": back,
    }
