-- The foundation: intake, runs, effects, holds, documents, crosswalk, time, invoices, audit.

create table legal_entity (
  code text primary key,
  name text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$')
);

create table firm_version (
  version integer generated always as identity primary key,
  fingerprint text not null unique,
  content jsonb not null,
  applied_by text not null,
  applied_at timestamptz not null
);

create table connection (
  name text primary key,
  kind text not null,
  role text not null,
  entity text references legal_entity,
  state text not null default 'active' check (state in ('active', 'paused')),
  reason text not null default '',
  health jsonb not null default '{}',
  checked_at timestamptz
);

create table cursor (
  connection text not null references connection,
  kind text not null,
  value text not null,
  advanced_at timestamptz not null,
  primary key (connection, kind)
);

create table value_row (
  id bigint generated always as identity primary key,
  table_name text not null,
  key text not null,
  entity text not null default '*',
  value text not null,
  valid_from date not null,
  author text not null,
  -- A row of a table with four eyes waits until somebody else has approved it.
  waiting boolean not null default false,
  approved_by text check (approved_by <> author),
  created_at timestamptz not null
);
create index value_row_by_key on value_row (table_name, key);

-- A verified ring at the door: which records to read again. Never a letter.
create table bell (
  connection text not null references connection,
  id text not null,
  kind text not null,
  record_id text not null,
  rung_at timestamptz not null,
  answered_at timestamptz,
  primary key (connection, id, kind, record_id)
);
create index bell_waiting on bell (rung_at) where answered_at is null;

-- What each page of intake brought, written in the page's own transaction: one side of the conservation law.
create table intake (
  id bigint generated always as identity primary key,
  connection text not null references connection,
  kind text not null,
  day date not null,
  currency text not null default '',
  messages integer not null,
  amount_minor numeric not null
);

create table message (
  id bigint generated always as identity primary key,
  connection text not null references connection,
  kind text not null,
  record_id text not null,
  version text not null,
  day date not null,
  currency text not null default '',
  amount_minor numeric not null default 0,
  via text not null check (via in ('sweep', 'doorbell')),
  payload jsonb,
  deleted boolean not null default false,
  merged_into text,
  received_at timestamptz not null,
  state text not null default 'received' check (state in ('received', 'in_flight', 'done', 'held', 'ignored')),
  reason text not null default '' check (state <> 'ignored' or reason <> ''),
  run_id text,
  settled_at timestamptz,
  unique (connection, kind, record_id, version)
);
create index message_waiting on message (connection, kind, id) where state = 'received';
create index message_by_run on message (run_id) where state in ('in_flight', 'held');
create index message_held on message (connection, kind) where state = 'held';

create table run (
  id text primary key,
  flow text not null,
  subject text not null,
  version text not null,
  lane text not null,
  entity text,
  engagement text,
  state text not null check (state in ('queued', 'running', 'retrying', 'held', 'waiting', 'done', 'ignored')),
  generation integer not null default 1,
  attempts integer not null default 0,
  not_before timestamptz not null,
  handed_over boolean not null default false,
  worker text not null default '',
  reason text not null default '',
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  sequence bigint generated always as identity
);
create index run_due on run (not_before) where state in ('queued', 'retrying') and not handed_over;
create index run_by_subject on run (flow, subject, sequence);
create index run_by_engagement on run (engagement, sequence);
create index run_recent on run (sequence desc);

create table step (
  run_id text not null references run,
  generation integer not null,
  position integer not null,
  title text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null,
  detail text not null default '',
  primary key (run_id, generation, position)
);

create table effect (
  key text primary key,
  connection text not null references connection,
  operation text not null,
  guarantee char(1) not null check (guarantee in ('A', 'B', 'C', 'D', 'E')),
  subject text not null,
  version text not null,
  entity text,
  engagement text,
  run_id text not null,
  request bytea not null,
  state text not null check (state in ('sent', 'unknown', 'done', 'refused', 'superseded')),
  attempts integer not null default 1,
  planned_at timestamptz not null,
  sent_at timestamptz not null,
  settled_at timestamptz,
  look_again_at timestamptz,
  receipt jsonb,
  detail text not null default '',
  unique (connection, operation, subject, version)
);
create index effect_unsettled on effect (sent_at) where state in ('sent', 'unknown');
create index effect_to_look_at on effect (look_again_at) where look_again_at is not null;
create index effect_by_engagement on effect (engagement, planned_at);
create index effect_by_run on effect (run_id);

