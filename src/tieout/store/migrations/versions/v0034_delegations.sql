-- Somebody answers approvals in another's place for a time, as the other has said; withdrawn, it ends before.
create table delegation (
  id bigint generated always as identity (start with 101) primary key,
  owner text not null check (owner <> ''),
  delegate text not null check (delegate <> '' and lower(delegate) <> lower(owner)),
  begins_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > begins_at),
  reason text not null check (reason <> ''),
  made_at timestamptz not null,
  withdrawn_at timestamptz
);
create index delegation_to on delegation (lower(delegate), ends_at);

-- In whose place an approval was answered: never in that of whoever asked for it.
alter table approval add column on_behalf_of text
  check (lower(on_behalf_of) <> lower(requested_by) and lower(on_behalf_of) <> lower(decided_by));

-- As before, and whoever stands behind an approval counts as much as who gave it.
create or replace function approval_of_another() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(new.flow || '/' || new.subject || '/' || new.terms_hash, 0));
  if exists (
    select from approval a where a.flow = new.flow and a.subject = new.subject and a.terms_hash = new.terms_hash
      and a.id <> new.id and a.state = 'approved'
      and array[lower(a.decided_by), lower(a.on_behalf_of)] && array[lower(new.decided_by), lower(new.on_behalf_of)]
  ) then
    raise exception 'each approval of the same terms is somebody else''s to give' using errcode = 'check_violation';
  end if;
  return new;
end $$;

-- Nobody answers in another's place whom that one did not name for this moment; a delegate names nobody further.
create function approval_in_the_place_of() returns trigger language plpgsql as $$
begin
  if not exists (
    select from delegation d where lower(d.owner) = lower(new.on_behalf_of) and lower(d.delegate) = lower(new.decided_by)
      and d.begins_at <= new.decided_at and new.decided_at < d.ends_at
      and (d.withdrawn_at is null or d.withdrawn_at > new.decided_at)
  ) then
    raise exception 'no delegation lets one answer in the place of the other' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger approval_in_the_place_of before update on approval
  for each row when (new.on_behalf_of is not null) execute function approval_in_the_place_of();
