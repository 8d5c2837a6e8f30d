-- What a person last did about a hold, and the run that it set in motion: when that run finds the problem gone, the hold
-- was ended by this person and not by its source.
alter table hold
  add column acted_by text not null default '',
  add column acted_why text not null default '',
  add column acted_run text not null default '';
