-- Those who may give an approval, where the firm names a team; null: everybody with the right.
alter table approval add column members text[] check (cardinality(members) > 0);

-- Whoever answers is one of them, or stands in for one.
create function approval_of_the_team() returns trigger language plpgsql as $$
begin
  if not array[lower(new.decided_by), lower(new.on_behalf_of)] && new.members then
    raise exception 'this approval is the team''s to give' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger approval_of_the_team before update of state on approval
  for each row when (new.state <> 'open' and new.members is not null) execute function approval_of_the_team();
