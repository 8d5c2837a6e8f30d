"""Limits that span engagements: of a purchase order, or of everything that a customer buys (T37)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from tieout.domain.documents.document import Part
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.terms import Amount, Cap, Share
from tieout.domain.money import Money
from tieout.domain.problems import Problem


class DatedCap(Cap):
    """A limit of the work of some days."""

    since: date | None = None
    until: date | None = None

    def spans(self, sold: str, day: date) -> bool:
        return super().spans(sold, day) and (self.since or date.min) <= day <= (self.until or date.max)


class SpanningCap(Part):
    """A limit on what is billed under a purchase order or to a customer, net of tax, across engagements (T37, T47)."""

    name: str = Field(min_length=1, description="What people call it, such as Globex framework 2026; no two are alike")
    customer: str = Field(
        default="",
        pattern=r"^(CUS-[0-9A-Z]{8})?$",
        description="All that this customer buys, by its key (CUS-…); with a purchase order, whose order it is",
    )
    purchase_order: str = Field(default="", description="All that is billed under this number, as deals say it")
    amount: Amount | None = Field(default=None, description="In its currency, net of tax")
    currency: str = Field(
        default="",
        pattern=r"^([A-Z]{3})?$",
        description="Of the amount (ISO 4217); engagements in another one need a limit of their own",
    )
    hours: Amount | None = Field(default=None, description="Billable hours")
    over: Literal["hold", "non_billable", "write_off"] = Field(
        default="hold",
        description="What becomes of work above it: a person decides, it costs nothing, or it is to be written off",
    )
    notice_at: Share | None = Field(default=None, description="The share at which people are told, such as 0.75")
    since: date | None = Field(default=None, description="The first day of the work that it limits; left out, any")
    until: date | None = Field(default=None, description="The last day of it; left out, any")

    @model_validator(mode="after")
    def _limits_something(self) -> SpanningCap:
        if not self.customer and not self.purchase_order:
            raise ValueError("a limit names the customer or the purchase order that it is of")
        if self.amount is None and self.hours is None:
            raise ValueError("a limit says an amount, hours, or both")
        if (self.amount is None) != (self.currency == ""):
            raise ValueError("an amount has a currency")
        if self.since and self.until and self.until < self.since:
            raise ValueError("a limit ends on its first day or later")
        return self

    @property
    def span(self) -> str:
        """What it is of, in words: also the name under which engagements beneath it take turns."""
        order = f"purchase order {self.purchase_order.strip()}" if self.purchase_order else ""
        return " of ".join(each for each in (order, f"customer {self.customer}" if self.customer else "") if each)

    def is_of(self, deal: Engagement) -> bool:
        """Whether what is billed for the deal is beneath it, if the currencies agree."""
        ours = self.customer in ("", deal.customer.key)
        return ours and self.purchase_order.strip() in ("", deal.po_number.strip())

    @property
    def cap(self) -> DatedCap:
        """As the decision knows it, under its name."""
        return DatedCap(
            key=self.name, scope="purchase_order" if self.purchase_order else "customer", amount=self.amount, hours=self.hours,
            over=self.over, notice_at=self.notice_at, since=self.since, until=self.until,
        )  # fmt: skip


def beneath(caps: Sequence[SpanningCap], deal: Engagement) -> list[SpanningCap]:
    """The limits that the deal's work is beneath, those in another currency left out."""
    return [each for each in caps if each.is_of(deal) and each.currency in ("", deal.currency)]


def in_other_currencies(caps: Sequence[SpanningCap], deal: Engagement, *, link: str) -> list[Problem]:
    """The limits that are of the deal and cannot be applied, where none of the same span is in its currency.

    Nothing is converted, and nothing is billed without the limit that somebody agreed (T09).
    """
    known = {each.span for each in beneath(caps, deal)}
    return [
        Problem(
            "billing.cap_currency",
            {
                "deal": deal.name, "currency": deal.currency, "span": each.span, "link": link,
                "cap": f"{Money(each.amount or Decimal(0), each.currency)} (“{each.name}”)",
            },
        )
        for each in caps
        if each.is_of(deal) and each.currency not in ("", deal.currency) and each.span not in known
    ]  # fmt: skip
