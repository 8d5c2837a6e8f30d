"""How far limits on billing are used, of contracts and across them; and who pays which part of a deal that several pay."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.shapes import Amount, Cursor, Filter, Page, Size, amount, cursor, place
from tieout.api.visit import Reading, Visit
from tieout.store import limit_use, payers


class BillingLimit(BaseModel):
    """One limit, net of tax. What is billed includes drafts and proposals, and what is credited is taken off."""

    name: str
    whose: str = Field(description="The deal, or the purchase order or customer, that it is of")
    engagements: list[str] = Field(description="Whose work is beneath it")
    entity: str | None = Field(description="The legal entity; null where it spans several deals")
    over: Literal["hold", "non_billable", "write_off"] = Field(description="What becomes of work above it")
    most: Amount | None = Field(description="Null where it limits hours alone; then so are the other amounts")
    billed: Amount | None
    approved: Amount | None = Field(description="Approved, on no invoice yet, and not above the limit")
    above: Amount | None = Field(description="What waits above it for a person")
    most_hours: str | None = Field(description="Null where it limits an amount alone; then so are the other hours")
    billed_hours: str | None
    approved_hours: str | None
    above_hours: str | None


class Spanning(BaseModel):
    items: list[BillingLimit]


class Payer(BaseModel):
    customer: str = Field(description="By its key")
    name: str = Field(description="Empty where the hub does not know it")
    percent: str = Field(description="Its part of everything, such as 60; 0 for who pays no more and was billed before")
    billed: Amount = Field(description="Net; drafts and proposals included, what is credited taken off")
    most: Amount | None = Field(description="The most it pays in all; null without a limit of its own")
    rest: bool = Field(description="Whether it takes what rounding leaves and what is beyond the others' limits")


class SplitDeal(BaseModel):
    """A deal that several customers pay."""

    engagement: str
    title: str
    by: str = Field(description="What the firm folder says it by: the deal, a purchase order, a customer")
    payers: list[Payer]


class SplitDeals(BaseModel):
    items: list[SplitDeal]


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/billing-limits", tags=["billing limits"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Limits of contracts and how far they are used, by engagement")
    router.add_api_route("/spanning", spanning, summary="Limits of purchase orders and customers across deals")
    router.add_api_route("/payers", split_deals, summary="Deals that several customers pay, and what each was billed")
    return router


async def listed(
    visit: Looking,
    text: Filter = "",
    after: Annotated[Cursor, Query(alias="cursor")] = "",
    limit: Size = 50,
) -> Page[BillingLimit]:
    """A page has the limits of so many deals; `text` is a part of a deal's name, or its key."""
    behind = place(after, str)
    async with visit.hub.database.transaction() as tx:
        named = await limit_use.contracts_with_limits(tx, text=text, after=behind[0] if behind else "", limit=limit + 1)
        found = await limit_use.of_contracts(tx, [each["engagement"] for each in named[:limit]])
    return Page(
        items=[
            _limit(
                each["cap"], each["title"], [each["engagement"]], each["entity"], each["over"], each, each["amount"],
                each["hours"], each["currency"],
            )
            for each in found
        ],
        next=cursor(named[limit - 1]["engagement"]) if len(named) > limit else None,
    )  # fmt: skip


async def spanning(visit: Looking) -> Spanning:
    """They may count what several entities bill: who sees some of them alone finds none."""
    async with visit.hub.database.transaction() as tx:
        found = [(each, await limit_use.of_span(tx, each)) for each in visit.hub.firm().caps]
    return Spanning(
        items=[
            _limit(each.name, each.span, used["beneath"], None, each.over, used, each.amount, each.hours, each.currency)
            for each, used in found
        ]
    )


async def split_deals(visit: Looking) -> SplitDeals:
    """As the firm folder has them now; of the legal entities that the caller sees."""
    async with visit.hub.database.transaction() as tx:
        found = await payers.splits(tx, visit.hub.firm().payers)
    return SplitDeals(
        items=[
            SplitDeal(
                engagement=split.engagement, title=split.title, by=split.span,
                payers=[
                    Payer(
                        customer=each.customer, name=each.name, percent=f"{each.share.normalize():f}",
                        billed=amount(each.billed.amount, each.billed.currency),
                        most=None if each.most is None else amount(each.most.amount, each.most.currency), rest=each.rest,
                    )
                    for each in split.payers
                ],
            )
            for split in found
        ]
    )  # fmt: skip


def _limit(
    name: str,
    whose: str,
    engagements: list[str],
    entity: str | None,
    over: Literal["hold", "non_billable", "write_off"],
    used: Mapping[str, Any],
    most: Decimal | None,
    hours: Decimal | None,
    currency: str,
) -> BillingLimit:
    def money(column: str) -> Amount | None:
        return None if most is None else amount(used[column], currency)

    def time(column: str) -> str | None:
        return None if hours is None else f"{Decimal(used[column]) / 60:.2f}"

    return BillingLimit(
        name=name, whose=whose, engagements=engagements, entity=entity, over=over,
        most=None if most is None else amount(most, currency), most_hours=None if hours is None else f"{hours:f}",
        billed=money("billed"), approved=money("open"), above=money("above"), billed_hours=time("billed_minutes"),
        approved_hours=time("open_minutes"), above_hours=time("above_minutes"),
    )  # fmt: skip
