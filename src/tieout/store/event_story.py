"""What became of everything that is billed beside hours: an expense, a fee, a unit of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.store.database import Tx, row
from tieout.store.entry_story import Chapter, aside_of, chapters_of
from tieout.store.lineage import UNSAID


@dataclass(frozen=True, slots=True)
class EventStory:
    """An event as the contract judged it last, with every time that it met an invoice, and what of it is not billed.

    `basis` is what it stood on when it was judged last. `worth` is None where nobody has judged it yet, or where it is due no
    more and only its invoices know of it.
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
    sold: str
    basis: Mapping[str, str]
    chapters: Sequence[Chapter]
    aside: Sequence[Mapping[str, Any]]

    @property
    def stands_on(self) -> dict[str, str]:
        """What of the contract and of its source it stands on, as a person reads it."""
        return {name: value for name, value in self.basis.items() if name not in UNSAID}


async def event_story(tx: Tx, connection: str, source_id: str) -> EventStory | None:
    """None where nothing but time has this id, or nothing at all."""
    found = await row(
        tx,
        """
        select kind, name, day, currency, engagement, project, worth, sold, basis from (
          select 1 as first, kind, name, day, currency, engagement, project, worth, sold, basis from billable_event
          where connection = %(connection)s and source_id = %(id)s
          union all
          select 2, 'expense', category, day, coalesce(project_currency, claim_currency), coalesce(engagement, ''), project, null,
            '', jsonb_strip_nulls(jsonb_build_object('person', person, 'category', category, 'claim_amount', claim_amount::text,
              'claim_currency', claim_currency, 'treatment', treatment, 'approved_by', nullif(approved_by, '')))
          from expense where connection = %(connection)s and %(id)s in (source_id, 'expense/' || source_id)
          union all
          select 2, 'usage', sum(quantity)::text || ' ' || min(unit) || ' in ' || right(%(id)s, 7), max(r.day), p.currency,
            p.engagement, p.key, null, r.sold, jsonb_build_object('month', right(%(id)s, 7), 'meter', min(r.meter))
          from usage_reading r join project p on p.key = r.project
          where r.sold || '/' || to_char(r.day, 'YYYY-MM') = %(connection)s || '/' || %(id)s
          group by p.currency, p.engagement, p.key, r.sold
          union all
          select 3, e.kind, coalesce(e.basis->>'name', ''), e.work_date, i.currency, i.engagement, i.project, null,
            e.sold, e.basis
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
