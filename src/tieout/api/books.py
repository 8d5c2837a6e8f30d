"""Whether everything is accounted for: the conservation law, the figures, and how much there is to do."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.shapes import Amount, amount, picked
from tieout.api.visit import Reading, Visit
from tieout.domain.money import Money
from tieout.store import figures, listing, messages

Looking = Annotated[Visit, Depends(Reading("look"))]
_AMOUNTS = (
    "sold", "booked", "budget", "approved", "due", "unbilled", "at_risk", "set_aside", "overage", "proposed", "billed_net", "billed_tax",
    "billed_total", "paid", "open", "rounding", "left",
)  # fmt: skip


class ConservationRow(BaseModel):
    """What one source brought on one day, and what became of it, in messages and in money."""

    connection: str
    kind: str
    day: date
    received: int
    done: int
    held: int
    ignored: int
    in_flight: int
    missing: int = Field(description="Must be 0")
    value: dict[str, Amount] | None = Field(description="The same in money, where the records have an amount")


class Conservation(BaseModel):
    """received = done + held + ignored + in flight, per source and day."""

    holds: bool = Field(description="True when nothing is missing anywhere")
    rows: list[ConservationRow]


class EntityTotals(BaseModel):
    """What one legal entity has in one currency; docs/api.md defines each figure."""

    entity: str
    currency: str
    sold: Amount
    booked: Amount
    budget: Amount
    approved: Amount
    due: Amount
    unbilled: Amount
    at_risk: Amount
    set_aside: Amount
    overage: Amount
    proposed: Amount
    billed_net: Amount
    billed_tax: Amount
    billed_total: Amount
    paid: Amount
    open: Amount
    rounding: Amount
    left: Amount
    approved_minutes: int
    delivered_minutes: int
    unpriced_minutes: int
    deals: int
    customers: int
    projects: int
    entries: int
    invoices: int
    payments: int


class HoldCount(BaseModel):
    """Holds of one code."""

    entity: str
    code: str
    open: int
    resolved: int


class Difference(BaseModel):
    """A comparison; `amount` must be 0. Without a currency it counts things."""

    name: str
    entity: str
    currency: str
    amount: str


class FiguresBody(BaseModel):
    """All figures at one moment."""

    ties_out: bool
    totals: list[EntityTotals]
    holds: list[HoldCount]
    differences: list[Difference]


class Status(BaseModel):
    """How much there is to do, right now."""

    runs_at_work: int
    runs_waiting: int
    holds_open: int
    approvals_open: int
    effects_unsettled: int
    messages_waiting: int
    bells_waiting: int
    connections_paused: int
    workers: int


def routes() -> APIRouter:
    router = APIRouter(tags=["books"], responses=documented(401, 403, 429))
    router.add_api_route("/conservation", conservation, summary="The conservation law, row by row")
    router.add_api_route("/figures", all_figures, summary="Booked, delivered, billed, paid, and what must be 0.00")
    router.add_api_route("/status", status, summary="How much there is to do")
    return router


async def conservation(visit: Looking) -> Conservation:
    async with visit.hub.database.transaction() as tx:
        found = await messages.conservation(tx)
    rows = [_row(each) for each in found]
    return Conservation(holds=not any(each["missing"] or each["missing_minor"] for each in found), rows=rows)


def _row(found: dict[str, Any]) -> ConservationRow:
    counted = {name: int(found[name]) for name in ("received", "done", "held", "ignored", "in_flight", "missing")}
    money = {name: _minor(found[f"{name}_minor"], found["currency"]) for name in counted} if found["currency"] else None
    return ConservationRow(connection=found["connection"], kind=found["kind"], day=found["day"], value=money, **counted)


def _minor(units: Decimal, currency: str) -> Amount:
    return amount(Money.from_minor(int(units), currency).amount, currency)


async def all_figures(visit: Looking) -> FiguresBody:
    found = await figures.figures(visit.hub.database)
    return FiguresBody(
        ties_out=found.ties_out,
        totals=[totals(each) for each in found.totals],
        holds=[HoldCount(**asdict(each)) for each in found.holds],
        differences=[
            Difference(**{**asdict(each), "amount": f"{each.amount.normalize():f}"}) for each in found.differences
        ],
    )


def totals(found: figures.Totals) -> EntityTotals:
    money = {name: amount(getattr(found, name), found.currency) for name in _AMOUNTS}
    return picked(EntityTotals, asdict(found), **money)


async def status(visit: Looking) -> Status:
    async with visit.hub.database.transaction() as tx:
        return Status(**await listing.counts(tx))
