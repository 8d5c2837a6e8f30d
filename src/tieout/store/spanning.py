"""Limits that span engagements: who is beneath them, what is billed there, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, LiteralString

from tieout.domain.charging.room import Used
from tieout.domain.spanning import SpanningCap
from tieout.store.database import Tx, row, rows

# Engagements of a customer, also under the accounts that were merged into it; of everybody where none is named.
_SOLD_TO: LiteralString = """
  with named as (
    select engagement from document where kind = 'engagement' and body #>> '{customer,key}' = %(customer)s
    union
    select d.engagement from crosswalk x join document d on d.kind = 'engagement' and d.body #>> '{customer,source_id}' = x.record_id
    where x.kind = 'customer' and x.key = %(customer)s
    union
    select engagement from document where kind = 'engagement' and btrim(body ->> 'po_number') = %(order)s
      and %(order)s <> '' and %(customer)s = ''
  ), newest as (
    select distinct on (d.engagement) d.engagement, btrim(coalesce(d.body ->> 'po_number', '')) as po_number,
      d.body ->> 'currency' as currency, d.body #>> '{customer,key}' as customer, d.body #>> '{customer,source_id}' as account
    from document d where d.kind = 'engagement' and d.engagement in (select engagement from named)
    order by d.engagement, d.version desc
  ), sold as (
    select engagement, po_number, currency from newest
    where %(customer)s in ('', customer)
      or exists (select from crosswalk x where x.kind = 'customer' and x.key = %(customer)s and x.record_id = newest.account)
  )
"""


async def turns(tx: Tx, names: Sequence[str]) -> dict[str, int]:
    """How often something was billed beneath each span by now: to be asked before anything else is read."""
    await tx.execute("insert into span (name) select unnest(%s::text[]) on conflict do nothing", (sorted(names),))
    found = await rows(tx, "select name, billed from span where name = any(%s)", (list(names),))
    return {each["name"]: each["billed"] for each in found}


async def taken(tx: Tx, known: Mapping[str, int]) -> bool:
    """Takes the turn beneath these spans until the transaction ends; False when somebody else was billed since `known`."""
    if not known:
        return True
    found = await rows(
        tx, "select name, billed from span where name = any(%s) order by name for update", (list(known),)
    )
    if {each["name"]: each["billed"] for each in found} != dict(known):
        return False
    await tx.execute("update span set billed = billed + 1 where name = any(%s)", (list(known),))
    return True


async def neighbours(tx: Tx, cap: SpanningCap, engagement: str) -> list[str]:
    """The other engagements whose work is beneath a limit and can still be billed."""
    found = await rows(
        tx,
        _SOLD_TO  # noqa: S608 - all of it is written here
        + """
        select s.engagement from sold s
        where s.engagement <> %(engagement)s and %(order)s in ('', s.po_number) and %(currency)s in ('', s.currency)
          and exists (select from project p
                      where p.engagement = s.engagement and p.contract_version > 0 and p.state <> 'archived') order by 1
        """,
        _named(cap, engagement),
    )
    return [each["engagement"] for each in found]


async def elsewhere(tx: Tx, cap: SpanningCap, engagement: str) -> Used:
    """What is billed beneath a limit on invoices of others: net of what is credited, drafts and proposals included.

    What the engagement itself has billed under another purchase order is taken off, since all of its invoices are counted there.
    """
    found = await row(
        tx,
        _SOLD_TO  # noqa: S608 - all of it is written here
        + """
        , counted as (
          select i.key, case when i.engagement = %(engagement)s then -1 else 1 end as sign from invoice i
          where i.state <> 'cancelled' and %(currency)s in ('', i.currency) and case when i.engagement = %(engagement)s
            then %(order)s not in ('', i.po_number)
            else %(order)s in ('', i.po_number) and (%(customer)s = '' or i.engagement in (select engagement from sold)) end
        ), line as (
          select c.sign, e.invoice, e.line, sum(e.amount) as amount, sum(e.minutes) as minutes
          from counted c join evidence e on e.invoice = c.key
          where e.work_date between coalesce(%(since)s::date, '-infinity') and coalesce(%(until)s::date, 'infinity')
          group by 1, 2, 3
        )
        select coalesce(sum(e.sign * (e.amount + l.rounding)), 0) as amount, coalesce(sum(e.sign * e.minutes), 0) as minutes
        from line e join invoice_line l on l.invoice = e.invoice and l.line = e.line
        """,
        _named(cap, engagement),
    )
    assert found is not None, "an aggregate has one row"
    return Used(found["amount"], Decimal(found["minutes"]) / 60)


def _named(cap: SpanningCap, engagement: str) -> dict[str, Any]:
    return {
        "customer": cap.customer, "order": cap.purchase_order.strip(), "currency": cap.currency, "engagement": engagement,
        "since": cap.since, "until": cap.until,
    }  # fmt: skip
