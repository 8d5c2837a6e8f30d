-- The key of an effect is the digest of its connection, operation, subject and version: one of the two constraints is enough.
-- With both, whoever claims an effect at the moment in which another does may meet the second, which "on conflict (key)" does
-- not look at, as an error.
alter table effect drop constraint effect_connection_operation_subject_version_key;
create index effect_by_subject on effect (connection, operation, subject, version);
