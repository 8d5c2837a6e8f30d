-- An approval of a gate that nobody answers goes on to others, as the firm folder says: `answer_by` is when, and `goes_to` to whom.
-- `escalated_to` are those it went to, one after the other, and `added` the people who may answer since then: never who asked.
alter table approval
  add column gate text not null default '',
  add column answer_by timestamptz,
  add column goes_to text not null default '',
  add column escalated_to text[] not null default '{}',
  add column escalated_at timestamptz,
  add column added text[] not null default '{}' check (not lower(requested_by) = any(added));
create index approval_of_a_gate on approval (id) where state = 'open' and gate <> '';

-- Those that wait already are of the gate that their title begins with.
update approval set gate = regexp_replace(title, ' accept (the terms|the change order)( \([0-9]+ of [0-9]+\))?$', '')
where state = 'open' and members is not null;

-- An escalation is a reason to tell somebody.
alter table notice drop constraint notice_reason_check, add constraint notice_reason_check
  check (reason in ('unowned', 'promise', 'unknown', 'silence', 'escalated', 'digest', 'crowd'));
