-- For how many seconds of the hour calls were made or waited.
alter table pace_hour add column busy double precision not null default 0;

-- What the work of a flow costs: the calls that its runs made to a connection, and the lines that they finished there, by hour;
-- under the empty connection, the lines that the flow finished in all.
create table work_hour (
  flow text not null,
  connection text not null,
  hour timestamptz not null,
  calls bigint not null,
  lines bigint not null,
  primary key (flow, connection, hour)
);
