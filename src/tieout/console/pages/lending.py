"""Lent work: hours of other companies' people and of subcontractors that no bill stands for yet, and the bills that do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from starlette.responses import Response

from tieout.console import wording
from tieout.console.visit import Visit
from tieout.domain.money import Money
from tieout.engine.operator import Refused
from tieout.store import lending

# A comma parts thousands and nothing else: 4.250,00 would be four and a quarter.
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,9})?|\d{1,3}(,\d{3}){1,4}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Work:
    """What is open of one person: `cost` is None where nobody has said a price for any of it."""

    kind: str
    lender: str
    entity: str
    person: str
    entries: int
    minutes: int
    unpriced: int
    cost: Money | None
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill that stands for work; `more` is what it says above what was expected, None where nobody said its amount."""

    lender: str
    number: str
    through: date
    minutes: int
    expected: Money
    amount: Money | None
    more: Money | None
    matched_by: str
    matched_at: datetime


@dataclass(frozen=True, slots=True)
class Lent:
    """The page's own variables; `whole` says whether the viewer sees every legal entity, which matching a bill takes."""

    template: ClassVar[str] = "lent.html"

    work: tuple[Work, ...]
    lenders: tuple[str, ...]
    bills: tuple[Bill, ...]
    sums: tuple[Money, ...]
    whole: bool


async def show(visit: Visit) -> Response:
    visit.require("cost.match")
    work = tuple(_work(each) for each in await visit.setting.operator.lending.expected())
    async with visit.setting.database.transaction() as tx:
        bills = tuple(_bill(each) for each in await lending.bills(tx))
    return await visit.page(
        Lent(
            work=work,
            lenders=tuple(dict.fromkeys(each.lender for each in work)),
            bills=bills,
            sums=wording.sums([each.cost for each in work]),
            whole=visit.entities is None,
        )
    )


async def match(visit: Visit) -> Response:
    """Says that a bill stands for all that is open of a lender up to a day."""
    visit.require("cost.match")
    if visit.entities is not None:
        raise Refused(
            "A bill of a lender may stand for work of several legal entities: it takes somebody who sees all."
        )
    form = {name: value.strip() for name, value in (await visit.form()).items()}
    says = form.get("amount", "")
    try:
        through = date.fromisoformat(form.get("through", ""))
    except ValueError:
        raise Refused("Say up to which day, such as 2026-10-31.") from None
    if not form.get("lender") or not form.get("number") or (says and not _AMOUNT.fullmatch(says)):
        raise Refused("Say whose bill it is, its number, and the amount in digits, such as 4250.00.")
    amount = Decimal(says.replace(",", "")) if says else None
    made = await visit.setting.operator.lending.match(
        form["lender"], form["number"], through=through, currency=form.get("currency", "").upper(), amount=amount,
        actor=visit.me,
    )  # fmt: skip
    said = (
        f"{made['number']} of {made['lender']} stands for {wording.hours(made['minutes'])} h, {_bill(made).expected}."
    )
    return visit.done("/lent", said)


def _work(stored: Mapping[str, Any]) -> Work:
    same = ("kind", "lender", "entity", "person", "entries", "minutes", "unpriced", "first_day", "last_day")
    return Work(
        **{name: stored[name] for name in same},
        cost=Money(stored["cost"], stored["currency"]).rounded() if stored["currency"] else None,
    )


def _bill(stored: Mapping[str, Any]) -> Bill:
    currency, says = stored["currency"], stored["amount"]
    same = ("lender", "number", "through", "minutes", "matched_by", "matched_at")
    return Bill(
        **{name: stored[name] for name in same},
        expected=Money(stored["expected"], currency).rounded(),
        amount=None if says is None else Money(says, currency).rounded(),
        more=None if says is None else Money(says - stored["expected"], currency).rounded(),
    )
