"""Today: what needs this person, by money and deadline; how money flows; which systems are silent or slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.responses import Response

from tieout.console import wording
from tieout.console.pages.systems import SystemCard, cards
from tieout.console.rows import hold_row
from tieout.console.visit import Visit
from tieout.domain.money import Money
from tieout.domain.urgency import urgency
from tieout.store import figures, planned, worklist
from tieout.store.figures import Difference, Totals

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the list: a cause, an approval or a plan, and the money of the documents that it alone accounts for."""

    what: str
    documents: int
    title: str
    owner: str
    assignee: str
    sums: tuple[Money, ...]
    due_at: datetime
    rank: Decimal
    href: str
    verb: str
    icon: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One figure of the flow of money, and the list that sums to it."""

    title: str
    money: Money
    count: str
    href: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The flow of one legal entity in one currency; `rounding` is what the cents of many lines leave over."""

    entity: str
    entity_name: str
    currency: str
    stages: tuple[Stage, ...]
    most: Decimal


@dataclass(frozen=True, slots=True)
class Today:
    """The page's own variables."""

    template: ClassVar[str] = "today.html"

    greeting: str
    name: str
    needs: tuple[Need, ...]
    more: int
    sums: tuple[Money, ...]
    documents: int
    soonest: datetime | None
    elsewhere: Mapping[str, int]
    passed: int
    received: int
    last_at: str
    flows: tuple[Flow, ...]
    differences: tuple[Difference, ...]
    comparisons: int
    troubled: tuple[SystemCard, ...]
    systems: int


