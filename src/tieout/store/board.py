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
    from evidence e join invoice i on i.key = e.invoice and i.state <> 'cancelled' group by 1, 2
  ), aside as (
    select connection, source_id, sum(minutes) as minutes, sum(worth) as worth from piece where kind = 'time' group by 1, 2
  ), entry as (
    select t.*, m.approved, coalesce(b.minutes, 0) as billed_minutes, coalesce(a.minutes, 0) as aside_minutes,
      coalesce(a.worth, 0) as aside,
      coalesce((select contract_version = 0 from project p where p.key = t.project), false) as at_risk
    from time_entry t left join billed b using (connection, source_id) left join aside a using (connection, source_id)
    cross join lateral (select case when t.state = 'approved' then t.billable_minutes else 0 end as approved) m
  )
  select coalesce(t.entity, '') as entity, t.currency, t.project, t.engagement,
    coalesce((select d.body ->> 'name' from document d where d.kind = 'project' and d.key = t.project
              order by d.version desc limit 1), nullif(t.project, ''), 'no project') as name,
    count(*) as entries,
    min(t.work_date) as first_day, max(t.work_date) as last_day,
    sum(t.approved) as approved_minutes,
    coalesce(sum(entry_amount(t.approved, t.agreed_rate, t.currency)), 0) as approved,
    coalesce(sum(t.approved - t.billed_minutes - t.aside_minutes) filter (where not t.at_risk), 0) as unbilled_minutes,
    coalesce(sum(entry_amount(t.approved - t.billed_minutes - t.aside_minutes, t.agreed_rate, t.currency)) filter (where not t.at_risk), 0)
      as unbilled,
    sum(t.aside_minutes) as set_aside_minutes, sum(t.aside) as set_aside,
    coalesce(sum(t.approved) filter (where t.at_risk), 0) as at_risk_minutes,
    coalesce(sum(entry_amount(t.approved, t.agreed_rate, t.currency)) filter (where t.at_risk), 0) as at_risk,
    coalesce(sum(t.billable_minutes) filter (where t.state in ('draft', 'submitted')), 0) as unapproved_minutes,
    coalesce(sum(entry_amount(t.billable_minutes, t.agreed_rate, t.currency))
             filter (where t.state in ('draft', 'submitted')), 0) as unapproved,
    count(*) filter (where t.problem <> '') as blocked_entries,
    coalesce(sum(entry_amount(t.approved - t.billed_minutes - t.aside_minutes, t.agreed_rate, t.currency))
             filter (where t.problem <> ''), 0) as blocked
  from entry t
  where t.state <> 'deleted' and (%(entity)s = '' or coalesce(nullif(t.entity, ''), '-') = %(entity)s)
    and (%(currency)s = '' or t.currency = %(currency)s)
  group by 1, 2, 3, 4
"""


async def work(tx: Tx, *, entity: str, currency: str) -> list[dict[str, Any]]:
    """The time of every project: minutes and money not approved yet, approved, not invoiced, at risk, and blocked by a problem."""
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
