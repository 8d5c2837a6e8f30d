-- One document in the ERP for the proposals of several engagements. They stay invoices of their own, with their lines and
-- evidence; what finance decides of the document comes back to each as its share.
create table consolidated_invoice (
  key text primary key,
  entity text not null references legal_entity,
  customer text not null,
  currency text not null,
  payment_terms text not null,
  tax_class text not null,
  po_number text not null,
  period text not null,
  part integer not null,
  state text not null default 'proposed'
    check (state in ('proposed', 'draft', 'validated', 'posted', 'partly_paid', 'paid', 'cancelled')),
  number text not null default '',
  connection text,
  record_id text not null default '',
  -- The newest content that is wanted, the newest one that is settled, and the one that the ERP has.
  version integer not null default 0,
  frozen integer not null default 0,
  drafted integer not null default 0,
  opened_at timestamptz not null,
  changed_at timestamptz not null,
  check (drafted <= frozen and frozen <= version)
);
create unique index consolidated_invoice_number on consolidated_invoice (number, entity) where number <> '';
create index consolidated_invoice_open on consolidated_invoice (key) where state in ('proposed', 'draft');

-- Which document an invoice stands on, and since which version of its content.
alter table invoice add column consolidated text references consolidated_invoice;
alter table invoice add column consolidated_since integer not null default 0;
create index invoice_consolidated on invoice (consolidated) where consolidated is not null;
-- Those on one document have its number in common.
drop index invoice_number;
create unique index invoice_number on invoice (entity, number) where number <> '' and consolidated is null;

-- Which engagements are being decided, or wait, at a cut-off: a document is drafted when none that it could gather is.
create index run_of_cut_off on run (engagement)
  where flow = 'time_to_invoice' and state in ('queued', 'running', 'retrying', 'held', 'waiting');
