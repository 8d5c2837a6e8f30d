"""Limits and payers: how much of each limit on billing is used, and who was billed what where several pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.responses import Response

from tieout.console.visit import Visit
from tieout.domain.money import Money
from tieout.domain.spanning import SpanningCap
from tieout.store import limit_use, payers
from tieout.store.payers import Split

_PAGE = 50


@dataclass(frozen=True, slots=True)
class Measure:
    """What is used of one limit, in money, or in minutes where `currency` is empty. `share` is the used part in per cent.

    `room` is what can still be billed once all that is approved is: negative where that is more than the limit has.
    """

    currency: str
    most: Decimal
    billed: Decimal
    open: Decimal
    above: Decimal

    @property
    def room(self) -> Decimal:
        return self.most - self.billed - self.open

    @property
    def share(self) -> int:
        return int(100 * self.billed / self.most) if self.most > 0 else 100

    def money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency).rounded()


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit; `beneath` counts the deals that share it, and is None for the limit of one contract."""

    name: str
    whose: str
    href: str
    entity: str
    over: str
    near: bool
    measures: tuple[Measure, ...]
    beneath: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """A page of the limits; those that span deals, and the deals with several payers, stand on the first one."""

    template: ClassVar[str] = "limits.html"

    spanning: tuple[Limit, ...]
    contracts: tuple[Limit, ...]
    splits: tuple[Split, ...]
    text: str
    first: bool
    further: str


async def show(visit: Visit) -> Response:
    text, after = visit.query("q").strip()[:200], visit.query("after")
    firm = visit.setting.firm()
    first = not after and not text
    async with visit.setting.database.transaction() as tx:
        named = await limit_use.contracts_with_limits(tx, text=text, after=after, limit=_PAGE + 1)
        stored = await limit_use.of_contracts(tx, [each["engagement"] for each in named[:_PAGE]])
        spans = [(cap, await limit_use.of_span(tx, cap)) for cap in (firm.caps if first else ())]
        several = await payers.splits(tx, firm.payers) if first else []
    more = urlencode({"q": text, "after": named[_PAGE - 1]["engagement"]}) if len(named) > _PAGE else ""
    return await visit.page(
        Limits(
            spanning=tuple(_spanning(cap, used) for cap, used in spans),
            contracts=tuple(_of_contract(each) for each in stored),
            splits=tuple(several),
            text=text,
            first=first,
            further=f"/limits?{more}" if more else "",
        )
    )


def _of_contract(stored: Mapping[str, Any]) -> Limit:
    measures = _measures(stored, stored["amount"], stored["hours"], stored["currency"])
    return Limit(
        stored["cap"], stored["title"], f"/documents/engagement/{stored['engagement']}", stored["entity"] or "",
        stored["over"], _near(measures, stored["notice_at"]), measures,
    )  # fmt: skip


def _spanning(cap: SpanningCap, used: Mapping[str, Any]) -> Limit:
    measures = _measures(used, cap.amount, cap.hours, cap.currency)
    return Limit(
        cap.name, cap.span, "", "", cap.over, _near(measures, cap.notice_at), measures, beneath=len(used["beneath"])
    )


def _measures(
    used: Mapping[str, Any], amount: Decimal | None, hours: Decimal | None, currency: str
) -> tuple[Measure, ...]:
    of_money = [Measure(currency, amount, used["billed"], used["open"], used["above"])] if amount is not None else []
    minutes = [Decimal(used[each]) for each in ("billed_minutes", "open_minutes", "above_minutes")]
    of_time = [Measure("", hours * 60, *minutes)] if hours is not None else []
    return (*of_money, *of_time)


def _near(measures: Sequence[Measure], notice_at: Decimal | None) -> bool:
    """Whether so much of it is billed that the contract wants people told, or all of it."""
    return any(each.share >= 100 * (1 if notice_at is None else notice_at) for each in measures)
