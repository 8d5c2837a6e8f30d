-- A hold that comes back is the old one with its story; teams own holds by rules; an overdue one climbs from person to person.
alter table hold
  add column first_opened_at timestamptz,
  add column reopened integer not null default 0,
  add column wakes_on_change boolean not null default false,
  add column team text not null default '',
  add column rule text not null default '',
  -- Who gave it to the assignee by hand; empty when a rule did, or nobody.
  add column assigned_by text not null default '',
  add column escalations integer not null default 0,
  add column escalated_at timestamptz,
  add column escalated_to text not null default '';
update hold set first_opened_at = opened_at, assigned_by = case when assignee = '' then '' else coalesce(
  (select e.actor from hold_event e where e.hold_id = hold.id and e.what = 'assigned to ' || hold.assignee order by id desc limit 1),
  'somebody') end;
alter table hold alter column first_opened_at set not null;

create index hold_resolved on hold (flow, subject, cause) where state = 'resolved';
create index hold_reopened on hold (id) where reopened > 0;

alter table hold_event
  add column kind text not null default 'event' check (kind in ('event', 'comment', 'question', 'answer'));

-- A question to somebody about a hold; it has an address of its own, and its answer becomes part of the hold's story.
create table hold_question (
  id bigint generated always as identity (start with 301) primary key,
  hold_id bigint not null references hold,
  question text not null check (question <> ''),
  asked_of text not null check (asked_of <> ''),
  asked_by text not null,
  asked_at timestamptz not null,
  answer text not null default '',
  choice text not null default '',
  answered_by text,
  answered_at timestamptz
);
create index hold_question_by_hold on hold_question (hold_id);

-- A field of a document that somebody sets in the hub, for a reason, as long as nobody withdraws it. The source keeps its own.
create table override (
  id bigint generated always as identity (start with 701) primary key,
  kind text not null,
  key text not null,
  field text not null,
  value jsonb not null,
  author text not null,
  reason text not null check (reason <> ''),
  made_at timestamptz not null,
  -- Where the firm wants four eyes it waits until somebody else has approved it.
  waiting boolean not null default false,
  approved_by text check (approved_by <> author),
  withdrawn_at timestamptz,
  withdrawn_by text not null default '',
  withdrawn_why text not null default ''
);
create unique index override_in_force on override (kind, key, field) where withdrawn_at is null and not waiting;

-- What a person who looked into a target said of an effect whose outcome nobody knew: there, record, by, at.
alter table effect add column answered jsonb;
