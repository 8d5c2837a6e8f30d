-- What is billed beside hours: fees, prepaid blocks and usage, each with what of the contract it stands on.
alter table evidence add column kind text not null default 'time' check (kind in ('time', 'expense', 'fee', 'usage'));
alter table evidence add column basis jsonb not null default '{}';
alter table evidence alter column rate drop not null;
alter table evidence alter column agreed drop not null;
alter table evidence add check (kind <> 'time' or (rate is not null and agreed is not null));
alter table invoice_line add column kind text not null default 'time' check (kind in ('time', 'expense', 'fee', 'usage'));
alter table invoice_line add column product text not null default '';

-- Everything that is due beside hours, as it was known when the engagement was decided last.
create table billable_event (
  connection text not null,
  source_id text not null,
  kind text not null check (kind in ('expense', 'fee', 'usage')),
  engagement text not null,
  entity text not null references legal_entity,
  project text not null,
  currency text not null,
  sold text not null,
  day date not null,
  worth numeric not null,
  contract_version integer not null,
  name text not null,
  basis jsonb not null,
  decided_at timestamptz not null,
  primary key (connection, source_id)
);
create index billable_event_engagement on billable_event (engagement);

-- Engagements that owe more than their hours, whatever version of their contract says so.
create index contract_with_fees on document (engagement)
  where kind = 'contract' and body @? '$.versions[*].sold[*].terms.kind ? (@ != "time")';

-- As before, for hours alone.
create or replace view unbilled as
select
  connection, source_id, engagement, task, rate as agreed_rate,
  sum(minutes) as minutes,
  (array_agg(version order by minutes desc))[1] as version,
  (array_agg(entity order by minutes desc))[1] as entity,
  (array_agg(project order by minutes desc))[1] as project,
  (array_agg(role order by minutes desc))[1] as role,
  (array_agg(currency order by minutes desc))[1] as currency,
  (array_agg(person order by minutes desc))[1] as person,
  (array_agg(work_date order by minutes desc))[1] as work_date,
  (array_agg(approved_by order by minutes desc))[1] as approved_by,
  (array_agg(approved_at order by minutes desc))[1] as approved_at,
  (array_agg(contract_version order by minutes desc))[1] as contract_version,
  (array_agg(rate_card order by minutes desc))[1] as rate_card,
  (array_agg(rate_card_version order by minutes desc))[1] as rate_card_version,
  (array_agg(mapping order by minutes desc))[1] as mapping,
  max(problem) as problem
from (
  select t.connection, t.source_id, t.engagement, t.task, t.agreed_rate as rate, t.billable_minutes as minutes, t.version,
    t.entity, t.project, t.role, t.currency, t.person, t.work_date, t.approved_by, t.approved_at,
    coalesce(nullif(t.contract_version, 0), p.contract_version) as contract_version,
    t.rate_card, t.rate_card_version, t.mapping, t.problem
  from time_entry t left join project_task k on k.key = t.task left join project p on p.key = t.project
  where t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
    and coalesce(p.contract_version, 1) > 0
  union all
  select e.connection, e.source_id, i.engagement, e.task, e.agreed, -e.minutes, e.entry_version,
    i.entity, i.project, l.role, i.currency, e.person, e.work_date, e.approved_by, e.approved_at, e.contract_version,
    e.rate_card, e.rate_card_version, e.mapping, ''
  from evidence e join invoice_line l on l.invoice = e.invoice and l.line = e.line join invoice i on i.key = e.invoice
  where i.state <> 'cancelled' and e.kind = 'time'
  union all
  select c.connection, c.source_id, c.engagement, c.task, c.agreed, -c.minutes, '',
    c.entity, '', c.role, c.currency, '', c.work_date, '', null, null, '', null, '', ''
  from piece c where c.kind = 'time'
) piece
group by connection, source_id, engagement, task, rate
having sum(minutes) <> 0;

-- As before, and what is due beside hours: worth what it is, with no minutes and no rate.
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
  select t.connection, t.source_id, t.engagement, t.task, t.agreed_rate as rate, t.entity, t.currency,
    t.billable_minutes as approved, 0 as billed, 0::numeric as amount, 0 as pieces,
    coalesce(p.contract_version, 1) = 0 as unsigned, 0 as aside, 0::numeric as worth
  from time_entry t left join project_task k on k.key = t.task left join project p on p.key = t.project
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
