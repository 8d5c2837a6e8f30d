"""What is measured of the hub, all of it read in one snapshot: a sum of figures of two moments would look like a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.store.database import Database, Tx, row, rows

Rows = Sequence[Mapping[str, Any]]
# A collection that takes longer gives up; the watcher sees that it is missing.
_PATIENCE = "20s"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows as they stand; amounts are minor units of their currency, times are moments."""

    at: datetime
    # connection, kind, currency, received, done, held, ignored, in_flight, missing, each also with _minor, and oldest_at,
    # when the oldest message came that is neither done nor held nor ignored
    conservation: Rows
    # flow, state, n
    runs: Rows
    # code, entity, currency, n, overdue, unowned, minor
    holds: Rows
    # entity, n
    approvals: Rows
    # connection, operation, n, oldest_at
    unknown: Rows
    # name, state, ok, read: {kind: moment in ISO 8601}
    connections: Rows
    # name, state, waiting, sent
    channels: Rows
    # alive, gone, oldest_beat_at, and the sums of their pools: used, idle, requests_waiting
    workers: Mapping[str, Any]


async def snapshot(database: Database, now: datetime) -> Snapshot:
    async with database.transaction() as tx:
        await tx.execute("set transaction isolation level repeatable read, read only")
        await tx.execute("select set_config('statement_timeout', %s, true)", (_PATIENCE,))
        return Snapshot(
            at=now,
            conservation=await _conservation(tx),
            runs=await rows(tx, "select flow, state, count(*)::integer as n from run group by 1, 2"),
            holds=await _holds(tx, now),
            approvals=await rows(
                tx,
                "select coalesce(entity, '') as entity, count(*)::integer as n from approval where state = 'open' group by 1",
            ),
            unknown=await _unknown(tx),
            connections=await _connections(tx),
            channels=await _channels(tx),
            workers=await _workers(tx),
        )


async def _conservation(tx: Tx) -> Rows:
    """Without the days of the view of the same name: what is measured must not grow with time."""
    return await rows(
        tx,
        """
        select connection, kind, currency, coalesce(i.messages, 0) as received,
               coalesce(m.done, 0) as done, coalesce(m.held, 0) as held, coalesce(m.ignored, 0) as ignored,
               coalesce(m.in_flight, 0) as in_flight, coalesce(i.messages, 0) - coalesce(m.messages, 0) as missing,
               coalesce(i.minor, 0) as received_minor, coalesce(m.done_minor, 0) as done_minor,
               coalesce(m.held_minor, 0) as held_minor, coalesce(m.ignored_minor, 0) as ignored_minor,
               coalesce(m.in_flight_minor, 0) as in_flight_minor,
               coalesce(i.minor, 0) - coalesce(m.minor, 0) as missing_minor, m.oldest_at
        from (
          select connection, kind, currency, sum(messages) as messages, sum(amount_minor) as minor
          from intake group by 1, 2, 3
        ) i full outer join (
          select connection, kind, currency, count(*) as messages, sum(amount_minor) as minor,
                 min(received_at) filter (where state in ('received', 'in_flight')) as oldest_at,
                 count(*) filter (where state = 'done') as done,
                 count(*) filter (where state = 'held') as held,
                 count(*) filter (where state = 'ignored') as ignored,
                 count(*) filter (where state in ('received', 'in_flight')) as in_flight,
                 coalesce(sum(amount_minor) filter (where state = 'done'), 0) as done_minor,
                 coalesce(sum(amount_minor) filter (where state = 'held'), 0) as held_minor,
                 coalesce(sum(amount_minor) filter (where state = 'ignored'), 0) as ignored_minor,
                 coalesce(sum(amount_minor) filter (where state in ('received', 'in_flight')), 0) as in_flight_minor
          from message group by 1, 2, 3
        ) m using (connection, kind, currency)
        """,
    )


async def _holds(tx: Tx, now: datetime) -> Rows:
    return await rows(
        tx,
        """
        select code, coalesce(entity, '') as entity, currency, count(*)::integer as n, sum(amount_minor) as minor,
               count(*) filter (where due_at < %(now)s)::integer as overdue,
               count(*) filter (where assignee = '')::integer as unowned
        from hold where state = 'open' group by 1, 2, 3
        """,
        {"now": now},
    )


async def _unknown(tx: Tx) -> Rows:
    """An effect that is being sent has an unknown outcome too, for as long as the call lasts."""
    return await rows(
        tx,
        """
        select connection, operation, count(*)::integer as n, min(planned_at) as oldest_at from effect
        where state in ('sent', 'unknown') group by 1, 2
        """,
    )


async def _connections(tx: Tx) -> Rows:
    return await rows(
        tx,
        """
        select c.name, c.state, coalesce(c.health ->> 'ok', 'true') = 'true' as ok,
               coalesce((select jsonb_object_agg(k.kind, k.advanced_at) from cursor k where k.connection = c.name), '{}') as read
        from connection c
        """,
    )


async def _channels(tx: Tx) -> Rows:
    return await rows(
        tx,
        """
        select coalesce(c.name, m.channel) as name, coalesce(c.state, 'well') as state,
               coalesce(m.waiting, 0)::integer as waiting, coalesce(m.sent, 0)::integer as sent
        from channel c full outer join (
          select channel, count(*) filter (where state in ('waiting', 'sending')) as waiting,
                 count(*) filter (where state = 'sent') as sent
          from notice_message group by 1
        ) m on m.channel = c.name
        """,
    )


async def _workers(tx: Tx) -> Mapping[str, Any]:
    """Whether a worker lives is said by its advisory lock, which ends with its connection, and not by its last beat."""
    found = await row(
        tx,
        """
        select count(*) filter (where alive)::integer as alive, count(*) filter (where not alive)::integer as gone,
               min(seen_at) filter (where alive) as oldest_beat_at,
               coalesce(sum((pool ->> 'used')::integer) filter (where alive), 0)::integer as used,
               coalesce(sum((pool ->> 'idle')::integer) filter (where alive), 0)::integer as idle,
               coalesce(sum((pool ->> 'waiting')::integer) filter (where alive), 0)::integer as waiting
        from (
          select w.*, exists (
            select from pg_locks l where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
              and ((l.classid::bigint << 32) | l.objid::bigint) = w.lock_key
          ) as alive
          from worker w where gone_at is null
        ) each
        """,
    )
    assert found is not None
    return found
