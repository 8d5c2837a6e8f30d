"""The shared pace of each system: one row that whoever asks for calls locks for a moment, and what every process waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Database, Tx, row, rows

# Seconds after which what a process said of itself counts no more: its leave has ended with it.
LEASE = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What one system's pace is now. `others` are the rows (in_flight, waiting) of the other processes that live, `now` is the
    database's time in seconds, `day` how many calls were made in the last 24 hours."""

    shared: Mapping[str, Any]
    others: Sequence[Mapping[str, Any]]
    now: float
    day: int


@dataclass(frozen=True, slots=True)
class Said:
    """The new pace, what this process has under way and waits for from now on, the calls answered since it last asked, and the
    seconds since anybody asked in which the system was used."""

    shared: Mapping[str, Any]
    in_flight: int
    waiting: Mapping[str, int]
    accepted: int
    refused: int
    busy: float


async def ask(database: Database, connection: str, process: str, decide: Callable[[Standing], Said]) -> None:
    """Lets one process at a time decide about a system's pace."""
    async with database.transaction() as tx:
        await tx.execute("set local synchronous_commit = off")
        said = decide(await _standing(tx, connection, process))
        await tx.execute(
            """
            with said as (
              insert into pace_process (connection, process, in_flight, waiting, seen_at)
              values (%(connection)s, %(process)s, %(in_flight)s, %(waiting)s, clock_timestamp())
              on conflict (connection, process) do update
              set in_flight = excluded.in_flight, waiting = excluded.waiting, seen_at = excluded.seen_at
            ), counted as (
              insert into pace_hour (connection, hour, accepted, refused, busy)
              select %(connection)s, date_trunc('hour', clock_timestamp(), 'UTC'), %(accepted)s, %(refused)s, %(busy)s
              where %(accepted)s + %(refused)s > 0 or %(busy)s > 0
              on conflict (connection, hour) do update
              set accepted = pace_hour.accepted + excluded.accepted, refused = pace_hour.refused + excluded.refused,
                  busy = pace_hour.busy + excluded.busy
            )
            update pace set shared = %(shared)s where connection = %(connection)s
            """,
            {
                "connection": connection, "process": process, "in_flight": said.in_flight,
                "waiting": Jsonb(dict(said.waiting)), "shared": Jsonb(dict(said.shared)),
                "accepted": said.accepted, "refused": said.refused, "busy": said.busy,
            },
        )  # fmt: skip


async def _standing(tx: Tx, connection: str, process: str) -> Standing:
    found = await row(tx, "select shared from pace where connection = %s for update", (connection,))
    if found is None:
        await tx.execute("insert into pace (connection) values (%s) on conflict do nothing", (connection,))
        found = await row(tx, "select shared from pace where connection = %s for update", (connection,))
        assert found is not None
    others = await rows(
        tx,
        """
        select extract(epoch from clock_timestamp())::float as now, p.in_flight, p.waiting,
          (select coalesce(sum(accepted + refused), 0) from pace_hour h
           where h.connection = %(connection)s and h.hour > clock_timestamp() - interval '24 hours')::integer as day
        from (select 1) one left join pace_process p on p.connection = %(connection)s and p.process <> %(process)s
          and p.seen_at > clock_timestamp() - make_interval(secs => %(lease)s)
        """,
        {"connection": connection, "process": process, "lease": LEASE},
    )
    living = [each for each in others if each["in_flight"] is not None]
    return Standing(found["shared"], living, others[0]["now"], others[0]["day"])


async def leave(database: Database, process: str) -> None:
    """A process ends: what it had under way counts no more."""
    async with database.transaction() as tx:
        await tx.execute("delete from pace_process where process = %s", (process,))
