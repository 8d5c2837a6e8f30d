-- Runs are handed over in lots: those that one worker had room for at one moment.
alter table run add column lot text;
create index run_of_lot on run (lot) where handed_over and state in ('queued', 'retrying', 'running');
create index run_at_work on run (lane) where handed_over and state in ('queued', 'retrying', 'running');
create index run_in_line on run (lane, not_before, sequence) where state in ('queued', 'retrying') and not handed_over;
