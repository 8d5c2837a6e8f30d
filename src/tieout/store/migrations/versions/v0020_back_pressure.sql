-- Why a feed is not read further for now; empty when it is. What was not read stays at its source.
alter table cursor add column waits text not null default '';
