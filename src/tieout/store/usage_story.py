"""What became of a reading: every version that its source told, and the invoice lines that stand on it, each with its share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.domain.charging.fees import Reading
from tieout.domain.charging.usage import shares
from tieout.domain.money import Money
from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class UsageStory:
    """`reading` is the newest version with the package it is of, `billed` has one row per line, the earliest first.

    `share` is what the reading contributes to a line, to the minor unit: those of all readings sum to the line's evidence.
    """

    reading: dict[str, Any]
    versions: Sequence[dict[str, Any]]
    billed: Sequence[dict[str, Any]]


async def of(tx: Tx, source: str, source_id: str) -> UsageStory | None:
    ref = {"source": source, "id": source_id}
    reading = await row(tx, "select * from usage_reading where source = %(source)s and source_id = %(id)s", ref)
    if reading is None:
        return None
    versions = await rows(
        tx, "select * from usage_version where source = %(source)s and source_id = %(id)s order by version", ref
    )
    billed = await rows(
        tx,
        """
        select i.key as invoice, i.number, i.state, i.currency, e.line, l.description, e.amount, e.basis ->> 'readings' as readings
        from usage_evidence u
        join evidence e on e.kind = 'usage' and e.basis ->> 'readings' = u.readings
        join invoice i on i.key = e.invoice join invoice_line l on l.invoice = e.invoice and l.line = e.line
        where u.source = %(source)s and u.source_id = %(id)s order by i.proposed_at, i.key, e.line
        """,
        ref,
    )
    found: list[dict[str, Any]] = []
    for each in billed:
        line = await beneath(tx, each["readings"], Money(each["amount"], each["currency"]))
        mine = next(one for one in line if (one["source"], one["source_id"]) == (source, source_id))
        found.append({**each, **mine})
    return UsageStory(reading, versions, found)


async def beneath(tx: Tx, readings: str, amount: Money) -> list[dict[str, Any]]:
    """The readings that a line's evidence stands on, in the order of their days, each with its `share` of the amount."""
    found = await rows(
        tx, "select * from usage_evidence where readings = %s order by day, source, source_id", (readings,)
    )
    parts = shares(
        amount, [Reading(f"{each['source']}/{each['source_id']}", each["day"], each["units"]) for each in found]
    )
    nothing = Money(Decimal(0), amount.currency)
    return [{**each, "share": parts.get(f"{each['source']}/{each['source_id']}", nothing).amount} for each in found]
