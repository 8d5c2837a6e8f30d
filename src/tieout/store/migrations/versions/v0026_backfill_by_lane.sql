-- What is pressing pulls the back-fill of its own lane along.
create index run_filling on run (lane) where backfill and not handed_over;
