-- The same id with another content is another ring.
alter table bell add column content text not null default '';
alter table bell drop constraint bell_pkey, add primary key (connection, id, content, kind, record_id);
-- Until which stamp a state was told: the newest state again under a later stamp moves it, and is no message.
alter table message add column told_until text;
