"""Time entries arrive in pages: stored, priced at the work date, checked against the rate card; the bad ones wait alone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.engine.run import Run, flow
from tieout.flows.unreadable import unreadable
from tieout.systems.systems import Systems

# Entries after which all that waits is looked at, although more are coming.
_AT_LEAST_EVERY = 50_000


@flow(
    version=1,
    title="Approved time → priced and checked",
    starts_on=("psa", "time_entry"),
    page=5000,
    errand="billing",
    contents=False,
)
async def approved_time(run: Run, systems: Systems) -> None:
    connection, register = run.subject.split("/")[0], systems.register
    gone = {each.ref.id: each.version for each in run.messages if each.deleted}
    await run.about(title=f"{len(run.messages)} time entries")
    rates = rate_rows(systems.firm)
    await run.step("store the page, find project, role and rate", register.take_time, connection, run.id, rates, gone)
    await _settle(run, systems, connection, list({each.ref.id: None for each in run.messages}))
    # A month-end does not look at everything with every page: whoever has another one behind it leaves that to the last.
    if _passes(run) or not await register.followed(run.id):
        await look_again(run, systems, connection)
    await deliver(run, systems, connection)


async def deliver(run: Run, systems: Systems, connection: str) -> None:
    """Sends every ERP on its way that does not have all approved time, unless somebody is about to begin with it."""
    for entity in await systems.register.entities_to_deliver():
        subject, lane = f"{connection}/{entity}", f"time/{entity}"
        await run.start("time_to_erp", subject, run.now().isoformat(), lane=lane, joins=True)


async def check_time(run: Run, systems: Systems, connection: str, ids: list[str] | None) -> None:
    """Prices these entries, or all that have a problem, and ends the messages that waited for them."""
    rates = rate_rows(systems.firm)
    await run.step("find project, role and rate", systems.register.price_time, connection, ids, rates)
    await _settle(run, systems, connection, ids)


async def _settle(run: Run, systems: Systems, connection: str, ids: list[str] | None) -> None:
    for entity in systems.firm.entities:
        erp = systems.erp(entity.code)
        await run.step(f"who works for {entity.code}", erp.refresh_people, entity.code, connection, ids)
    await run.step("settle the messages", systems.register.settle_time, connection, run.id, ids)


async def look_again(run: Run, systems: Systems, connection: str) -> None:
    """All that waits, whatever page it came with; opens and closes the holds that stand for causes, not entries."""
    await check_time(run, systems, connection, None)
    causes = await run.step("what waits, and why", systems.register.causes_of_time, connection)
    problems = await unreadable(systems, connection, "time_entry", "time.unreadable")
    problems += [_problem(each, connection) for each in causes]
    problems += [_without_price(each) for each in await systems.lending.unpriced()]
    await run.stand("approved_time", f"{connection}/time", problems)


def _passes(run: Run) -> bool:
    """Whether the page's messages, which are numbered, reach or pass a multiple of _AT_LEAST_EVERY."""
    first, last = run.messages[0].id, run.messages[-1].id
    return (first - 1) // _AT_LEAST_EVERY < last // _AT_LEAST_EVERY


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
