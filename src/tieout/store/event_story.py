"""What became of everything that is billed beside hours: an expense, a fee, a unit of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.store.database import Tx, row
from tieout.store.entry_story import Chapter, aside_of, chapters_of


@dataclass(frozen=True, slots=True)
class EventStory:
    """An event as the contract judged it last, with every time that it met an invoice, and what of it is not billed.

    `worth` is None where nobody has judged it yet, or where it is due no more and only its invoices know of it.
    """

    connection: str
    source_id: str
    kind: str
    name: str
    day: date | None
    currency: str
    engagement: str
    project: str
    worth: Decimal | None
    chapters: Sequence[Chapter]
    aside: Sequence[Mapping[str, Any]]


async def event_story(tx: Tx, connection: str, source_id: str) -> EventStory | None:
    """None where nothing but time has this id, or nothing at all."""
    found = await row(
        tx,
        """
        select kind, name, day, currency, engagement, project, worth from (
          select 1 as first, kind, name, day, currency, engagement, project, worth from billable_event
          where connection = %(connection)s and source_id = %(id)s
          union all
          select 2, 'expense', category, day, coalesce(project_currency, claim_currency), coalesce(engagement, ''), project, null
          from expense where connection = %(connection)s and source_id = %(id)s
          union all
          select 3, e.kind, coalesce(e.basis->>'name', ''), e.work_date, i.currency, i.engagement, i.project, null
          from evidence e join invoice i on i.key = e.invoice
          where e.connection = %(connection)s and e.source_id = %(id)s and e.kind <> 'time'
        ) told order by first limit 1
        """,
        {"connection": connection, "id": source_id},
    )
    if found is None:
        return None
    kind = found["kind"]
    return EventStory(
        connection=connection,
        source_id=source_id,
        **found,
        chapters=await chapters_of(tx, connection, source_id, kind=kind),
        aside=await aside_of(tx, connection, source_id, kind=kind),
    )
