-- How many workers ended while they were at this run, since it was last let go; a worker that was told to stop says so.
alter table run add column deaths integer not null default 0;
alter table worker add column told_to_stop boolean not null default false;
