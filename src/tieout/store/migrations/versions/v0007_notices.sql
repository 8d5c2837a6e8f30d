-- Notices: what was said about a cause, the messages on their way, and how each channel does.

create table channel (
  name text primary key,
  state text not null default 'well' check (state in ('well', 'failing', 'broken')),
  reason text not null default '',
  failures integer not null default 0,
  failing_since timestamptz,
  -- Nothing is sent through it before: it asked for patience, or failed a moment ago.
  not_before timestamptz,
  last_sent_at timestamptz
);

-- One conversation about one cause by one rule, from when it became urgent until nothing of it waits.
create table notice (
  id bigint generated always as identity primary key,
  rule text not null,
  channel text not null,
  cause text not null,
  -- The conversation's name for the other side; the messages' ids are made of it.
  thread text not null unique,
  reason text not null check (reason in ('unowned', 'promise', 'unknown', 'silence', 'digest', 'crowd')),
  count integer not null,
  amounts jsonb not null,
  said_at timestamptz not null,
  began_at timestamptz not null,
  ended_at timestamptz,
  -- The channel's own name of the first message, where it has one to edit it by.
  handle text not null default ''
);
create unique index notice_going_on on notice (rule, cause) where ended_at is null;
create unique index notice_digest_once on notice (rule, cause) where reason = 'digest';

-- The outbox: written in the transaction that decides what to say, sent afterwards.
create table notice_message (
  notice bigint not null references notice,
  sequence integer not null,
  channel text not null,
  body jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'dropped')),
  attempts integer not null default 0,
  decided_at timestamptz not null,
  sending_at timestamptz,
  settled_at timestamptz,
  detail text not null default '',
  primary key (notice, sequence)
);
create index notice_message_to_send on notice_message (channel, decided_at) where state in ('waiting', 'sending');
create index notice_message_recent on notice_message (decided_at desc);
