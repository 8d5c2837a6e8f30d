-- Under which name a target shows a record whose name it has no room for, and who would have had the same one.
create table shown_name (
  connection text not null references connection,
  kind text not null,
  key text not null,
  name text not null,
  folded text not null,
  full_name text not null,
  rival text not null default '',
  primary key (connection, kind, key)
);
create index shown_name_taken on shown_name (connection, kind, folded);
create index shown_name_of on shown_name (key);
