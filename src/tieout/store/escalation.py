"""What time does to holds: the snoozed wake, and of the overdue one person after the other is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tieout.domain.routing import HoldRules, escalation
from tieout.store import holds
from tieout.store.database import Tx, rows
from tieout.store.routing import Rules, in_force


async def mind(tx: Tx, now: datetime) -> int:
    """Wakes what has slept enough and escalates what is overdue; how many holds it touched. Doing it again does nothing."""
    return await _wake(tx, now) + await _escalate(tx, await in_force(tx), now)


async def _wake(tx: Tx, now: datetime) -> int:
    woken = await rows(
        tx,
        """
        update hold set snoozed_until = null, wakes_on_change = false
        where state = 'open' and snoozed_until <= %s returning id
        """,
        (now,),
    )
    for each in woken:
        await holds.note(tx, each["id"], "tieout", "woke: its time to sleep is over", now)
    return len(woken)


async def _escalate(tx: Tx, firm: Rules, now: datetime) -> int:
    rules = firm.holds
    overdue = await rows(
        tx,
        """
        select * from hold where state = 'open' and snoozed_until is null and due_at <= %(now)s
          and escalations <= %(longest)s and (escalated_at is null or escalated_at <= %(before)s)
        order by due_at for update skip locked
        """,
        {"now": now, "longest": len(rules.teams), "before": now - timedelta(hours=rules.escalate_every_hours)},
    )
    return sum([await _one(tx, rules, each, now) for each in overdue if _is_due(firm, each, now)])


def _is_due(firm: Rules, hold: Mapping[str, Any], now: datetime) -> bool:
    """Whether the hours since the step before are over; on working days alone, where the firm says so."""
    if not firm.holds.working_days:
        return True
    since, hours = hold["escalated_at"] or hold["due_at"], firm.holds.escalate_every_hours if hold["escalations"] else 0
    return firm.calendars.of(hold["entity"]).later(since, timedelta(hours=hours)) <= now


async def _one(tx: Tx, rules: HoldRules, hold: Mapping[str, Any], now: datetime) -> bool:
    """The next person up is told; a hold above which nobody stands says so once, and stays on the list of the overdue."""
    above = escalation(rules, hold["team"])
    step: int = hold["escalations"]
    if step > 0 and step >= len(above):
        return False
    who = above[step] if step < len(above) else ""
    await tx.execute(
        "update hold set escalations = escalations + 1, escalated_at = %s, escalated_to = %s where id = %s",
        (now, who, hold["id"]),
    )
    late = int((now - hold["due_at"]).total_seconds() // 3600)
    said = f"escalated to {who}" if who else "the firm folder names nobody to escalate it to"
    await holds.note(tx, hold["id"], "tieout", f"overdue for {late} h: {said}", now)
    return True
