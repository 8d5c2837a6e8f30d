"""Approvals of a gate that nobody answers: each goes on to who is next, when the working days that its gate gives are over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tieout.domain.escalating import Step, Unanswered, next_step
from tieout.store import audit
from tieout.store.database import Tx, row, rows
from tieout.store.routing import Rules, in_force


async def mind(tx: Tx, now: datetime, *, only: int | None = None) -> int:
    """Lets every open approval that is due go on, and writes down of each when it goes where; how many times one went on.

    With `only` that one alone. Doing it again does nothing.
    """
    found = await rows(
        tx,
        """
        select a.*, array(
          select lower(who) from approval o cross join unnest(array[o.decided_by, o.on_behalf_of]) who
          where o.flow = a.flow and o.subject = a.subject and o.terms_hash = a.terms_hash and o.state = 'approved' and who <> ''
        ) as accepted
        from approval a where a.state = 'open' and a.gate <> '' and (%(only)s::bigint is null or a.id = %(only)s)
        order by a.id for update of a skip locked
        """,
        {"only": only},
    )
    if not found:
        return 0
    rules = await in_force(tx)
    return sum([await _one(tx, rules, each, now) for each in found])


async def _one(tx: Tx, rules: Rules, asked: Mapping[str, Any], now: datetime) -> int:
    steps = 0
    while (step := _next(rules, asked)) is not None and step.at <= now:
        asked = {**asked, **await _goes_on(tx, asked, step, now)}
        steps += 1
    at, to = (step.at, step.to) if step else (None, "")
    if (asked["answer_by"], asked["goes_to"]) != (at, to):
        await tx.execute("update approval set answer_by = %s, goes_to = %s where id = %s", (at, to, asked["id"]))
    return steps


def _next(rules: Rules, asked: Mapping[str, Any]) -> Step | None:
    since = asked["escalated_at"] or asked["requested_at"]
    barred = frozenset((asked["requested_by"].lower(), *asked["accepted"]))
    unanswered = Unanswered(asked["gate"], asked["entity"], since, len(asked["escalated_to"]), barred)
    return next_step(unanswered, rules.gates, rules.holds, rules.calendars)


async def _goes_on(tx: Tx, asked: Mapping[str, Any], step: Step, now: datetime) -> dict[str, Any]:
    """The approval as it is then. Those who were asked before may still answer it."""
    changed = await row(
        tx,
        """
        update approval set escalated_to = escalated_to || %(to)s::text, escalated_at = %(now)s,
               added = added || %(new)s::text[], members = members || %(new)s::text[]
        where id = %(id)s returning escalated_to, escalated_at, added, members
        """,
        {
            "id": asked["id"],
            "to": step.to,
            "now": now,
            "new": [each for each in step.people if each not in asked["members"]],
        },
    )
    assert changed is not None
    detail = {"to": step.to, "people": list(step.people), "unanswered_since": asked["requested_at"]}
    await audit.append(tx, "tieout", "approval.escalate", f"A-{asked['id']}", detail, now)
    return changed
