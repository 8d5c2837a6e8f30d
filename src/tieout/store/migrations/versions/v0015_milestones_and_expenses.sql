-- Milestones and expenses as the PSA tells them; what the contract and the firm say about an expense stands beside it.

create table milestone (
  connection text not null references connection,
  source_id text not null,
  version text not null,
  -- As the source names it; which project of ours that is, the crosswalk knows.
  project_ref text not null,
  name text not null,
  state text not null check (state in ('open', 'accepted', 'on_hold', 'deleted')),
  -- How far the customer has accepted it, and since when it stands like that. On hold it stays as it was before.
  share numeric not null check (share between 0 and 1),
  since date,
  accepted_by text not null default '',
  mapping text not null,
  changed_at timestamptz not null,
  primary key (connection, source_id),
  check (share = 0 or since is not null)
);
create index milestone_by_project on milestone (connection, project_ref);

create table expense (
  connection text not null references connection,
  source_id text not null,
  version text not null,
  project_ref text not null,
  task_ref text not null,
  person text not null,
  day date not null,
  category text not null,
  notes text not null default '',
  -- What was paid, what was claimed for it, and the rate between the two: units of the claim for one of the receipt, on a day.
  receipt_amount numeric not null,
  receipt_currency text not null,
  claim_amount numeric not null,
  claim_currency text not null,
  rate numeric,
  rate_date date,
  has_receipt boolean not null,
  billable boolean not null,
  taxable boolean not null,
  -- The input tax in the claim; null where the source does not tell.
  input_tax numeric,
  state text not null check (state in ('draft', 'submitted', 'approved', 'rejected', 'deleted')),
  approved_by text not null default '',
  approved_at timestamptz,
  mapping text not null,
  -- Found: empty or null while it is not known. The person's own entity may be another one than the project's (T49).
  person_entity text,
  project text not null default '',
  task text not null default '',
  entity text,
  engagement text,
  contract_version integer,
  -- In the project's currency and in that of the entity's books, each by the rate of the day where it is another one.
  project_amount numeric,
  project_currency text,
  project_rate numeric,
  project_rate_date date,
  book_amount numeric,
  book_currency text,
  book_rate numeric,
  book_rate_date date,
  treatment text check (treatment in ('recharge', 'disbursement', 'non_billable')),
  markup numeric,
  product text not null default '',
  problem text not null default '',
  quote text not null default '',
  changed_at timestamptz not null,
  primary key (connection, source_id)
);
create index expense_by_engagement on expense (engagement, day);
create index expense_with_problem on expense (connection, problem) where problem <> '';

create table expense_version (
  connection text not null,
  source_id text not null,
  version text not null,
  body jsonb not null,
  seen_at timestamptz not null,
  primary key (connection, source_id, version)
);
