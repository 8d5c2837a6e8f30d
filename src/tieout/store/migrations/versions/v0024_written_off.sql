-- What the ledger gave up of an invoice that it calls paid: neither paid nor open.
alter table invoice add column written_off numeric not null default 0 check (written_off >= 0);