async def show(visit: Visit) -> Response:
    midnight = visit.now.astimezone(visit.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    async with visit.setting.database.transaction() as tx:
        stored = await worklist.needs(tx, me=visit.me, now=visit.now)
        elsewhere = await worklist.elsewhere(tx, me=visit.me, now=visit.now)
        passed = await worklist.passed_since(tx, midnight)
        deciding = await planned.to_decide(tx)
        systems = await cards(visit, tx)
    found = await figures.figures(visit.setting.database)
    plans = [each for each in deciding if _for_me(each, visit)]
    needs = sorted([*needs_of(stored, visit.now), *(_plan_need(each, visit.now) for each in plans)], key=_urgent)
    differences = tuple(each for each in found.differences if each.amount)
    return await visit.page(
        Today(
            greeting=_greeting(visit.now.astimezone(visit.zone).hour),
            name=visit.actor.name.split()[0],
            needs=tuple(needs[:_SHOWN]),
            more=max(len(needs) - _SHOWN, 0),
            sums=wording.sums(money for each in needs for money in each.sums),
            documents=sum(each.documents for each in needs),
            soonest=min((each.due_at for each in needs), default=None),
            elsewhere=elsewhere,
            passed=passed["done"],
            received=passed["received"],
            last_at=wording.ago(passed["last_at"], visit.now),
            flows=tuple(_flow(each, visit) for each in found.totals if each.currency),
            differences=differences,
            comparisons=len(found.differences),
            troubled=tuple(each for each in systems if each.trouble),
            systems=len(systems),
        ),
    )


def needs_of(stored: Sequence[Mapping[str, Any]], now: datetime) -> list[Need]:
    """Every document once, under the problem that is due first; the line with the most money due soonest first."""
    gathered: dict[str, list[Mapping[str, Any]]] = {}
    for each in stored:
        if each["counted"]:
            gathered.setdefault(each["cause"] or f"A-{each['id']}", []).append(each)
    needs = [_need(members, now) for members in gathered.values()]
    return sorted(needs, key=_urgent)


def _urgent(need: Need) -> tuple[Decimal, datetime, str]:
    return -need.rank, need.due_at, need.href


def _for_me(plan: Mapping[str, Any], visit: Visit) -> bool:
    """A plan of somebody else that this person may approve, or their own that they can let begin."""
    mine = plan["made_by"].casefold() == visit.me.casefold()
    return visit.may("plan.approve") and not mine if plan["waits"] else mine


def _plan_need(plan: Mapping[str, Any], now: datetime) -> Need:
    """The money of its documents is counted where they are held, so that none is counted twice."""
    due_at = plan["made_at"] + timedelta(days=1)
    what = f"P-{plan['id']} waits for {'approval' if plan['waits'] else 'your confirmation'}"
    title = f"{wording.count(plan['items'], 'document')}: {plan['what']}"
    owner = wording.person(plan["made_by"])
    verb, href = "Decide" if plan["waits"] else "Look", f"/plans/P-{plan['id']}"
    return Need(what, 0, title, owner, "", (), due_at, urgency((), due_at, now), href, verb, "plan")


def _need(members: Sequence[Mapping[str, Any]], now: datetime) -> Need:
    first = members[0]
    found = wording.sums(wording.money(each["amount_minor"], each["currency"]) for each in members)
    due_at = min(each["due_at"] for each in members)
    if first["what"] == "approval":
        what, href, verb, icon = first["title"], f"/approvals/A-{first['id']}", "Decide", "approval"
        title = "; ".join(first["terms"] or ())
    else:
        what, href, verb, icon = _hold_line(first, len(members))
        title = first["title"] if len(members) == 1 else f"{first['title']} and {len(members) - 1} more"
    return Need(
        what, len(members), title, first["owner"], first["assignee"], found, due_at, urgency(found, due_at, now), href, verb,
        icon,
    )  # fmt: skip


def _hold_line(first: Mapping[str, Any], documents: int) -> tuple[str, str, str, str]:
    row = hold_row({**first, "snoozed_until": None, "resolved_at": None, "resolved_by": "", "resolution": "", "times": 1,
                    "state": "open", "opened_at": first["since"]})  # fmt: skip
    if documents == 1:
        return row.what, row.href, "Fix", "hold"
    query = urlencode({"tab": "needs", "cause": row.cause, "first": "1"})
    return row.what, f"/holds?{query}", f"Fix {documents}", "hold"


def _flow(totals: Totals, visit: Visit) -> Flow:
    named = visit.setting.firm().entity(totals.entity)
    scope = urlencode({"entity": totals.entity or "-", "currency": totals.currency})

    def stage(title: str, amount: Decimal, count: str, path: str) -> Stage:
        joined = f"{path}{'&' if '?' in path else '?'}{scope}"
        return Stage(title, Money(amount, totals.currency).rounded(), count, joined)

    stages = (
        stage("Won", totals.sold, wording.count(totals.deals, "deal"), "/documents?kind=engagement&stage=won"),
        stage("In projects", totals.booked, wording.count(totals.projects, "project"), "/documents?kind=project"),
        stage(
            "Approved time", totals.approved, f"{wording.hours(totals.approved_minutes)} h", "/invoices?stage=approved"
        ),
        stage("Not invoiced", totals.unbilled, "of it", "/invoices?stage=unbilled"),
        *([stage("At risk", totals.at_risk, "not signed", "/invoices?stage=at_risk")] if totals.at_risk else []),
        *(
            [stage("Set aside", totals.set_aside, "by contract", "/invoices?stage=set_aside")]
            if totals.set_aside
            else []
        ),
        stage("Proposed", totals.proposed, "net, in the ERP", "/invoices?stage=proposed"),
        stage("Invoiced", totals.billed_net, "net", "/invoices?stage=billed"),
        stage("Open", totals.open, "with tax", "/invoices?stage=open"),
        stage("Paid", totals.paid, wording.count(totals.payments, "payment"), "/invoices?stage=paid"),
    )
    most = max((each.money.amount for each in stages), default=Decimal(0))
    return Flow(totals.entity, named.name if named else "No entity yet", totals.currency, stages, most)


def _greeting(hour: int) -> str:
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"
