"""Staffs the ERP: employees with their personnel numbers and cost, and users who may do what their work needs, no more."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.firm import KestrelFirm
from tieout.sandbox.tryton.founding import YEARS, Books
from tieout.sandbox.tryton.rights import CLERK_GROUPS, HUB_GROUPS, restrict
from tieout.sandbox.tryton.tenancy import Login, hub_user


async def staff(erp: TrytonClient, firm: KestrelFirm, books: Books) -> list[Login]:
    """Employees first, then the hub's users and the finance clerks; returns how they log in."""
    await _employees(erp, firm, books)
    hubs = [
        Login(user=hub_user(each.code), password=_password(), role="hub", entity=each.code, name=f"Tieout {each.code}")
        for each in firm.entities
    ]
    clerks = [
        Login(user=each.email, password=_password(), role="clerk", entity=each.entity, name=each.name)
        for each in firm.finance_clerks
    ]
    groups = await restrict(erp)
    await _users(erp, hubs, [groups[name] for name in HUB_GROUPS], books)
    await _users(erp, clerks, [groups[name] for name in CLERK_GROUPS], books)
    return [*hubs, *clerks]


async def _employees(erp: TrytonClient, firm: KestrelFirm, books: Books) -> None:
    since = date(YEARS[0], 1, 1)
    parties = await erp.create("party.party", [{"name": each.name, "code": each.number} for each in firm.people])
    for entity, company in books.companies.items():
        rows = [
            {
                "party": party, "company": company.id, "start_date": since,
                "cost_prices": [["create", [{"date": since, "cost_price": person.cost_rate}]]],
            }
            for person, party in zip(firm.people, parties, strict=True)
            if person.entity == entity
        ]  # fmt: skip
        await erp.create("company.employee", rows, context={"company": company.id})


async def _users(erp: TrytonClient, logins: list[Login], groups: list[int], books: Books) -> None:
    rows: list[dict[str, Any]] = []
    for each in logins:
        company = books.companies[each.entity].id
        rows.append({
            "name": each.name, "login": each.user, "password": each.password, "groups": [["add", groups]],
            "companies": [["add", [company]]], "company": company,
        })  # fmt: skip
    await erp.create("res.user", rows)


def _password() -> str:
    return secrets.token_urlsafe(18)
