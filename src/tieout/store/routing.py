"""The firm's routing in the books: the rules in force, what they would have done to past holds, and what they do to open ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tieout.domain.firm import ApprovalGate, ApprovalRule
from tieout.domain.money import Money
from tieout.domain.routing import HoldRules, Route, Trial, Waiting, route
from tieout.domain.working_days import Calendars, WorkingCalendar
from tieout.store.database import Tx, row, rows


async def rules_in_force(tx: Tx) -> HoldRules:
    """What the firm that was applied last says about holds; the defaults where it says nothing."""
    found = await row(
        tx,
        "select content -> 'holds' as holds from firm_version order by applied_at desc, version desc limit 1",
    )
    return HoldRules.model_validate(found["holds"] or {}) if found else HoldRules()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the firm says of who is asked, whose a hold is, and on which days people work."""

    gates: tuple[ApprovalGate, ...]
    holds: HoldRules
    calendars: Calendars


async def in_force(tx: Tx) -> Rules:
    """Of the firm that was applied last; the defaults where it says nothing."""
    found = await row(tx, "select content from firm_version order by applied_at desc, version desc limit 1")
    content: Mapping[str, Any] = found["content"] if found else {}
    holds = HoldRules.model_validate(content.get("holds") or {})
    calendars = tuple(WorkingCalendar.model_validate(each) for each in content.get("calendars") or ())
    return Rules(
        ApprovalRule.model_validate(content.get("approvals") or {}).gates,
        holds,
        Calendars(calendars, holds.regions, content.get("time_zone") or "UTC"),
    )


async def country_of(tx: Tx, engagement: str | None) -> str:
    """The country of an engagement's customer; empty where it is not known."""
    found = await row(
        tx,
        """
        select body -> 'customer' -> 'address' ->> 'country' as country from document
        where kind = 'engagement' and key = %s order by version desc limit 1
        """,
        (engagement,),
    )
    return (found["country"] or "") if found else ""


async def past(tx: Tx, since: datetime) -> list[dict[str, Any]]:
    """Holds that came up since a moment or are open, with the country of their customer."""
    return await rows(
        tx,
        """
        select h.*, coalesce((select body -> 'customer' -> 'address' ->> 'country' from document d
                              where d.kind = 'engagement' and d.key = h.engagement order by version desc limit 1), '') as country
        from hold h where h.opened_at >= %s or h.state = 'open' order by h.id
        """,
        (since,),
    )


async def trial(tx: Tx, rules: HoldRules, *, now: datetime, days: int = 90) -> Trial:
    """What the rules would do to the holds of the last days, compared with where these are now."""
    found = await past(tx, now - timedelta(days=days))
    routes = [route(rules, waiting(each)) for each in found]
    free = [(hold, to) for hold, to in zip(found, routes, strict=True) if not by_hand(hold)]
    return Trial(
        holds=len(found),
        routed=sum(1 for each in routes if each.team),
        differently=sum((each.team, each.assignee) != (hold["team"], hold["assignee"]) for hold, each in free),
        by_hand=len(found) - len(free),
        teams=Counter(each.team for each in routes if each.team),
        unrouted=Counter(hold["code"] for hold, each in zip(found, routes, strict=True) if not each.team),
    )


async def apply(tx: Tx, *, now: datetime) -> int:
    """Routes every open hold by the rules in force, except those that somebody was given by hand; how many moved."""
    rules, moved = await rules_in_force(tx), 0
    for hold in await past(tx, now):
        to = route(rules, waiting(hold))
        if hold["state"] != "open" or by_hand(hold) or to == _now(hold):
            continue
        moved += 1
        await tx.execute(
            "update hold set team = %s, rule = %s, assignee = %s where id = %s",
            (to.team, to.rule, to.assignee, hold["id"]),
        )
        await tx.execute(
            "insert into hold_event (hold_id, at, actor, what) values (%s, %s, 'tieout', %s)",
            (hold["id"], now, said(to)),
        )
    return moved


def waiting(hold: Mapping[str, Any]) -> Waiting:
    """A stored hold as the rules see it."""
    amount = Money.from_minor(int(hold["amount_minor"]), hold["currency"]) if hold["currency"] else None
    return Waiting(hold["code"], hold["facts"], hold["entity"], hold.get("country", ""), amount)


def by_hand(hold: Mapping[str, Any]) -> bool:
    """Whether a person said whose it is: no rule overrules them."""
    return bool(hold["assigned_by"])


def said(to: Route) -> str:
    """A route as a line of the hold's story."""
    if not to.team:
        return "routed to nobody: no rule fits"
    return f"routed to {to.team}{f', {to.assignee}' if to.assignee else ''} by {to.rule}"


def _now(hold: Mapping[str, Any]) -> Route:
    return Route(hold["team"], hold["assignee"], hold["rule"])
