"""How a package is charged, as the firm folder says it once for every deal: shares and spans, which a sale turns into terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tieout.domain.documents.document import Part
from tieout.domain.documents.terms import Amount, Increment, Share, Tier, rising


class TimePlan(Part):
    """Time and material, with or without a limit that comes from what was sold."""

    kind: Literal["time"] = Field(default="time", description="time: each hour at the rate of its day")
    increment: Increment = Field(default=1, description="Minutes to which an entry is rounded: 1, 6, 15, 30 or 60")
    direction: Literal["up", "nearest"] = Field(default="up", description="How it is rounded: up or nearest")
    cap: Literal["none", "sold_amount", "sold_hours"] = Field(
        default="none", description="Not to exceed: nothing, the amount that was sold, or the hours"
    )
    over: Literal["hold", "non_billable", "write_off"] = Field(
        default="hold", description="Above it: a person decides, it costs nothing, or it is to be written off"
    )
    notice_at: Share | None = Field(default=None, description="The share of it at which people are told: 0.75")


class InstalmentPlan(Part):
    """A share of a fixed fee, due some days after the start or when a milestone is accepted."""

    name: str = Field(description="Its name, as the invoice shows it")
    share: Share = Field(description="Its share of what was sold; the shares of a package sum to 1")
    after_days: int | None = Field(default=None, ge=0, description="Days after the start on which it is due")
    milestone: str = Field(default="", description="Or the milestone with whose acceptance it is due")

    @model_validator(mode="after")
    def _is_due_some_day(self) -> InstalmentPlan:
        if (self.after_days is None) == (self.milestone == ""):
            raise ValueError("an instalment is due after some days or with a milestone: say one of both")
        return self


class FixedPlan(Part):
    """A fixed fee in instalments; time costs and bills nothing."""

    kind: Literal["fixed"] = Field(description="fixed: a fee in instalments, whatever the hours")
    instalments: tuple[InstalmentPlan, ...] = Field(min_length=1, description="What is due when")
    retainage: Share = Field(default=Decimal(0), description="The share of each instalment that the customer withholds")
    released_with: str = Field(default="", description="The milestone that releases it; left out, the deal's end does")

    @model_validator(mode="after")
    def _is_whole(self) -> FixedPlan:
        whole = sum(each.share for each in self.instalments)
        if whole != 1:
            raise ValueError(f"the shares of the instalments sum to {whole}, not to 1")
        return self


class RetainerPlan(Part):
    """Prepaid blocks of hours, one after another, each sold for its share of the price."""

    kind: Literal["retainer"] = Field(description="retainer: prepaid blocks of hours")
    hours: Amount = Field(gt=0, description="The hours of one block")
    every_months: int = Field(default=1, ge=1, le=12, description="Months from one block to the next")
    roll_over_months: int = Field(
        default=0, ge=0, description="Months for which unused hours stay good after the block's own time"
    )
    overage: Literal["bill", "hold", "non_billable"] = Field(
        default="bill", description="Hours beyond the blocks: billed, waiting for a person, or free"
    )
    overage_rates: dict[str, Amount] = Field(
        default_factory=dict[str, Decimal], description="Role → money per hour beyond; a role left out has its own rate"
    )
    multipliers: dict[str, Amount] = Field(
        default_factory=dict[str, Decimal], description="Role → hours of the block that one of its hours draws"
    )


class PeriodPlan(Part):
    """A fee per month: managed services and subscriptions."""

    kind: Literal["period"] = Field(description="period: a fee per calendar month")
    sold_is: Literal["in_all", "per_month"] = Field(
        default="in_all", description="Whether the amount of the deal is for its whole time, or for each month"
    )
    in_advance: bool = Field(default=True, description="Billed at the beginning of a month, else at its end")
    unit: str = Field(
        default="",
        description="What a subscription is counted in: seats; the invoice says how many the deal's lines have",
    )


class UsagePlan(Part):
    """Metered usage, by the month and by its tiers, with or without a limit that comes from what was sold."""

    kind: Literal["usage"] = Field(description="usage: metered units by the month")
    meter: str = Field(default="", description="What readings call it: storage; left out, the unit")
    unit: str = Field(min_length=1, description="What is metered: GB, ticket")
    included: Amount = Field(default=Decimal(0), description="Units of each month that cost nothing")
    tiers: tuple[Tier, ...] = Field(
        min_length=1, description="Prices per unit, each up to a quantity; the last has none"
    )
    minimum: Amount = Field(
        default=Decimal(0), description="Money that a month costs at least; one that is only begun owes by its days"
    )
    cap: Literal["none", "sold_amount"] = Field(
        default="none", description="Not to exceed: nothing, or the amount that was sold"
    )
    over: Literal["hold", "non_billable", "write_off"] = Field(
        default="hold", description="Above it: a person decides, it costs nothing, or it is to be written off"
    )
    notice_at: Share | None = Field(default=None, description="The share of it at which people are told: 0.75")

    @model_validator(mode="after")
    def _tiers_rise(self) -> UsagePlan:
        rising(self.tiers)
        return self


Plan = Annotated[TimePlan | FixedPlan | RetainerPlan | PeriodPlan | UsagePlan, Field(discriminator="kind")]
