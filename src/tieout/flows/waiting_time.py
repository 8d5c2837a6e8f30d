"""Approved time that waits, and why: looked at as a whole, for holds stand for causes and not for entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.engine.run import Later, Run, flow
from tieout.flows.unreadable import unreadable
from tieout.systems.systems import Systems


@flow(version=1, title="What of the approved time waits, and why", errand="billing")
async def waiting_time(run: Run, systems: Systems) -> None:
    """For pages that came too fast for each of them to look at everything. After the last one nobody waits."""
    await run.about(title="time that waits")
    if (rest := systems.looks.rest(run.subject)) and await systems.register.pages_under_way(run.subject):
        raise Later(run.now() + timedelta(seconds=rest), "all that waits was looked at a moment ago")
    await look_again(run, systems, run.subject)


async def look_or_leave(run: Run, systems: Systems, connection: str) -> None:
    """Looks at all that waits, or, where that has just been done and took long, leaves it to a run that does so for many."""
    if systems.looks.rest(connection):
        lane = f"waiting/{connection}"
        await run.start(waiting_time.name, connection, run.now().isoformat(), lane=lane, joins=True)
    else:
        await look_again(run, systems, connection)


async def look_again(run: Run, systems: Systems, connection: str) -> None:
    """All that waits, whatever page it came with; opens and closes the holds that stand for causes, not entries."""
    with systems.looks.timed(connection) as looking:
        await check_time(run, systems, connection, None)
        causes = await run.step("what waits, and why", systems.register.causes_of_time, connection)
        looking.causes = len(causes)
        problems = await unreadable(systems, connection, "time_entry", "time.unreadable")
        problems += [_problem(each, connection) for each in causes]
        problems += [_without_price(each) for each in await systems.lending.unpriced()]
        await run.stand("approved_time", f"{connection}/time", problems)


async def check_time(run: Run, systems: Systems, connection: str, ids: list[str] | None) -> None:
    """Prices these entries, or all that have a problem, and ends the messages that waited for them."""
    rates = rate_rows(systems.firm)
    await run.step("find project, role and rate", systems.register.price_time, connection, ids, rates)
    await settle_page(run, systems, connection, ids)


async def settle_page(run: Run, systems: Systems, connection: str, ids: list[str] | None) -> None:
    people = {each.code: await systems.erp(each.code).people() for each in systems.firm.entities}
    await run.step("who works for whom", systems.lending.refresh, people, connection, ids)
    await run.step("settle the messages", systems.register.settle_time, connection, run.id, ids)


def rate_rows(firm: Firm) -> list[dict[str, Any]]:
    """All rates of all cards, flat, for a set-based look-up."""
    return [
        {
            "card": card.name,
            "role": role,
            "version": each.version,
            "valid_from": str(each.valid_from),
            "rate": str(rate),
        }
        for card in firm.rate_cards
        for each in card.versions
        for role, rate in each.rates.items()
    ]


def _problem(cause: Mapping[str, Any], connection: str) -> Problem:
    value = Money(cause["value"], cause["currency"])
    person = cause["person"] or cause["one_person"]
    facts = {
        "person": person,
        "hours": hours_text(int(cause["minutes"])),
        "amount": str(value),
        "project": cause["project"],
        "task": cause["task"],
        # Work of a change that nobody has decided is at risk (T35).
        "change": f", while {cause['changes']} waits for a decision" if cause["changes"] else "",
        "entity": cause["entity"] or "",
        "role": cause["role"],
        "card": cause["rate_card"],
        "version": str(cause["rate_card_version"] or ""),
        "day": str(cause["first_day"]),
        "carried": _rate(cause["rate"], cause["currency"]),
        "agreed": _rate(cause["agreed_rate"], cause["currency"]),
        "link": f"/x/{cause['one_entry']}",
        "system": f"the ERP of {cause['entity']}",
        "action": "record the hours of",
        "subject": person,
    }
    return Problem(cause["problem"], facts, cause["quote"], value)


def _without_price(lent: Mapping[str, Any]) -> Problem:
    """Work that somebody lends and whose cost nobody has agreed: the customer is billed, finance is told (T49, T50)."""
    facts = {"person": lent["person"], "link": "/tables"}
    if lent["kind"] == "vendor":
        return Problem("time.vendor_rate_missing", {**facts, "vendor": lent["lender"]})
    return Problem("time.entity_differs", {**facts, "person_entity": lent["lender"], "entity": lent["entity"]})


def _rate(rate: Decimal | None, currency: str) -> str:
    return "no rate" if rate is None else str(Money(rate, currency))
