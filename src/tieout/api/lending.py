"""Work of other companies' people and of subcontractors: what it should cost, and the bills that stand for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from tieout.api.problem import documented
from tieout.api.shapes import Amount, Line, amount
from tieout.api.visit import Reading, Right, Visit, whole


class Lent(BaseModel):
    """One person's work that no bill stands for yet."""

    kind: str = Field(description="company (of the firm) or vendor")
    lender: str = Field(description="The company's code, or the vendor's name")
    entity: str = Field(description="The legal entity whose project it was")
    person: str
    entries: int
    minutes: int
    unpriced: int = Field(description="Minutes of which nobody has said what they cost")
    cost: Amount | None = Field(description="Of all others; null where none has a price")
    first_day: date
    last_day: date


class Lents(BaseModel):
    items: list[Lent]


class WantedBill(BaseModel):
    """A bill that stands for all work of a lender up to a day that no other bill stands for."""

    lender: Line
    number: Line
    through: date
    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}(\.[0-9]{1,9})?$")] | None = Field(
        default=None, description="What it says, net, to compare: “1234.56”"
    )
    currency: str = Field(default="", max_length=3, description="Where the lender's work is in several currencies")


class Matched(BaseModel):
    lender: str
    number: str
    minutes: int
    expected: Amount
    difference: Amount | None = Field(description="What the bill says more; null where it was not said")


def routes() -> APIRouter:
    router = APIRouter(prefix="/lent", tags=["lent work"], responses=documented(401, 403, 404, 409, 413, 422, 429))
    router.add_api_route("", listed, summary="Work of other companies' people and of subcontractors without a bill")
    router.add_api_route(
        "/bills",
        match,
        methods=["POST"],
        response_model=Matched,
        summary="Match a bill with the work that it stands for",
    )
    return router


async def listed(
    visit: Annotated[Visit, Depends(Reading("cost.match"))],
    lender: Annotated[str, Query(max_length=200, description="One lender alone")] = "",
) -> Lents:
    found = await visit.hub.operator.lending.expected(lender=lender)
    same = ("kind", "lender", "entity", "person", "entries", "minutes", "unpriced", "first_day", "last_day")
    return Lents(
        items=[
            Lent(
                **{name: each[name] for name in same},
                cost=amount(each["cost"], each["currency"]) if each["currency"] else None,
            )
            for each in found
        ]
    )


async def match(visit: Annotated[Visit, Depends(Right("cost.match"))], wanted: WantedBill) -> Response:
    whole(visit)

    async def act() -> Matched:
        made = await visit.hub.operator.lending.match(
            wanted.lender, wanted.number, through=wanted.through, currency=wanted.currency,
            amount=None if wanted.amount is None else Decimal(wanted.amount), actor=visit.actor.email,
        )  # fmt: skip
        more = None if made["amount"] is None else amount(made["amount"] - made["expected"], made["currency"])
        return Matched(
            lender=made["lender"], number=made["number"], minutes=made["minutes"],
            expected=amount(made["expected"], made["currency"]), difference=more,
        )  # fmt: skip

    return await visit.once(act)
