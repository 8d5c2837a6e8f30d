-- The legal entities whose books a token shows; null: every one's.
alter table access_token add column entities text[] check (cardinality(entities) > 0);
