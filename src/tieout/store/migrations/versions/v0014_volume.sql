-- The task, person and day that an entry is recorded under. A date is written the same way whatever the session says, so that
-- an index may hold it.
create function entry_as(task text, person text, work_date date) returns text immutable parallel safe language sql as $$
  select task || '|' || person || '|' || lpad(extract(year from work_date)::text, 4, '0')
    || '-' || lpad(extract(month from work_date)::text, 2, '0') || '-' || lpad(extract(day from work_date)::text, 2, '0')
$$;

-- What `form_batch` corrects; its conditions must stand here word for word.
create index time_entry_to_correct on time_entry (entity, work_date, source_id)
  where batch = '' and delivered_id <> '' and problem <> 'target.refused'
    and (case when state = 'approved' and problem = '' then minutes else 0 end <> delivered_minutes
      or delivered_as <> entry_as(task, person, work_date));
create index time_entry_batch_of on time_entry (entity, batch) where batch <> '';
drop index time_entry_with_problem;
create index time_entry_with_problem on time_entry (connection, problem) where problem <> '';
