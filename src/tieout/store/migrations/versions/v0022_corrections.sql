-- A credit note is an invoice of its own that takes back what another one billed: its evidence is negative. What it frees is
-- billed again or written off, as finance says; until then it waits.
alter table invoice add column corrects text references invoice;
alter table invoice add column rebill text not null default '' check (rebill in ('', 'ask', 'yes', 'no'));
create index invoice_correcting on invoice (corrects) where corrects is not null;

-- What the customer objects to, in the words that finance noted in the ERP.
alter table invoice add column disputed text not null default '';

-- Who wrote a piece off, and why.
alter table piece add column decided_by text not null default '';
alter table piece add column reason text not null default '';
alter table piece add check (fate <> 'written_off' or (decided_by <> '' and reason <> ''));
