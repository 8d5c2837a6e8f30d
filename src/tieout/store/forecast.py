"""What a forecast needs: the lines that wait, what lines like them have cost, and how fast each system was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Json

from tieout.store.database import Tx, rows

# From so long ago on it is looked at what work costs and how fast systems are.
_MEMORY = timedelta(days=7)


async def learn(tx: Tx, done: Sequence[tuple[str, Mapping[str, tuple[int, int]]]], now: datetime) -> None:
    """Calls and lines of runs, each with its flow, by connection; under the empty name, the lines of the flow."""
    told = [(flow, name, calls, lines) for flow, costs in done for name, (calls, lines) in costs.items()]
    await tx.execute(
        """
        insert into work_hour (flow, connection, hour, calls, lines)
        select d->>0, d->>1, date_trunc('hour', %s::timestamptz, 'UTC'), sum((d->>2)::bigint), sum((d->>3)::bigint)
        from json_array_elements(%s) d group by 1, 2 order by 1, 2
        on conflict (flow, connection, hour) do update
        set calls = work_hour.calls + excluded.calls, lines = work_hour.lines + excluded.lines
        """,
        (now, Json(told)),
    )


async def waiting(tx: Tx) -> list[dict[str, Any]]:
    """Lines that the hub itself has to do, by flow, back-fill or not, and legal entity: a run's messages, or the run; for the
    ERPs' timesheets the entries. The conditions stand here as in the indexes that count them."""
    return await rows(
        tx,
        """
        select flow, backfill, entity, sum(lines)::bigint as lines from (
          select r.flow, r.backfill, null as entity,
            greatest((select count(*) from message m where m.run_id = r.id and m.state = 'in_flight'), 1) as lines
          from run r where r.state in ('queued', 'running', 'retrying')
          union all
          select 'time_to_erp', false, t.entity, count(*) from time_entry t
          where t.delivered_id = ''
            and case when t.state = 'approved' and t.problem = '' then t.minutes else 0 end > 0
          group by t.entity
          union all
          select 'time_to_erp', false, entity, cardinality(source_ids) from time_batch where name like '%%-change-%%'
        ) what where flow <> 'time_to_erp' or entity is not null group by 1, 2, 3 order by 1, 2, 3
        """,
    )


async def costs(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """Calls and lines of the last week, by flow and connection."""
    return await rows(
        tx,
        """
        select flow, connection, sum(calls)::bigint as calls, sum(lines)::bigint as lines from work_hour
        where hour >= %s group by flow, connection
        """,
        (now - _MEMORY,),
    )


async def paces(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """Each connection's pace, the database's time, what is read from it later and why, today's calls, and its speed in the
    busiest hour of the last week."""
    return await rows(
        tx,
        """
        select c.name as connection, coalesce(p.shared, '{}') as shared,
          extract(epoch from clock_timestamp())::float as now,
          (select coalesce(string_agg(k.kind || ': ' || k.waits, '; ' order by k.kind), '') from cursor k
           where k.connection = c.name and k.waits <> '') as read_later,
          coalesce(today.accepted, 0)::integer as accepted, coalesce(today.refused, 0)::integer as refused, busiest.speed
        from connection c left join pace p on p.connection = c.name
        left join lateral (
          select sum(accepted) as accepted, sum(refused) as refused from pace_hour h
          where h.connection = c.name and h.hour > clock_timestamp() - interval '24 hours') today on true
        left join lateral (
          select accepted / busy as speed from pace_hour h
          where h.connection = c.name and h.hour >= %s and h.busy >= 1 and h.accepted > 0 order by h.accepted desc limit 1
        ) busiest on true
        order by c.name
        """,
        (now - _MEMORY,),
    )
