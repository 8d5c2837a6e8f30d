"""From what was sold to what the contract says about charging: a package's plan becomes the terms of one sale, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.plans import FixedPlan, PeriodPlan, Plan, RetainerPlan, TimePlan, UsagePlan
from tieout.domain.documents.terms import (
    Block,
    Cap,
    FixedTerms,
    Instalment,
    PeriodTerms,
    RetainerTerms,
    Sold,
    Terms,
    TimeTerms,
    UsageTerms,
)
from tieout.domain.money import Money, allocate
from tieout.domain.projects import own_project


def agreed(
    package: ServicePackage,
    *,
    id_: str,
    amount: Money,
    hours: Decimal,
    start: date,
    end: date,
    description: str = "",
    region: str = "",
    by_role: Mapping[str, Decimal] | None = None,
    quantity: Decimal | None = None,
) -> tuple[Sold, tuple[Cap, ...]]:
    """The package as it was sold, and the caps that come with it. `id_` is the instance's own for ever (T04).

    `quantity` is how many were sold of what is sold by the piece. The amount is that of all of them: it comes from the deal.
    """
    sold = Sold(
        id=id_,
        package=package.key,
        package_version=package.version,
        project=own_project(package, id_),
        description=description or package.name,
        amount=amount.amount,
        start=start,
        end=end,
        region=region,
        hours=dict(by_role or {}),
        terms=_terms(package.plan, amount, start, end, quantity),
    )
    return sold, _caps(package.plan, sold, hours)


def _terms(plan: Plan, amount: Money, start: date, end: date, quantity: Decimal | None) -> Terms:
    match plan:
        case TimePlan():
            return TimeTerms(increment=plan.increment, direction=plan.direction)
        case FixedPlan():
            return _fixed(plan, amount, start, end)
        case RetainerPlan():
            return _retainer(plan, amount, start, end)
        case PeriodPlan():
            whole = amount.amount if plan.sold_is == "in_all" else None
            fee = _per_month(plan, amount, start, end)
            return PeriodTerms(
                amount=fee, start=start, end=end, whole=whole, in_advance=plan.in_advance, unit=plan.unit,
                quantity=quantity if plan.unit else None,
            )  # fmt: skip
        case UsagePlan():
            return UsageTerms(
                meter=plan.meter, unit=plan.unit, included=plan.included, tiers=plan.tiers, minimum=plan.minimum
            )


def _caps(plan: Plan, sold: Sold, hours: Decimal) -> tuple[Cap, ...]:
    if not isinstance(plan, TimePlan | UsagePlan) or plan.cap == "none":
        return ()
    by_amount = plan.cap == "sold_amount"
    return (
        Cap(
            key=f"{sold.id}/cap", scope="line", lines=(sold.id,), amount=sold.amount if by_amount else None,
            hours=None if by_amount else hours, over=plan.over, notice_at=plan.notice_at,
        ),
    )  # fmt: skip


def _fixed(plan: FixedPlan, amount: Money, start: date, end: date) -> FixedTerms:
    shares = allocate(amount.rounded(), [each.share for each in plan.instalments])
    return FixedTerms(
        instalments=tuple(
            Instalment(
                key=f"{number:02}",
                name=each.name,
                amount=share.amount,
                due=None if each.after_days is None else start + timedelta(days=each.after_days),
                milestone=each.milestone,
            )
            for number, (each, share) in enumerate(zip(plan.instalments, shares, strict=True), 1)
        ),
        retainage=plan.retainage,
        released=None if plan.released_with else end,
        released_with=plan.released_with,
    )


def _retainer(plan: RetainerPlan, amount: Money, start: date, end: date) -> RetainerTerms:
    """One block for each span that the deal begins; their prices sum to what was sold."""
    begins = [start]
    while (following := start + relativedelta(months=plan.every_months * len(begins))) <= end:
        begins.append(following)
    prices = allocate(amount.rounded(), [Decimal(1)] * len(begins))
    months = plan.every_months + plan.roll_over_months
    return RetainerTerms(
        blocks=tuple(
            Block(
                key=f"{begin:%Y-%m-%d}", price=price.amount, hours=plan.hours, valid_from=begin,
                valid_until=begin + relativedelta(months=months) - timedelta(days=1),
            )
            for begin, price in zip(begins, prices, strict=True)
        ),
        overage=plan.overage,
        overage_rates=plan.overage_rates,
        multipliers=plan.multipliers,
    )  # fmt: skip


def _per_month(plan: PeriodPlan, amount: Money, start: date, end: date) -> Decimal:
    """The fee of a full month. What was sold for the whole time is spread over its months, begun ones by their days."""
    if plan.sold_is == "per_month":
        return amount.amount
    months, day = Decimal(0), start.replace(day=1)
    while day <= end:
        following = day + relativedelta(months=1)
        days = (min(end, following - timedelta(days=1)) - max(start, day)).days + 1
        months += Decimal(days) / (following - day).days
        day = following
    return Money(amount.amount / months, amount.currency).rounded().amount
