"""What the day has beside hours: a fee that is due, and a month of usage with its readings, of a deal in each legal entity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tieout.domain.charging.fees import Due, Reading
from tieout.domain.charging.pieces import Event
from tieout.domain.charging.usage import frozen
from tieout.domain.documents.project import Project
from tieout.domain.documents.usage import UsageRecord
from tieout.domain.money import Money
from tieout.store import charging, documents, usage

if TYPE_CHECKING:
    from tests.console.seed import Day


async def seed_usage(day: Day, name: str) -> None:
    deal = day.deals[name]
    stored = await documents.latest(day.tx, "project", deal.key.replace("ENG", "PRJ"))
    assert stored is not None
    project = Project.model_validate(stored["body"])
    records = [
        UsageRecord(
            key=f"metering/{deal.key}-{n}", source="metering", source_id=f"{deal.key}-{n}", version=1, engagement=deal.key,
            meter="storage" + day.canary, quantity=Decimal(n * 40), unit="GB", day=date(2026, 10, n),
        )
        for n in (1, 2)
    ]  # fmt: skip
    await usage.save(day.tx, records, via="api", actor="platform@kestrel.example" + day.canary, now=day.now)
    sold, worth = f"{deal.key}/STORAGE", Money(Decimal("60.00"), project.currency)
    await day.tx.execute(
        "update usage_reading set engagement = %s, project = %s, entity = %s, sold = %s, contract_version = 1 where source_id = any(%s)",
        (deal.key, project.key, project.legal_entity, sold, [each.source_id for each in records]),
    )
    readings = tuple(Reading(each.key, each.day, each.quantity) for each in records)
    basis = {"month": "2026-10", "units": "120", "unit": "GB", "readings": frozen(readings), "whole": "60.00"}
    name = "120 GB in 2026-10" + day.canary
    dues = [
        Due(Event(f"{sold}/2026-10", "usage", sold, date(2026, 10, 31), worth), name, basis=basis, readings=readings),
        Due(
            Event(f"{deal.key}/CARE/2026-10", "fee", f"{deal.key}/CARE", date(2026, 10, 1), worth), "Care" + day.canary
        ),
    ]
    await charging.know(day.tx, project, dues, day.now)
    day.seeded.events += [each.event.ref for each in dues]
    day.seeded.readings += [each.source_id for each in records]