create table crosswalk (
  connection text not null references connection,
  kind text not null,
  record_id text not null,
  key text not null,
  alias boolean not null default false,
  since timestamptz not null,
  primary key (connection, kind, record_id)
);
create unique index crosswalk_one_record on crosswalk (kind, key, connection) where not alias;
create index crosswalk_by_key on crosswalk (key);

create table document (
  kind text not null,
  key text not null,
  version integer not null,
  schema_version integer not null,
  entity text,
  engagement text,
  fingerprint text not null,
  body jsonb not null,
  trail jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (kind, key, version)
);
create index document_by_engagement on document (engagement);

create table hold (
  id bigint generated always as identity (start with 20401) primary key,
  flow text not null,
  subject text not null,
  run_id text not null,
  entity text,
  engagement text,
  title text not null,
  code text not null,
  cause text not null,
  facts jsonb not null,
  quote text not null default '',
  amount_minor numeric not null default 0,
  currency text not null default '',
  owner text not null,
  assignee text not null default '',
  opened_at timestamptz not null,
  due_at timestamptz not null,
  snoozed_until timestamptz,
  state text not null default 'open' check (state in ('open', 'resolved')),
  resolved_at timestamptz,
  resolved_by text not null default '',
  resolution text not null default '',
  times integer not null default 1
);
create unique index hold_once on hold (flow, subject, cause) where state = 'open';
create index hold_open on hold (due_at) where state = 'open';
create index hold_by_engagement on hold (engagement);

create table hold_event (
  id bigint generated always as identity primary key,
  hold_id bigint not null references hold,
  at timestamptz not null,
  actor text not null,
  what text not null
);

create table decision (
  subject text not null,
  code text not null,
  choice text not null,
  reason text not null default '',
  decided_by text not null,
  decided_at timestamptz not null,
  primary key (subject, code)
);

create table approval (
  id bigint generated always as identity (start with 501) primary key,
  flow text not null,
  subject text not null,
  terms_hash text not null,
  title text not null,
  terms jsonb not null,
  entity text,
  engagement text,
  amount_minor numeric not null default 0,
  currency text not null default '',
  requested_by text not null,
  requested_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'approved', 'rejected')),
  decided_by text check (decided_by <> requested_by),
  decided_at timestamptz,
  reason text not null default '',
  unique (flow, subject, title, terms_hash)
);

-- What time needs to know of projects, typed, because months of entries are joined with it.
create table project (
  key text primary key,
  engagement text not null,
  entity text not null references legal_entity,
  customer text not null,
  currency text not null,
  department text not null,
  rate_card text not null,
  contract_version integer not null
);

create table project_task (
  key text primary key,
  project text not null references project,
  name text not null,
  role text not null,
  billable boolean not null
);

create table time_entry (
  connection text not null references connection,
  source_id text not null,
  version text not null,
  -- As the source names them; `project` and `task` are our keys, empty while we do not know them.
  project_ref text not null,
  task_ref text not null,
  project text not null default '',
  task text not null default '',
  person text not null,
  work_date date not null,
  minutes integer not null,
  billable_minutes integer not null,
  rate numeric,
  currency text not null,
  state text not null check (state in ('draft', 'submitted', 'approved', 'rejected', 'deleted')),
  approved_by text not null default '',
  approved_at timestamptz,
  notes text not null default '',
  mapping text not null,
  entity text,
  engagement text,
  role text not null default '',
  agreed_rate numeric,
  rate_card text not null default '',
  rate_card_version integer,
  contract_version integer,
  problem text not null default '',
  quote text not null default '',
  -- The cost side: what the ERP's timesheet has of this entry, and the batch that is on its way.
  delivered_minutes integer not null default 0,
  delivered_as text not null default '',
  delivered_id text not null default '',
  deliveries integer not null default 0,
  batch text not null default '',
  batch_minutes integer not null default 0,
  batch_as text not null default '',
  changed_at timestamptz not null,
  primary key (connection, source_id)
);
create sequence delivery_batch;

