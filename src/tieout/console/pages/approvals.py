"""Approvals: terms and table rows that wait for somebody else's word, and the one thing to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.onward import onward
from tieout.console.pages.hold import source_of
from tieout.console.pages.plans import locked
from tieout.console.planned import PlanRow, plan_row
from tieout.console.visit import Visit
from tieout.domain.access import who_may
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.values import ValueRow
from tieout.engine.operator import Refused
from tieout.store import delegations, documents, firm, holds, planned, worklist


@dataclass(frozen=True, slots=True)
class Request:
    """One request for approval; `locked` says why this person cannot answer it, and is empty where they can.

    `stands_in` are those in whose place they may. `may_answer` is empty where everybody with the right may; unanswered, it
    goes on to `goes_to` at `answer_by`, after those in `escalated_to`.
    """

    id: int
    title: str
    about: str
    source: str
    terms: tuple[str, ...]
    money: Money | None
    entity: str
    requested_by: str
    requested_at: datetime
    state: str
    decided_by: str
    on_behalf_of: str
    decided_at: datetime | None
    reason: str
    locked: str
    document: str
    stands_in: tuple[str, ...]
    may_answer: tuple[str, ...]
    answer_by: datetime | None
    goes_to: str
    escalated_to: tuple[str, ...]
    escalated_at: datetime | None

    @property
    def label(self) -> str:
        return f"A-{self.id}"

    @property
    def href(self) -> str:
        return f"/approvals/A-{self.id}"


@dataclass(frozen=True, slots=True)
class WaitingValue:
    """A row of a table with four eyes."""

    id: int
    row: ValueRow
    locked: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody answers in another's place; `mine` is the viewer's own, which they may end."""

    id: int
    owner: str
    delegate: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    mine: bool


@dataclass(frozen=True, slots=True)
class WaitingPlan:
    """A replay plan that needs a second person's word, which is given on its own page."""

    plan: PlanRow
    locked: str


