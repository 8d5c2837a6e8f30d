"""An invoice that gathers several engagements: what each has of it, and how that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.responses import Response

from tieout.console import wording
from tieout.console.pages.hold import source_of
from tieout.console.visit import Visit
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.store import consolidated


@dataclass(frozen=True, slots=True)
class Share:
    """What one engagement has of it; a credit note is a share that takes back."""

    key: str
    project: str
    deal: str
    engagement: str
    state: str
    is_credit: bool
    net: Money
    tax: Money | None
    total: Money | None
    paid: Money
    open: Money | None

    @property
    def href(self) -> str:
        return f"/invoices/{quote(self.key, safe='')}"


@dataclass(frozen=True, slots=True)
class Consolidated:
    """The page's own variables; sums are those of the shares that stand."""

    template: ClassVar[str] = "consolidated.html"

    key: str
    number: str
    state: str
    entity: str
    customer: str
    customer_key: str
    period: str
    po_number: str
    invoice_date: date | None
    due_date: date | None
    shares: Sequence[Share]
    net: Money
    tax: Money | None
    total: Money | None
    paid: Money
    open: Money | None
    record: str
    record_address: str
    version: int
    changed_at: datetime


async def page(visit: Visit, key: str) -> Response | None:
    """The page of a document; None where the key is none."""
    async with visit.setting.database.transaction() as tx:
        found = await consolidated.get(tx, key)
        rows = await consolidated.shares_of(tx, key) if found else []
    if found is None or not rows:
        return None
    standing = [each for each in rows if each["corrects"] is None and each["state"] != "cancelled"] or rows
    currency, first = found["currency"], standing[0]
    record = f"{found['connection']}/{found['record_id']}" if found["record_id"] else ""
    address = source_of(visit.setting.link(Ref(found["connection"], "invoice", found["record_id"]))) if record else ""
    same = ("key", "number", "state", "entity", "period", "po_number", "version", "changed_at")
    shown = [_share(each) for each in rows]
    sums = {name: _sum(standing, name, currency) for name in ("tax", "total", "open_amount")}
    return await visit.page(
        Consolidated(
            **{name: found[name] for name in same},
            customer=first["customer_name"],
            customer_key=found["customer"],
            invoice_date=first["invoice_date"],
            due_date=first["due_date"],
            shares=shown,
            net=Money(sum((each["net"] for each in standing), Decimal(0)), currency).rounded(),
            tax=sums["tax"],
            total=sums["total"],
            paid=Money(sum((each["paid"] for each in standing), Decimal(0)), currency).rounded(),
            open=sums["open_amount"],
            record=record,
            record_address=address,
        )
    )


def _sum(rows: Sequence[Mapping[str, Any]], name: str, currency: str) -> Money | None:
    known: list[Decimal] = [each[name] for each in rows if each[name] is not None]
    return Money(sum(known, Decimal(0)), currency).rounded() if len(known) == len(rows) else None


def _share(stored: Mapping[str, Any]) -> Share:
    currency = stored["currency"]
    return Share(
        key=stored["key"],
        project=stored["project_name"],
        deal=stored["deal_name"],
        engagement=stored["engagement"],
        state=stored["state"],
        is_credit=stored["corrects"] is not None,
        net=Money(stored["net"], currency).rounded(),
        tax=wording.amount(stored["tax"], currency),
        total=wording.amount(stored["total"], currency),
        paid=Money(stored["paid"], currency).rounded(),
        open=wording.amount(stored["open_amount"], currency),
    )
