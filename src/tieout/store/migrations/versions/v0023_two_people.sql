-- Where the same terms need several approvals, each is somebody else's. Decisions about one set of terms go one after another.
create function approval_of_another() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(new.flow || '/' || new.subject || '/' || new.terms_hash, 0));
  if exists (
    select from approval a where a.flow = new.flow and a.subject = new.subject and a.terms_hash = new.terms_hash
      and a.id <> new.id and a.state = 'approved' and lower(a.decided_by) = lower(new.decided_by)
  ) then
    raise exception 'each approval of the same terms is somebody else''s to give' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger approval_of_another before update of state on approval
  for each row when (new.state = 'approved') execute function approval_of_another();