@dataclass(frozen=True, slots=True)
class Approvals:
    """The page's own variables."""

    template: ClassVar[str] = "approvals.html"

    waiting: tuple[Request, ...]
    plans: tuple[WaitingPlan, ...]
    values: tuple[WaitingValue, ...]
    answered: tuple[Request, ...]
    delegations: tuple[Delegation, ...]
    may_delegate: bool
    sums: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision."""

    template: ClassVar[str] = "approval.html"

    request: Request
    deal: tuple[tuple[str, str], ...]
    customer: str
    own_right: bool


async def show(visit: Visit) -> Response:
    async with visit.setting.database.transaction() as tx:
        stored = await worklist.approvals(tx)
        values = await firm.waiting_values(tx)
        asked = [each for each in await planned.to_decide(tx) if each["waits"]]
        worth = await planned.worth(tx, [each["id"] for each in asked])
        lent = await delegations.not_over(tx, visit.now)
        places = await delegations.in_force(tx, visit.me, visit.now)
    found = [_request(each, visit, places, lent) for each in stored]
    waiting = tuple(each for each in found if each.state == "open")
    replays = tuple(plan_row(each, each["items"], worth) for each in asked)
    return await visit.page(
        Approvals(
            waiting=waiting,
            plans=tuple(WaitingPlan(each, locked(each, visit)) for each in replays),
            values=tuple(WaitingValue(each.version, each, _value_locked(each, visit)) for each in values),
            answered=tuple(each for each in found if each.state != "open"),
            delegations=tuple(_delegation(each, visit) for each in lent),
            may_delegate=visit.may("approval.answer"),
            sums=wording.sums([*(each.money for each in waiting), *(sum_ for each in replays for sum_ in each.money)]),
        ),
    )


async def one(visit: Visit) -> Response:
    number = _number(visit)
    async with visit.setting.database.transaction() as tx:
        stored = await holds.approval(tx, number)
        if stored is None:
            raise HTTPException(404, f"There is no approval A-{number}.")
        deal = await documents.latest(tx, "engagement", stored["engagement"]) if stored["engagement"] else None
        places = await delegations.in_force(tx, visit.me, visit.now)
        lent = await delegations.not_over(tx, visit.now)
    body: Mapping[str, Any] = deal["body"] if deal else {}
    facts = (
        ("Deal", body.get("name", "")),
        ("Practice", body.get("practice", "")),
        ("Service package", body.get("package", "")),
        ("Start", wording.day(body.get("start"))),
        ("End", wording.day(body.get("end"))),
        ("Payment terms", body.get("payment_terms", "")),
        ("Salesperson", wording.person(body.get("owner", ""))),
    )
    customer = str(body["customer"]["name"]) if body else ""
    shown = tuple((name, str(value)) for name, value in facts if value)
    stored = {**stored, "about": body.get("name", "")}
    request = _request(stored, visit, places, lent)
    return await visit.page(Approval(request, shown, customer, visit.may("approval.answer")))


async def answer(visit: Visit) -> Response:
    number, form = _number(visit), await visit.form()
    behind = form.get("on_behalf_of", "")
    if not behind:  # in another's place the right is theirs, and the verb looks for it
        visit.require("approval.answer")
    approve = form.get("answer") == "approve"
    released = await visit.setting.operator.answer_approval(
        number, approve=approve, actor=visit.me, reason=form.get("reason", ""), on_behalf_of=behind
    )
    said = f"A-{number} is {'approved' if approve else 'rejected'}."
    return await onward(visit, form.get("back", f"/approvals/A-{number}"), said, released)


async def approve_value(visit: Visit) -> Response:
    visit.require("value.approve")
    released = await visit.setting.operator.approve_value(int(visit.request.path_params["row"]), actor=visit.me)
    return await onward(visit, "/approvals", "The row is in force.", released)


async def delegate(visit: Visit) -> Response:
    visit.require("approval.answer")
    form = await visit.form()
    try:
        first, last = (date.fromisoformat(form.get(name, "")) for name in ("first", "last"))
    except ValueError:
        raise Refused("Say from which day until which.") from None
    number = await visit.setting.operator.delegations.delegate(
        form.get("to", ""), first=first, last=last, zone=visit.setting.firm().time_zone, reason=form.get("reason", ""),
        actor=visit.me,
    )  # fmt: skip
    return visit.done("/approvals", f"D-{number}: {form.get('to', '')} answers in your place.")


async def take_back(visit: Visit) -> Response:
    visit.require("approval.answer")
    number = int(visit.request.path_params["number"])
    await visit.setting.operator.delegations.withdraw(number, actor=visit.me)
    return visit.done("/approvals", f"D-{number} is over.")


def _delegation(stored: Mapping[str, Any], visit: Visit) -> Delegation:
    same = ("id", "owner", "delegate", "begins_at", "ends_at", "reason")
    return Delegation(**{name: stored[name] for name in same}, mine=stored["owner"].casefold() == visit.me.casefold())


def _request(
    stored: Mapping[str, Any], visit: Visit, places: Sequence[str], lent: Sequence[Mapping[str, Any]]
) -> Request:
    same = ("id", "title", "requested_by", "requested_at", "state", "decided_at", "reason", "answer_by", "escalated_at")
    return Request(
        **{name: stored[name] for name in same},
        about=stored.get("about", ""),
        source=source_of(visit.setting.link(Ref.parse(stored["subject"]))) if stored["subject"].count("/") > 1 else "",
        terms=tuple(stored["terms"]),
        money=wording.money(stored["amount_minor"], stored["currency"]),
        entity=stored["entity"] or "",
        decided_by=stored["decided_by"] or "",
        on_behalf_of=stored["on_behalf_of"] or "",
        stands_in=_stands_in(stored, places),
        may_answer=_may_answer(stored, lent, visit.now),
        goes_to=wording.person(stored["goes_to"]),
        escalated_to=tuple(wording.person(each) for each in stored["escalated_to"]),
        locked=_locked(stored, visit, places),
        document=f"/documents/engagement/{stored['engagement']}" if stored["engagement"] else "",
    )


def _may_answer(stored: Mapping[str, Any], lent: Sequence[Mapping[str, Any]], now: datetime) -> tuple[str, ...]:
    """The people of its team, and who stands in for one of them today; never who asked."""
    asker = stored["requested_by"].casefold()
    people = [each for each in stored["members"] or () if each.casefold() != asker]
    instead = [
        f"{wording.person(each['delegate'])} for {wording.person(each['owner'])}"
        for each in lent
        if each["begins_at"] <= now and each["owner"].casefold() in people and each["delegate"].casefold() != asker
    ]
    return (*(wording.person(each) for each in people), *instead)


def _stands_in(stored: Mapping[str, Any], places: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in places if each.casefold() != stored["requested_by"].casefold())


def _locked(stored: Mapping[str, Any], visit: Visit, places: Sequence[str]) -> str:
    if stored["state"] != "open":
        return f"Answered by {stored['decided_by']}."
    if stored["requested_by"].casefold() == visit.me.casefold():
        return "You asked for this; somebody else must answer it."
    team = stored["members"]
    if team is not None and not {visit.me.casefold(), *_stands_in(stored, places)} & set(team):
        return f"It is for {', '.join(wording.person(each) for each in team)} to answer."
    if not visit.may("approval.answer") and not _stands_in(stored, places):
        return f"Answering needs the role {who_may('approval.answer')}; ask the integration engineer for it."
    return ""


def _value_locked(row: ValueRow, visit: Visit) -> str:
    if row.author == visit.me:
        return "This row is yours; somebody else must approve it."
    if not visit.may("value.approve"):
        return f"Approving needs the role {who_may('value.approve')}."
    return ""


def _number(visit: Visit) -> int:
    text = str(visit.request.path_params["id"]).upper().removeprefix("A-")
    if not text.isdigit() or len(text) > 18:
        raise HTTPException(404, f"{text!r} is no number of an approval; they look like A-501.")
    return int(text)
