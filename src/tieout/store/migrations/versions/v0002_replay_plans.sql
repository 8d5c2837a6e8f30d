-- Replay plans: what would happen, confirmed by a person before it does.

create table plan (
  id bigint generated always as identity (start with 3301) primary key,
  asked jsonb not null,
  what text not null,
  how text not null check (how in ('as_it_is_now', 'as_it_was')),
  again text not null default '',
  made_by text not null,
  made_at timestamptz not null,
  state text not null default 'making' check (state in ('making', 'open', 'checking', 'running', 'done', 'stopped', 'moved', 'discarded')),
  reason text not null default '',
  hash text not null default '',
  sums jsonb,
  needs_approval text not null default '',
  -- Nobody approves their own plan.
  approved_by text check (approved_by <> made_by),
  approved_at timestamptz,
  confirmed_by text not null default '',
  confirmed_at timestamptz,
  -- How many of its items, in their order, the last confirmation was about.
  reach integer not null default 0,
  ended_at timestamptz
);
create index plan_at_work on plan (id) where state in ('making', 'checking', 'running');

create table plan_item (
  plan bigint not null references plan,
  position integer not null,
  run_id text not null references run,
  -- As the run was when the plan was asked for: a run that began again since has moved.
  generation integer not null,
  was text not null,
  firm_version integer,
  as_of timestamptz,
  content jsonb,
  checked boolean not null default false,
  state text not null default 'planned' check (state in ('planned', 'released', 'done', 'ignored', 'held', 'waiting', 'stopped')),
  outcome text not null default '',
  ended_at timestamptz,
  primary key (plan, position)
);
create index plan_item_by_run on plan_item (run_id);

alter table run
  -- The plan that lets this generation act, and nothing beyond it.
  add column plan bigint references plan,
  -- The firm version that the last generation began with, and the moment whose value tables it uses (empty: today's).
  add column firm_version integer references firm_version,
  add column as_of timestamptz;
