-- In which increments the work of a task is billed, in minutes, and how an entry is rounded to them.
alter table project_task add column increment integer not null default 1 check (increment in (1, 6, 15, 30, 60));
alter table project_task add column direction text not null default 'up' check (direction in ('up', 'nearest'));

-- An entry's billable minutes as they are charged: up, or to the nearest increment and half of one up. What is rounded stays.
create function charged_minutes(minutes integer, increment integer, direction text) returns integer
language sql immutable parallel safe as $$
  select sign(minutes)::integer * increment
    * (case when direction = 'up' then ceil(abs(minutes)::numeric / increment)
            else floor(abs(minutes)::numeric / increment + 0.5) end)::integer
$$;
