-- The number under which an invoice is ordered: what is billed under it counts beneath the limit of that purchase order, also
-- after the deal has got another one.
alter table invoice add column po_number text not null default '';
update invoice i set po_number = btrim(d.body->>'po_number') from (
  select distinct on (key) key, body from document where kind = 'invoice' order by key, version desc
) d where d.key = i.key and coalesce(d.body->>'po_number', '') <> '';
create index invoice_po_number on invoice (po_number) where po_number <> '';

-- Who is beneath a limit of a customer or of a purchase order.
create index engagement_customer on document ((body #>> '{customer,key}')) where kind = 'engagement';
create index engagement_account on document ((body #>> '{customer,source_id}')) where kind = 'engagement';
create index engagement_po_number on document (btrim(body ->> 'po_number')) where kind = 'engagement';

-- One row for each customer or purchase order with a limit: engagements beneath it are billed one after another. Each that is
-- counts on, and whoever has decided by an older count decides again.
create table span (
  name text primary key,
  billed integer not null default 0
);
