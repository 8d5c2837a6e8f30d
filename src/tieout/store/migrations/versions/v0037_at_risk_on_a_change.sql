-- Whether a change of an engagement was submitted and is not decided: what is worked on tasks that its contract does not have
-- is at risk on that change, at the rate that the entry itself says, until it is approved, refused or withdrawn (T35).
create function change_waits(wanted text) returns boolean language sql stable parallel safe as $$
  select exists (
    select from document d where d.kind = 'change_order' and d.engagement = wanted and d.body ->> 'state' = 'submitted'
      and not exists (select from document n where n.kind = d.kind and n.key = d.key and n.version > d.version))
$$;

-- As before, and work on a change that waits is at risk.
create or replace view work_value as
select
  connection, source_id, engagement, task, rate, entity, currency,
  sum(approved) as approved_minutes,
  sum(billed) as billed_minutes,
  coalesce(entry_amount(sum(approved), rate, currency), 0) as approved,
  sum(amount) as billed,
  coalesce(entry_amount(sum(approved) - sum(billed) - sum(aside), rate, currency), 0) as unbilled,
  sum(pieces) as pieces,
  bool_or(unsigned) as at_risk,
  sum(worth) as set_aside,
  sum(aside) as set_aside_minutes
from (
  select t.connection, t.source_id, t.engagement, t.task, coalesce(t.agreed_rate, case when c.waits then t.rate end) as rate,
    t.entity, t.currency, t.billable_minutes as approved, 0 as billed, 0::numeric as amount, 0 as pieces,
    coalesce(p.contract_version, 1) = 0 or c.waits as unsigned, 0 as aside, 0::numeric as worth
  from time_entry t left join project_task k on k.key = t.task left join project p on p.key = t.project
  cross join lateral (
    select case when t.problem = 'time.task_unknown' then change_waits(t.engagement) else false end as waits
  ) c
  where t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
  union all
  select e.connection, e.source_id, i.engagement, e.task, e.agreed, i.entity, i.currency, 0, e.minutes,
    case when e.rate = e.agreed then e.amount else e.worth end, 1, false, 0, 0
  from evidence e join invoice i on i.key = e.invoice
  where i.state <> 'cancelled' and e.kind = 'time'
  union all
  select c.connection, c.source_id, c.engagement, c.task, c.agreed, c.entity, c.currency, 0, 0, 0, 1, false, c.minutes, c.worth
  from piece c where c.kind = 'time'
) piece
group by 1, 2, 3, 4, 5, 6, 7
union all
select
  connection, source_id, engagement, '', null, entity, currency, 0, 0,
  sum(worth), sum(billed), sum(worth) - sum(billed) - sum(aside), sum(pieces), false, sum(aside), 0
from (
  select connection, source_id, engagement, entity, currency, worth, 0::numeric as billed, 0::numeric as aside, 0 as pieces
  from billable_event
  union all
  select e.connection, e.source_id, i.engagement, i.entity, i.currency, 0, e.worth, 0, 1
  from evidence e join invoice i on i.key = e.invoice
  where i.state <> 'cancelled' and e.kind <> 'time'
  union all
  select c.connection, c.source_id, c.engagement, c.entity, c.currency, 0, 0, c.worth, 0
  from piece c where c.kind <> 'time'
) other
group by connection, source_id, engagement, entity, currency;
