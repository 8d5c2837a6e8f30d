-- How many looks at what this item would do were begun and never over: the worker that looked ended at it.
alter table plan_item add column looks integer not null default 0;
