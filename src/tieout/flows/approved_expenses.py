"""Expenses arrive in pages: stored, treated as the contract or the firm says, checked; the bad ones wait alone (T31-T33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tieout.domain.expensing import PRODUCTS, RATES, TRANSFERS
from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.engine.run import Run, flow
from tieout.flows.unreadable import unreadable
from tieout.systems.systems import Systems

_UNREADABLE = "expense.unreadable"


@flow(version=1, title="Approved expenses → treated and checked", starts_on=("psa", "expense"), page=1000)
async def approved_expenses(run: Run, systems: Systems) -> None:
    connection = run.subject.split("/")[0]
    told = [each.record for each in run.messages if each.record is not None and not each.deleted]
    expenses = [each for each in told if "unreadable" not in each]
    gone = {each.ref.id: each.version for each in run.messages if each.deleted}
    await run.about(title=f"{len(run.messages)} expenses")
    await run.step("store the page", systems.register.store_expenses, connection, expenses, gone)
    if len(expenses) < len(told):
        await run.step("hold what cannot be read", systems.register.hold_unreadable, run.id, _UNREADABLE)
    await check_expenses(run, systems, connection, [each["source_id"] for each in expenses])


async def check_expenses(run: Run, systems: Systems, connection: str, ids: Sequence[str]) -> None:
    """Judges these expenses and all that had a problem; opens and closes the holds that stand for causes, not expenses."""
    register, firm = systems.register, systems.firm
    products = firm.table(PRODUCTS) is not None
    await run.step("what becomes of them", register.judge_expenses, connection, ids, firm.expenses, products=products)
    causes = await run.step("settle the messages", register.settle_expenses, connection, run.id)
    problems = await unreadable(systems, connection, "expense", _UNREADABLE)
    problems += [_problem(each, firm) for each in causes]
    await run.stand("approved_expenses", f"{connection}/expenses", problems)


def _problem(cause: Mapping[str, Any], firm: Firm) -> Problem:
    amount = Money(cause["amount"], cause["currency"])
    facts = {
        "person": cause["person"] or cause["one_person"],
        "amount": str(amount),
        "project": cause["project"],
        "category": cause["category"],
        "entity": cause["entity"] or "",
        "day": str(cause["first_day"]),
        "link": f"/x/{cause['one_expense']}",
    }
    if cause["problem"] == "value.missing":
        facts |= {"table": PRODUCTS, "value": cause["category"], "purpose": firm.purpose(PRODUCTS)}
    if cause["problem"] == "expense.entity_differs":
        pair = f"{cause['person_entity']}/{cause['entity']}"
        facts |= {"table": TRANSFERS, "value": pair, "person_entity": cause["person_entity"]}
    if cause["problem"] == "expense.rate_missing":
        facts |= {"table": RATES, "value": f"{cause['currency']}/{cause['wanted']}"}
    return Problem(cause["problem"], facts, cause["quote"], amount)
