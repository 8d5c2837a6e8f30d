-- The pace of each system, which all workers share. Unlogged: after a crash it is learned anew, and all leave has ended.
create unlogged table pace (
  connection text primary key,
  shared jsonb not null default '{}'
);

-- What each process has under way and what waits in it; a row that was not renewed for some seconds counts no more.
create unlogged table pace_process (
  connection text not null,
  process text not null,
  in_flight integer not null,
  waiting jsonb not null,
  seen_at timestamptz not null,
  primary key (connection, process)
);

-- Calls that were answered, by the hour: carried out, and refused by a limit.
create table pace_hour (
  connection text not null,
  hour timestamptz not null,
  accepted integer not null,
  refused integer not null,
  primary key (connection, hour)
);

-- What was there before the hub came is back-fill: a feed's until it was read to its end once, and the runs that it queues.
alter table cursor add column caught_up boolean not null default false;
update cursor set caught_up = true;
alter table run add column backfill boolean not null default false;
create index run_backfill on run (not_before) where backfill and state in ('queued', 'retrying', 'running');
