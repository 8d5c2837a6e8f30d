-- What waits for one reason is found by it: each cut-off asks what of its work cannot be read, among all that is held.
drop index message_held;
create index message_held on message (connection, kind, reason, record_id) where state = 'held';
-- An entry's connection is that of the messages that brought it, which have one: a second look for each of a million says nothing new.
alter table time_entry drop constraint time_entry_connection_fkey;
