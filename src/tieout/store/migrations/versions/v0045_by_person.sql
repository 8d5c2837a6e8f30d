-- What `form_batch` looks for goes by person, so that batches that are on their way at once are of different people. The
-- conditions must stand here word for word.
drop index time_entry_to_deliver;
create index time_entry_to_deliver on time_entry (entity, person, source_id)
  where delivered_id = '' and case when state = 'approved' and problem = '' then minutes else 0 end > 0;
drop index time_entry_to_correct;
create index time_entry_to_correct on time_entry (entity, person, source_id)
  where delivered_id <> '' and problem <> 'target.refused'
    and (case when state = 'approved' and problem = '' then minutes else 0 end <> delivered_minutes
      or delivered_as <> entry_as(task, person, work_date));
