-- Entries on their way to the ERP's timesheets, frozen under one name until it has confirmed or refused them: minutes, and the
-- task, person and day that each is recorded under. A row of its own instead of a mark on each entry, which is not touched.
create table time_batch (
  name text primary key,
  entity text not null references legal_entity,
  connections text[] not null,
  source_ids text[] not null,
  minutes integer[] not null,
  recorded_as text[] not null
);
insert into time_batch
select batch, entity, array_agg(connection order by source_id), array_agg(source_id order by source_id),
       array_agg(batch_minutes order by source_id), array_agg(batch_as order by source_id)
from time_entry where batch <> '' group by batch, entity;

-- With the columns go the indexes that ask for them.
alter table time_entry drop column batch, drop column batch_minutes, drop column batch_as;
-- What `form_batch` looks for; their conditions must stand here word for word.
create index time_entry_to_deliver on time_entry (entity, work_date, source_id)
  where delivered_id = '' and case when state = 'approved' and problem = '' then minutes else 0 end > 0;
create index time_entry_to_correct on time_entry (entity, work_date, source_id)
  where delivered_id <> '' and problem <> 'target.refused'
    and (case when state = 'approved' and problem = '' then minutes else 0 end <> delivered_minutes
      or delivered_as <> entry_as(task, person, work_date));
