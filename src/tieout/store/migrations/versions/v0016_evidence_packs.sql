-- An entry of the audit chain proves its place by the digest of what it says, without saying it. Null: an entry of 0.1.0,
-- whose hash is made of all of it at once.
alter table audit add column content text;
create index audit_by_object on audit (object, id);

create index approval_by_engagement on approval (engagement);
