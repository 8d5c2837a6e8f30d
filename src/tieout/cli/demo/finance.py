"""Somebody in finance: answers what the story leaves open, by the same verbs that the console's buttons call."""

from __future__ import annotations

from datetime import date

from tieout.cli.demo.hub import FINANCE
from tieout.cli.desk import Desk
from tieout.domain.values import ValueRow
from tieout.store import approvals, holds

# What nobody in the story decides: which department the practice People & Change is.
DEPARTMENTS = {"People & Change": "440"}
TABLE = "practice_department"


async def answer(desk: Desk, today: date) -> list[str]:
    """Fixes the value table, accepts the terms that wait, judges what a change means for revenue, has work billed again.

    A sentence for each.
    """
    return [*await _values(desk, today), *await _approvals(desk), *await _revenue(desk), *await _credited(desk)]


async def _values(desk: Desk, today: date) -> list[str]:
    async with desk.database.transaction() as tx:
        waiting = await holds.of_code(tx, "value.missing", {"table": TABLE})
    told: list[str] = []
    for key in sorted({each["facts"]["value"] for each in waiting} & DEPARTMENTS.keys()):
        row = ValueRow(TABLE, key, DEPARTMENTS[key], valid_from=date(today.year, 1, 1), author=FINANCE.email)
        done = await desk.operator.set_value(row)
        told.append(f"{FINANCE.name} says that {key} is department {row.value}: {len(done.runs)} deal goes on")
    return told


async def _approvals(desk: Desk) -> list[str]:
    async with desk.database.transaction() as tx:
        waiting = await approvals.waiting(tx)
    told: list[str] = []
    for each in waiting:
        if each["requested_by"].casefold() != FINANCE.email:
            await desk.operator.answer_approval(each["id"], approve=True, actor=FINANCE.email)
            told.append(f"{FINANCE.name} accepts A-{each['id']}: {'; '.join(each['terms'])}")
    return told


async def _revenue(desk: Desk) -> list[str]:
    reason = "more of the same work at the agreed rates: prospective, nothing to catch up"
    said = "{name} judges version {version} of {deal}: {reason}"
    return await _decided(desk, "change.revenue", "booked", reason, said)


async def _credited(desk: Desk) -> list[str]:
    said = "{name} has what {credit} took back billed again: {reason}"
    return await _decided(desk, "billing.credited", "bill_again", "explained to the customer", said)


async def _decided(desk: Desk, code: str, choice: str, reason: str, said: str) -> list[str]:
    async with desk.database.transaction() as tx:
        waiting = await holds.of_code(tx, code, {})
    for each in waiting:
        await desk.operator.decide(each["id"], choice=choice, reason=reason, actor=FINANCE.email)
    return [said.format_map({**each["facts"], "name": FINANCE.name, "reason": reason}) for each in waiting]
