-- The first eight digits of the current log file's name: a server that was promoted or restored is on a new timeline.
create function server_timeline() returns text language sql volatile as $$
  select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
$$;

-- What the database knows of its own memory: one row. Another timeline than the server's means a failover or a restore, after
-- which things may be true in the systems and forgotten here: what happened between `gap_since` and `gap_until`.
create table memory (
  sole boolean primary key default true check (sole),
  timeline text not null,
  gap_since timestamptz,
  gap_until timestamptz check (gap_until >= gap_since)
);
insert into memory (timeline) values (server_timeline());

-- Cursors of finished sweeps, one every few minutes: where to read on from when what followed is forgotten.
create table cursor_mark (
  connection text not null references connection,
  kind text not null,
  marked_at timestamptz not null,
  value text not null,
  primary key (connection, kind, marked_at)
);
-- Whether what comes next is read again on purpose: a state that looks known is worked off once more.
alter table cursor add column again boolean not null default false;
