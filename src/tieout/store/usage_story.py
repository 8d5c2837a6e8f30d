"""What became of a reading: every version that its source told, and the invoice lines that stand on it, each with its share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tieout.domain.charging.fees import Reading
from tieout.domain.charging.usage import shares
from tieout.domain.identity import content_hash
from tieout.domain.money import Money
from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading beneath an invoice line, as it was when its month was billed; `digest` is that of what the source told.

    `share` is what it contributes to the line's evidence, to the minor unit: the shares sum to it.
    """

    source: str
    source_id: str
    version: int
    day: date
    units: Decimal
    share: Decimal
    seen_at: datetime
    digest: str


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
    sets = await measured(tx, [each["readings"] for each in billed])
    found: list[dict[str, Any]] = []
    for each in billed:
        parts = shared(sets[each["readings"]], Money(each["amount"], each["currency"]))
        mine = next(one for one in parts if (one.source, one.source_id) == (source, source_id))
        found.append({**each, "version": mine.version, "units": mine.units, "share": mine.share})
    return UsageStory(reading, versions, found)


async def measured(tx: Tx, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """By the name of a set, its readings in the order of their days, each with what its source told."""
    found = await rows(
        tx,
        """
        select u.*, v.body, v.seen_at from usage_evidence u
        join usage_version v on v.source = u.source and v.source_id = u.source_id and v.version = u.version
        where u.readings = any(%s) order by u.readings, u.day, u.source, u.source_id
        """,
        (list(names),),
    )
    sets: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for each in found:
        sets[each["readings"]].append(each)
    return sets


def shared(readings: Sequence[dict[str, Any]], amount: Money) -> list[Measured]:
    """The readings of a set, each with its share of an amount."""
    parts = shares(amount, [Reading(_ref(each), each["day"], each["units"]) for each in readings])
    nothing = Money.zero(amount.currency)
    return [
        Measured(
            each["source"], each["source_id"], each["version"], each["day"], each["units"],
            parts.get(_ref(each), nothing).amount, each["seen_at"], content_hash(each["body"]),
        )
        for each in readings
    ]  # fmt: skip


def _ref(row: dict[str, Any]) -> str:
    return f"{row['source']}/{row['source_id']}"
