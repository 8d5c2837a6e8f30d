-- Which version of a contract a system shows, as it confirmed it last. What is agreed stands on the project.
create table contract_shown (
  engagement text not null,
  connection text not null references connection (name),
  version integer not null,
  shown_at timestamptz not null,
  primary key (engagement, connection)
);

-- Nobody approves what they asked for, however their address is spelled.
alter table approval add constraint approval_by_somebody_else check (lower(decided_by) <> lower(requested_by)) not valid;