create index time_entry_by_engagement on time_entry (engagement, work_date);
create index time_entry_by_project on time_entry (project);
-- What `form_batch` looks for; its conditions must stand here word for word.
create index time_entry_to_deliver on time_entry (entity, work_date, source_id)
  where batch = '' and delivered_id = '' and case when state = 'approved' and problem = '' then minutes else 0 end > 0;
create index time_entry_in_batch on time_entry (batch) where batch <> '';
create index time_entry_with_problem on time_entry (problem) where problem <> '';

create table time_entry_version (
  connection text not null,
  source_id text not null,
  version text not null,
  body jsonb not null,
  seen_at timestamptz not null,
  primary key (connection, source_id, version)
);

create table invoice (
  key text primary key,
  engagement text not null,
  project text not null,
  entity text not null references legal_entity,
  customer text not null,
  currency text not null,
  through date not null,
  state text not null check (state in ('proposed', 'draft', 'validated', 'posted', 'partly_paid', 'paid', 'cancelled')),
  number text not null default '',
  invoice_date date,
  due_date date,
  net numeric not null,
  tax numeric,
  total numeric,
  open_amount numeric,
  connection text,
  record_id text not null default '',
  proposed_at timestamptz not null,
  changed_at timestamptz not null
);
create unique index invoice_number on invoice (entity, number) where number <> '';
create index invoice_by_engagement on invoice (engagement);

create table invoice_line (
  invoice text not null references invoice,
  line text not null,
  position integer not null,
  task text not null,
  role text not null,
  description text not null,
  quantity numeric not null,
  unit_price numeric not null,
  amount numeric not null,
  rounding numeric not null,
  primary key (invoice, line)
);

create table evidence (
  invoice text not null,
  line text not null,
  connection text not null,
  source_id text not null,
  entry_version text not null,
  minutes integer not null,
  amount numeric not null,
  rate numeric not null,
  person text not null,
  task text not null,
  work_date date not null,
  approved_by text not null,
  approved_at timestamptz,
  contract_version integer not null,
  rate_card text not null,
  rate_card_version integer not null,
  mapping text not null,
  primary key (invoice, line, connection, source_id),
  foreign key (invoice, line) references invoice_line
);
-- what an entry became, and what of it is still open
create index evidence_by_entry on evidence (connection, source_id);

create table payment (
  invoice text not null references invoice,
  id text not null,
  paid_on date not null,
  amount numeric not null,
  primary key (invoice, id)
);

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor text not null,
  action text not null,
  object text not null,
  detail jsonb not null default '{}',
  previous text not null,
  hash text not null
);

create table worker (
  id text primary key,
  lock_key bigint not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  gone_at timestamptz
);

-- The conservation law: what came in, page by page, against what became of it, message by message.
create view conservation as
select
  coalesce(i.connection, m.connection) as connection,
  coalesce(i.kind, m.kind) as kind,
  coalesce(i.day, m.day) as day,
  coalesce(i.currency, m.currency) as currency,
  coalesce(i.messages, 0) as received,
  coalesce(m.done, 0) as done,
  coalesce(m.held, 0) as held,
  coalesce(m.ignored, 0) as ignored,
  coalesce(m.in_flight, 0) as in_flight,
  coalesce(i.messages, 0) - coalesce(m.messages, 0) as missing,
  coalesce(i.amount_minor, 0) as received_minor,
  coalesce(m.done_minor, 0) as done_minor,
  coalesce(m.held_minor, 0) as held_minor,
  coalesce(m.ignored_minor, 0) as ignored_minor,
  coalesce(m.in_flight_minor, 0) as in_flight_minor,
  coalesce(i.amount_minor, 0) - coalesce(m.amount_minor, 0) as missing_minor
from
  (select connection, kind, day, currency, sum(messages) as messages, sum(amount_minor) as amount_minor
   from intake group by 1, 2, 3, 4) i
full outer join
  (select connection, kind, day, currency,
     count(*) as messages,
     count(*) filter (where state = 'done') as done,
     count(*) filter (where state = 'held') as held,
     count(*) filter (where state = 'ignored') as ignored,
     count(*) filter (where state in ('received', 'in_flight')) as in_flight,
     sum(amount_minor) as amount_minor,
     sum(amount_minor) filter (where state = 'done') as done_minor,
     sum(amount_minor) filter (where state = 'held') as held_minor,
     sum(amount_minor) filter (where state = 'ignored') as ignored_minor,
     sum(amount_minor) filter (where state in ('received', 'in_flight')) as in_flight_minor
   from message group by 1, 2, 3, 4) m
