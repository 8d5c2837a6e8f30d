-- How a worker uses its connections to the database, as its last heartbeat said.
alter table worker add column pool jsonb not null default '{}';
