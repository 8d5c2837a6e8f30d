-- Metered usage: readings that their sources send, with every version of them, and what the contract says they are of.
create table usage_reading (
  source text not null,
  source_id text not null,
  version integer not null,
  meter text not null,
  quantity numeric not null check (quantity >= 0),
  unit text not null,
  since date,
  day date not null,
  -- As the source names them.
  engagement_ref text not null,
  package_ref text not null,
  -- Found: empty or null while it is not known.
  engagement text,
  project text not null default '',
  entity text,
  sold text not null default '',
  contract_version integer,
  agreed_unit text not null default '',
  problem text not null default '',
  changed_at timestamptz not null,
  primary key (source, source_id)
);
create index usage_reading_by_engagement on usage_reading (engagement, day);
create index usage_reading_by_id on usage_reading (source_id);
create index usage_reading_by_sold on usage_reading (sold, day) where sold <> '';
create index usage_reading_with_problem on usage_reading (source, problem) where problem <> '';

create table usage_version (
  source text not null,
  source_id text not null,
  version integer not null,
  body jsonb not null,
  via text not null,
  sent_by text not null,
  seen_at timestamptz not null,
  primary key (source, source_id, version)
);

-- The readings that a billed month stands on, in the versions of that day; `basis` of its evidence names the set.
create table usage_evidence (
  readings text not null,
  source text not null,
  source_id text not null,
  version integer not null,
  day date not null,
  units numeric not null,
  primary key (readings, source, source_id)
);
create index usage_evidence_by_reading on usage_evidence (source, source_id);
create index evidence_by_readings on evidence ((basis ->> 'readings')) where kind = 'usage';

-- What usage was worth as a whole when a piece of it was decided.
alter table piece add column whole numeric;

-- Readings come from no connection: their sources send them, to the API or as a file.
alter table message drop constraint message_connection_fkey;
alter table intake drop constraint intake_connection_fkey;
alter table message drop constraint message_via_check;
alter table message add check (via in ('sweep', 'doorbell', 'api', 'file'));
