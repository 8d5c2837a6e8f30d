-- Time of people whom the project's company does not employ: another company of the firm lends them, or a vendor does. It goes to
-- no timesheet, since its cost is told by a bill: `lender` is the company's code or the vendor's name.
alter table time_entry add column lender_kind text not null default '' check (lender_kind in ('', 'company', 'vendor'));
alter table time_entry add column lender text not null default '';
create index time_entry_lent on time_entry (lender, work_date) where lender <> '';

-- A bill of a vendor, or between two companies: what it was matched with, and what it says itself.
create table lender_bill (
  kind text not null check (kind in ('company', 'vendor')),
  lender text not null,
  number text not null,
  through date not null,
  currency text not null,
  expected numeric not null,
  amount numeric,
  minutes integer not null,
  matched_by text not null,
  matched_at timestamptz not null,
  primary key (kind, lender, number)
);

-- What of each entry a bill stands for. An entry that changes afterwards is open again with the difference alone.
create table lender_bill_entry (
  kind text not null,
  lender text not null,
  number text not null,
  connection text not null,
  source_id text not null,
  minutes integer not null,
  cost numeric not null,
  currency text not null,
  foreign key (kind, lender, number) references lender_bill,
  primary key (connection, source_id, kind, lender, number)
);
