-- A document may be for the projects of one engagement alone; empty, it is for all of a customer or of an order.
alter table consolidated_invoice add column engagement text not null default '';