using (connection, kind, day, currency);

-- Approved less everything billed and credited, per entry, task and rate: what was billed on another task or at another
-- rate than what is approved now is taken back there and billed here (-original, +replacement).
create view unbilled as
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
    t.entity, t.project, t.role, t.currency, t.person, t.work_date, t.approved_by, t.approved_at, t.contract_version,
    t.rate_card, t.rate_card_version, t.mapping, t.problem
  from time_entry t left join project_task k on k.key = t.task
  where t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
  union all
  select e.connection, e.source_id, i.engagement, e.task, e.rate, -e.minutes, e.entry_version,
    i.entity, i.project, l.role, i.currency, e.person, e.work_date, e.approved_by, e.approved_at, e.contract_version,
    e.rate_card, e.rate_card_version, e.mapping, ''
  from evidence e join invoice_line l on l.invoice = e.invoice and l.line = e.line join invoice i on i.key = e.invoice
  where i.state <> 'cancelled'
) piece
group by connection, source_id, engagement, task, rate
having sum(minutes) <> 0;

-- Digits after the point of a currency's smallest unit (ISO 4217); a test compares it with tieout.domain.money.
create function minor_digits(currency text) returns integer language sql immutable parallel safe as $$
  select case
    when currency in ('CLP', 'ISK', 'JPY', 'KRW', 'VND') then 0
    when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'OMR', 'TND') then 3
    else 2
  end
$$;

-- What minutes at an hourly rate are worth, to the minor unit: tieout.domain.rating.entry_amount in SQL, for pages of entries.
create function entry_amount(minutes numeric, rate numeric, currency text) returns numeric language sql immutable parallel safe as $$
  select round(rate * minutes / 60, minor_digits(currency))
$$;

-- What work is worth, per entry, engagement, task and rate, as in `unbilled`: approved = billed + unbilled, but for the
-- rounding of each piece in which it was billed.
create view work_value as
select
  connection, source_id, engagement, task, rate, entity, currency,
  sum(approved) as approved_minutes,
  sum(billed) as billed_minutes,
  coalesce(entry_amount(sum(approved), rate, currency), 0) as approved,
  sum(amount) as billed,
  coalesce(entry_amount(sum(approved) - sum(billed), rate, currency), 0) as unbilled,
  sum(pieces) as pieces
from (
  select t.connection, t.source_id, t.engagement, t.task, t.agreed_rate as rate, t.entity, t.currency,
    t.billable_minutes as approved, 0 as billed, 0::numeric as amount, 0 as pieces
  from time_entry t left join project_task k on k.key = t.task
  where t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
  union all
  select e.connection, e.source_id, i.engagement, e.task, e.rate, i.entity, i.currency, 0, e.minutes, e.amount, 1
  from evidence e join invoice i on i.key = e.invoice
  where i.state <> 'cancelled'
) piece
group by 1, 2, 3, 4, 5, 6, 7;

-- An id that somebody pastes is looked for in every system.
create index crosswalk_by_record on crosswalk (record_id);
create index run_of_subject on run (subject);
create index invoice_by_number on invoice (number) where number <> '';
create index invoice_by_record on invoice (record_id) where record_id <> '';
create index invoice_by_customer on invoice (customer);

-- Who may come in. Tokens are 256 random bits; only their SHA-256 is kept.
create table access_token (
  id bigint generated always as identity primary key,
  token_hash text not null unique,
  name text not null check (name <> ''),
  email text not null check (email <> '' and email = lower(email)),
  roles text[] not null check (cardinality(roles) > 0 and roles <@ array['viewer', 'operator', 'finance', 'engineer']),
  issued_by text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text not null default ''
);

-- A browser's session; it ends with the access token that it was opened with.
create table access_session (
  token_hash text primary key,
  access_token bigint not null references access_token,
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  last_used_at timestamptz not null,
  closed_at timestamptz
);
create index access_session_by_token on access_session (access_token);

-- The answer that a request with an Idempotency-Key was given: the same request again gets the same answer.
create table idempotent_request (
  actor text not null,
  key text not null,
  fingerprint text not null,
  begun_at timestamptz not null,
  status integer,
  body jsonb,
  primary key (actor, key)
);
create index idempotent_request_old on idempotent_request (begun_at);
