"""What a contract says about charging: how each thing that was sold becomes money, and the limits that hold across them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tieout.domain.documents.document import Part

Amount = Annotated[Decimal, Field(ge=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Increment = Literal[1, 6, 15, 30, 60]


class Cap(Part):
    """A limit on what is billed, net of tax, counting what is billed and what is approved alike (T37, T47)."""

    key: str = Field(description="Its name within the contract, or the number of the purchase order that sets it")
    scope: Literal["line", "contract", "purchase_order", "customer"] = Field(
        default="contract", description="What it spans; limits of a customer count their other engagements too"
    )
    lines: tuple[str, ...] = Field(default=(), description="What was sold under it; empty is all of the contract")
    amount: Amount | None = Field(default=None, description="In the contract's currency")
    hours: Amount | None = Field(default=None, description="Billable hours")
    over: Literal["hold", "non_billable", "write_off"] = Field(
        default="hold",
        description="What becomes of work above it: a person decides, it costs nothing, or it is to be written off",
    )
    notice_at: Share | None = Field(default=None, description="The share at which people are told, such as 0.75")

    def spans(self, sold: str, day: date) -> bool:
        """Whether work of this sale and day is beneath it; limits of a contract hold for every day."""
        return not self.lines or sold in self.lines

    @model_validator(mode="after")
    def _limits_something(self) -> Cap:
        if self.amount is None and self.hours is None:
            raise ValueError("a cap limits an amount, hours, or both")
        return self


class TimeTerms(Part):
    """Time and material: each entry is worth its billable minutes at the rate of its work date."""

    kind: Literal["time"] = "time"
    increment: Increment = Field(default=1, description="Minutes to which an entry is rounded up or to the nearest")
    direction: Literal["up", "nearest"] = "up"


class Instalment(Part):
    """A part of a fixed fee: due on a day, or when a milestone is accepted."""

    key: str
    name: str
    amount: Amount
    due: date | None = None
    milestone: str = ""

    @model_validator(mode="after")
    def _is_due_some_day(self) -> Instalment:
        if (self.due is None) == (self.milestone == ""):
            raise ValueError("an instalment is due on a day or with a milestone, one of both")
        return self


class FixedTerms(Part):
    """A fixed fee: its instalments are billed, time costs and bills nothing (T40).

    `retainage` of each instalment is withheld until the day or milestone `released` says (T39).
    """

    kind: Literal["fixed"] = "fixed"
    instalments: tuple[Instalment, ...] = Field(min_length=1)
    retainage: Share = Decimal(0)
    released: date | None = None
    released_with: str = ""


class Block(Part):
    """Prepaid work: bought for its price, drawn first come first served within its days (T38)."""

    key: str
    price: Amount
    amount: Amount | None = Field(default=None, description="What may be drawn, at the agreed rates")
    hours: Amount | None = Field(default=None, description="Or the hours that may be drawn")
    valid_from: date
    valid_until: date | None = None
    billed_on: date | None = Field(default=None, description="When its price is billed; left out, on the first day")

    @model_validator(mode="after")
    def _holds_one_thing(self) -> Block:
        if (self.amount is None) == (self.hours is None):
            raise ValueError("a block holds an amount or hours, one of both")
        return self


class RetainerTerms(Part):
    """Prepaid blocks; what goes beyond them is billed at the overage rate, at the agreed one, or waits for a person.

    `multipliers` say how many hours of a block one hour of a role draws.
    """

    kind: Literal["retainer"] = "retainer"
    blocks: tuple[Block, ...] = ()
    overage: Literal["bill", "hold", "non_billable"] = "bill"
    overage_rates: dict[str, Amount] = Field(default_factory=dict[str, Decimal], description="Role → money per hour")
    multipliers: dict[str, Amount] = Field(
        default_factory=dict[str, Decimal], description="Role → hours drawn per hour"
    )


class PeriodTerms(Part):
    """A fee per calendar month: managed services and subscriptions. The first and last month count by their days."""

    kind: Literal["period"] = "period"
    amount: Amount
    start: date
    end: date | None = None
    whole: Amount | None = Field(
        default=None,
        description="What all months come to, where that was sold: the last one takes what rounding leaves",
    )
    in_advance: bool = Field(default=True, description="Billed on the first day of its month, else on the last")
    unit: str = Field(default="", description="What a subscription is counted in: seats")
    quantity: Amount | None = Field(default=None, description="How many of them the fee is for")

    @model_validator(mode="after")
    def _ends_where_it_is_whole(self) -> PeriodTerms:
        if self.whole is not None and self.end is None:
            raise ValueError("a fee without an end has no whole")
        return self


class Tier(Part):
    """The unit price up to a quantity."""

    upto: Amount | None = Field(default=None, description="The quantity up to which it holds; the last tier has none")
    price: Amount = Field(description="Money per unit")


def rising(tiers: Sequence[Tier]) -> None:
    """Raises ValueError where tiers leave a quantity without a price, or with two."""
    ends = [each.upto for each in tiers[:-1] if each.upto is not None]
    if tiers[-1].upto is not None or len(ends) < len(tiers) - 1 or ends != sorted(set(ends)):
        raise ValueError("tiers rise, and the last one has no end: say the upto of each but the last")


class UsageTerms(Part):
    """Metered usage: each month's units beyond the included ones, tier by tier, and never less than the minimum.

    Included units and tiers count for a month that is only begun as for a whole one; the minimum counts by its days.
    """

    kind: Literal["usage"] = "usage"
    meter: str = Field(default="", description="What its readings call it; left out, the unit")
    unit: str
    included: Amount = Decimal(0)
    tiers: tuple[Tier, ...] = Field(min_length=1)
    minimum: Amount = Field(default=Decimal(0), description="Money that a month costs at least")

    @property
    def metered(self) -> str:
        return self.meter or self.unit

    @model_validator(mode="after")
    def _tiers_rise(self) -> UsageTerms:
        rising(self.tiers)
        return self


Terms = Annotated[TimeTerms | FixedTerms | RetainerTerms | PeriodTerms | UsageTerms, Field(discriminator="kind")]


class ExpenseTerms(Part):
    """What becomes of expenses: recharged as our own cost with a markup, or disbursed in the client's name as they are (T31)."""

    treatment: Literal["recharge", "disbursement", "non_billable"] = Field(
        default="recharge",
        description="recharge: our own cost, with our tax; disbursement: paid in the customer's name, passed on as it is; or non_billable",
    )
    markup: Share = Field(default=Decimal(0), description="The share that is put on top of what is recharged: 0.05")

    @model_validator(mode="after")
    def _passes_on(self) -> ExpenseTerms:
        if self.treatment != "recharge" and self.markup:
            raise ValueError("only what is recharged has a markup; a disbursement is passed on as it is")
        return self


class Sold(Part):
    """One package as it was sold; `id` is its own for ever, whatever becomes of the quote's rows (T04)."""

    id: str
    package: str
    package_version: int = 1
    project: str = Field(
        default="", description="The project of its own, by its key; empty for the project of the deal"
    )
    description: str = ""
    amount: Decimal = Decimal(0)
    start: date | None = None
    end: date | None = None
    region: str = Field(default="", description="Where it is delivered, as the quote says it")
    hours: dict[str, Decimal] = Field(default_factory=dict[str, Decimal], description="Role → hours that were sold")
    terms: Terms = Field(default_factory=TimeTerms)
