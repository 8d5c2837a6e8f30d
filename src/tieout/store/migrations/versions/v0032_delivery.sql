-- A role that works on holds and sees hours, and no money.
alter table access_token drop constraint access_token_roles_check;
alter table access_token add constraint access_token_roles_check
  check (cardinality(roles) > 0 and roles <@ array['viewer', 'delivery', 'operator', 'finance', 'engineer']);
