"""How far limits on billing are used: what is billed beneath each, what is approved and not billed yet, what waits above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from tieout.domain.spanning import SpanningCap
from tieout.store import spanning
from tieout.store.database import Tx, row, rows

# What is approved and on no invoice, neither set aside nor at risk, by sale and day.
_OPEN: LiteralString = """
  open as (
    select w.engagement, coalesce(k.sold, b.sold, '') as sold, coalesce(t.work_date, b.day) as day, w.unbilled as amount,
      w.approved_minutes - w.billed_minutes - w.set_aside_minutes as minutes
    from work_value w
    left join project_task k on k.key = w.task
    left join time_entry t on t.connection = w.connection and t.source_id = w.source_id
    left join billable_event b on b.connection = w.connection and b.source_id = w.source_id
    where w.engagement = any(%(engagements)s) and not w.at_risk and w.unbilled <> 0
  )
"""
_CAPPED: LiteralString = """
  select d.engagement, d.entity, d.body -> 'versions' -> -1 as agreed,
    coalesce((select n.body ->> 'name' from document n where n.kind = 'engagement' and n.engagement = d.engagement
              order by n.version desc limit 1), d.engagement) as title
  from document d
  where d.kind = 'contract' and d.engagement > %(after)s and d.body @? '$.versions[last].caps[*]'
    and not exists (select from document n where n.kind = d.kind and n.key = d.key and n.version > d.version)
"""

_OF_CONTRACTS: LiteralString = "".join(
    (
        "with capped as (",
        _CAPPED,
        """
          and d.engagement = any(%(engagements)s)
        ), cap as (
          select c.engagement, c.entity, c.title, c.agreed ->> 'currency' as currency, cap.*
          from capped c cross join lateral jsonb_to_recordset(c.agreed -> 'caps')
            as cap(key text, lines jsonb, amount numeric, hours numeric, over text, notice_at numeric)
        ), line as (
          select i.engagement, e.invoice, e.line, e.sold, sum(e.amount) as amount, sum(e.minutes) as minutes
          from invoice i join evidence e on e.invoice = i.key
          where i.engagement = any(%(engagements)s) and i.state <> 'cancelled' group by 1, 2, 3, 4
        ), billed as (
          select n.engagement, n.sold, sum(n.amount + l.rounding) as amount, sum(n.minutes) as minutes
          from line n join invoice_line l on l.invoice = n.invoice and l.line = n.line group by 1, 2
        ), """,
        _OPEN,
        """
        select c.engagement, c.entity, c.title, c.currency, c.key as cap, c.amount, c.hours, c.over, c.notice_at,
          coalesce(b.amount, 0) as billed, coalesce(b.minutes, 0)::bigint as billed_minutes,
          coalesce(o.amount, 0) as open, coalesce(o.minutes, 0)::bigint as open_minutes,
          coalesce(p.worth, 0) as above, coalesce(p.minutes, 0)::bigint as above_minutes
        from cap c
        left join lateral (select sum(amount) as amount, sum(minutes) as minutes from billed b
          where b.engagement = c.engagement and (c.lines = '[]' or c.lines ? b.sold)) b on true
        left join lateral (select sum(amount) as amount, sum(minutes) as minutes from open o
          where o.engagement = c.engagement and (c.lines = '[]' or c.lines ? o.sold)) o on true
        left join lateral (select sum(worth) as worth, sum(minutes) as minutes from piece p
          where p.engagement = c.engagement and p.why = c.key and p.fate in ('over_cap', 'write_off')) p on true
        order by c.engagement, c.key
        """,
    )
)
_OF_SPAN: LiteralString = "".join(
    (
        "with ",
        _OPEN,
        """
        select
          (select coalesce(sum(amount), 0) from open
           where day between coalesce(%(since)s::date, '-infinity') and coalesce(%(until)s::date, 'infinity')) as open,
          (select coalesce(sum(minutes), 0) from open
           where day between coalesce(%(since)s::date, '-infinity') and coalesce(%(until)s::date, 'infinity'))::bigint as open_minutes,
          coalesce(sum(worth), 0) as above, coalesce(sum(minutes), 0)::bigint as above_minutes
        from piece where engagement = any(%(engagements)s) and why = %(name)s and fate in ('over_cap', 'write_off')
        """,
    )
)


async def contracts_with_limits(tx: Tx, *, text: str = "", after: str = "", limit: int) -> list[dict[str, Any]]:
    """Contracts that have limits, by engagement: {engagement, entity, title}. `text` is a part of the name, or the key."""
    return await rows(
        tx,
        f"select engagement, entity, title from ({_CAPPED}) capped"  # noqa: S608 - all of it is written here
        " where %(text)s = '' or engagement = upper(%(text)s) or title ilike '%%' || %(text)s || '%%'"
        " order by engagement limit %(limit)s",
        {"after": after, "text": text.strip(), "limit": limit},
    )


async def of_contracts(tx: Tx, engagements: Sequence[str]) -> list[dict[str, Any]]:
    """Every limit of these contracts as they are now: {engagement, entity, title, currency, cap, amount, hours, over, notice_at,
    billed, billed_minutes, open, open_minutes, above, above_minutes}. Amounts are net of tax.
    """
    return await rows(
        tx,
        _OF_CONTRACTS,
        {"engagements": list(engagements), "after": ""},
    )


async def of_span(tx: Tx, cap: SpanningCap) -> dict[str, Any]:
    """The same of a limit that spans engagements, which are `beneath` it."""
    used = await spanning.elsewhere(tx, cap, "")
    beneath = await spanning.neighbours(tx, cap, "")
    found = await row(
        tx,
        _OF_SPAN,
        {"engagements": beneath, "name": cap.name, "since": cap.since, "until": cap.until},
    )
    assert found is not None, "an aggregate has one row"
    return {
        **found,
        "billed": used.amount,
        "billed_minutes": round(used.hours * 60),
        "beneath": beneath,
    }
