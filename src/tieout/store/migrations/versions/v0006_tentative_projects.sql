-- A project may begin before its contract is signed. As long as its contract version is 0, its work is at risk: counted and
-- shown, never proposed for billing. `tentative_until` stays when the contract comes: it says that the work began early.
alter table project add column state text not null default 'active'
  check (state in ('tentative', 'active', 'on_hold', 'archived'));
alter table project add column tentative_until date;
create index project_tentative on project (tentative_until) where state = 'tentative';

update project p set state = d.body->>'state'
from (select distinct on (key) key, body from document where kind = 'project' order by key, version desc) d
where d.key = p.key and d.body->>'state' is not null;

-- As before, without the work that nobody has signed for. A project's contract counts, not the moment an entry was priced.
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
  select e.connection, e.source_id, i.engagement, e.task, e.rate, -e.minutes, e.entry_version,
    i.entity, i.project, l.role, i.currency, e.person, e.work_date, e.approved_by, e.approved_at, e.contract_version,
    e.rate_card, e.rate_card_version, e.mapping, ''
  from evidence e join invoice_line l on l.invoice = e.invoice and l.line = e.line join invoice i on i.key = e.invoice
  where i.state <> 'cancelled'
) piece
group by connection, source_id, engagement, task, rate
having sum(minutes) <> 0;

-- As before; `at_risk` says that what is not billed of it cannot be, as long as nobody has signed.
create or replace view work_value as
select
  connection, source_id, engagement, task, rate, entity, currency,
  sum(approved) as approved_minutes,
  sum(billed) as billed_minutes,
  coalesce(entry_amount(sum(approved), rate, currency), 0) as approved,
  sum(amount) as billed,
  coalesce(entry_amount(sum(approved) - sum(billed), rate, currency), 0) as unbilled,
  sum(pieces) as pieces,
  bool_or(unsigned) as at_risk
from (
  select t.connection, t.source_id, t.engagement, t.task, t.agreed_rate as rate, t.entity, t.currency,
    t.billable_minutes as approved, 0 as billed, 0::numeric as amount, 0 as pieces,
    coalesce(p.contract_version, 1) = 0 as unsigned
  from time_entry t left join project_task k on k.key = t.task left join project p on p.key = t.project
  where t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
  union all
  select e.connection, e.source_id, i.engagement, e.task, e.rate, i.entity, i.currency, 0, e.minutes, e.amount, 1, false
  from evidence e join invoice i on i.key = e.invoice
  where i.state <> 'cancelled'
) piece
group by 1, 2, 3, 4, 5, 6, 7;
