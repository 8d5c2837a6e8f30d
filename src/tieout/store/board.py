"""Work and invoices by stage, as lists: each figure of the flow of money is the sum of one of these lists.

An entity of "-" asks for what has no legal entity yet; an empty one does not filter.
"""

from __future__ import annotations

from typing import Any, LiteralString

from tieout.store.database import Tx, rows

# Stage → the invoice states in it. Open and paid are about money, not about a state of their own.
STAGES: dict[str, tuple[str, ...]] = {
    "proposed": ("proposed", "draft", "validated"),
    "billed": ("posted", "partly_paid", "paid"),
    "open": ("posted", "partly_paid"),
    "paid": ("partly_paid", "paid"),
    "cancelled": ("cancelled",),
}
_WORK: LiteralString = """
  with billed as (
    select e.connection, e.source_id, sum(e.minutes) as minutes
    from evidence e join invoice i on i.key = e.invoice and i.state <> 'cancelled' where e.kind = 'time' group by 1, 2
  ), aside as (
    select connection, source_id, sum(minutes) as minutes, sum(worth) as worth from piece where kind = 'time' group by 1, 2
  ), entry as (
    select t.*, m.approved, coalesce(b.minutes, 0) as billed_minutes, coalesce(a.minutes, 0) as aside_minutes,
      coalesce(a.worth, 0) as aside,
      coalesce((select contract_version = 0 from project p where p.key = t.project), false) or c.waits as at_risk,
      coalesce(t.agreed_rate, case when c.waits then t.rate end) as worth_rate
    from time_entry t left join billed b using (connection, source_id) left join aside a using (connection, source_id)
    cross join lateral (select case when t.state = 'approved' then t.billable_minutes else 0 end as approved) m
    cross join lateral (
      select case when t.problem = 'time.task_unknown' then change_waits(t.engagement) else false end as waits
    ) c
    where t.state <> 'deleted'
  ), event as (
    select t.entity, t.currency, t.project, t.engagement, 1 as entries, t.work_date, t.approved as approved_minutes,
      entry_amount(t.approved, t.worth_rate, t.currency) as approved,
      case when t.at_risk then 0 else t.approved - t.billed_minutes - t.aside_minutes end as unbilled_minutes,
      case when not t.at_risk then entry_amount(t.approved - t.billed_minutes - t.aside_minutes, t.agreed_rate, t.currency)
        end as unbilled,
      t.aside_minutes as set_aside_minutes, t.aside as set_aside,
      case when t.at_risk then t.approved else 0 end as at_risk_minutes,
      case when t.at_risk then entry_amount(t.approved, t.worth_rate, t.currency) end as at_risk,
      case when t.state in ('draft', 'submitted') then t.billable_minutes else 0 end as unapproved_minutes,
      case when t.state in ('draft', 'submitted') then entry_amount(t.billable_minutes, t.agreed_rate, t.currency)
        end as unapproved,
      (t.problem <> '')::integer as blocked_entries,
      case when t.problem <> '' then entry_amount(t.approved - t.billed_minutes - t.aside_minutes, t.agreed_rate, t.currency)
        end as blocked
    from entry t
    union all
    select b.entity, b.currency, b.project, b.engagement, 0, b.day, 0, b.worth, 0, w.unbilled, 0, w.set_aside,
      0, null, 0, null, 0, null
    from billable_event b join work_value w on w.connection = b.connection and w.source_id = b.source_id and w.rate is null
  )
  select coalesce(e.entity, '') as entity, e.currency, e.project, e.engagement,
    coalesce((select d.body ->> 'name' from document d where d.kind = 'project' and d.key = e.project
              order by d.version desc limit 1), nullif(e.project, ''), 'no project') as name,
    sum(e.entries) as entries,
    min(e.work_date) as first_day, max(e.work_date) as last_day,
    sum(e.approved_minutes) as approved_minutes, coalesce(sum(e.approved), 0) as approved,
    sum(e.unbilled_minutes) as unbilled_minutes, coalesce(sum(e.unbilled), 0) as unbilled,
    sum(e.set_aside_minutes) as set_aside_minutes, sum(e.set_aside) as set_aside,
    sum(e.at_risk_minutes) as at_risk_minutes, coalesce(sum(e.at_risk), 0) as at_risk,
    sum(e.unapproved_minutes) as unapproved_minutes, coalesce(sum(e.unapproved), 0) as unapproved,
    sum(e.blocked_entries) as blocked_entries, coalesce(sum(e.blocked), 0) as blocked
  from event e
  where (%(entity)s = '' or coalesce(nullif(e.entity, ''), '-') = %(entity)s)
    and (%(currency)s = '' or e.currency = %(currency)s)
  group by 1, 2, 3, 4
"""


async def work(tx: Tx, *, entity: str, currency: str) -> list[dict[str, Any]]:
    """The time of every project and what is due beside it: not approved yet, approved, not invoiced, at risk, blocked."""
    return await rows(tx, _WORK + " order by unbilled desc, name", {"entity": entity, "currency": currency})


async def invoices(tx: Tx, stage: str, *, entity: str, currency: str, limit: int = 500) -> list[dict[str, Any]]:
    """Invoices of a stage, the newest first, with what was paid of each and who pays it."""
    return await rows(
        tx,
        """
        select i.*, coalesce(p.amount, 0) as paid,
          case when i.state in ('posted', 'partly_paid', 'paid') then coalesce(i.open_amount, i.total) else 0 end as open,
          coalesce((select body ->> 'name' from document d where d.kind = 'customer' and d.key = i.customer
                    order by version desc limit 1), i.customer) as customer_name,
          coalesce((select body ->> 'name' from document d where d.kind = 'project' and d.key = i.project
                    order by version desc limit 1), i.project) as project_name
        from invoice i left join (select invoice, sum(amount) as amount from payment group by 1) p on p.invoice = i.key
        where i.state = any(%(states)s) and (%(entity)s = '' or i.entity = %(entity)s)
          and (%(currency)s = '' or i.currency = %(currency)s)
        order by coalesce(i.invoice_date, i.through) desc, i.number desc, i.key limit %(limit)s
        """,
        {"states": list(STAGES[stage]), "entity": entity, "currency": currency, "limit": limit},
    )
