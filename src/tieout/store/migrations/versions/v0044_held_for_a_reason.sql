-- What waits for one reason is found by it: each cut-off asks what of its work cannot be read, among all that is held.
drop index message_held;
create index message_held on message (connection, kind, reason, record_id) where state = 'held';
-- Two looks for each of a million entries that say nothing new: an entry's connection is that of the messages that brought it, which
-- have one, and a piece of evidence is written with its line, in one transaction; neither is ever deleted.
alter table time_entry drop constraint time_entry_connection_fkey;
alter table evidence drop constraint evidence_invoice_line_fkey;
