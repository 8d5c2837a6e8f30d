"""Lists for machines: pages by key, so that a page stays right while rows come and go around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class WantedHolds:
    """An empty field does not filter. `overdue_at` keeps what is open and was due before that moment."""

    state: str = "open"
    code: str = ""
    owner: str = ""
    assignee: str = ""
    entity: str = ""
    engagement: str = ""
    flow: str = ""
    team: str = ""
    cause: str = ""
    overdue_at: datetime | None = None


async def holds(tx: Tx, wanted: WantedHolds, *, after: tuple[datetime, int] | None, limit: int) -> list[dict[str, Any]]:
    """By due date, then number; `after` is (due, number) of the last one that was seen."""
    due, number = after or (None, 0)
    return await rows(
        tx,
        """
        select * from hold
        where (%(state)s = '' or state = %(state)s) and (%(code)s = '' or code = %(code)s)
          and (%(owner)s = '' or owner = %(owner)s) and (%(assignee)s = '' or assignee = %(assignee)s)
          and (%(entity)s = '' or entity = %(entity)s) and (%(engagement)s = '' or engagement = %(engagement)s)
          and (%(flow)s = '' or flow = %(flow)s) and (%(team)s = '' or team = %(team)s)
          and (%(cause)s = '' or cause = %(cause)s)
          and (%(overdue_at)s::timestamptz is null or (state = 'open' and due_at <= %(overdue_at)s))
          and (%(due)s::timestamptz is null or (due_at, id) > (%(due)s::timestamptz, %(number)s))
        order by due_at, id limit %(limit)s
        """,
        {
            **{name: getattr(wanted, name) for name in WantedHolds.__slots__},
            "due": due, "number": number, "limit": limit,
        },
    )  # fmt: skip


async def approvals(tx: Tx, state: str, *, after: int, limit: int) -> list[dict[str, Any]]:
    return await rows(
        tx,
        "select * from approval where (%(state)s = '' or state = %(state)s) and id > %(after)s order by id limit %(limit)s",
        {"state": state, "after": after, "limit": limit},
    )


async def runs(
    tx: Tx, *, state: str, flow: str, engagement: str, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """The newest first; `before` is the sequence of the last one that was seen."""
    return await rows(
        tx,
        """
        select * from run
        where (%(state)s = '' or state = %(state)s) and (%(flow)s = '' or flow = %(flow)s)
          and (%(engagement)s = '' or engagement = %(engagement)s)
          and (%(before)s::bigint is null or sequence < %(before)s)
        order by sequence desc limit %(limit)s
        """,
        {"state": state, "flow": flow, "engagement": engagement, "before": before, "limit": limit},
    )


async def steps(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from step where run_id = %s order by generation, position", (run_id,))


async def effects_of_run(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """What a run did in the target systems, without the bytes it sent."""
    return await rows(tx, f"select {_EFFECT} from effect where run_id = %s order by planned_at, key", (run_id,))  # noqa: S608


async def unsettled_effects(
    tx: Tx, *, connection: str, after: tuple[datetime, str] | None, limit: int
) -> list[dict[str, Any]]:
    """Effects that are sent, unknown or refused, and those whose target is to be searched once more; the oldest first."""
    sent, key = after or (None, "")
    return await rows(
        tx,
        f"""
        select {_EFFECT} from effect
        where (state in ('sent', 'unknown', 'refused') or look_again_at is not null)
          and (%(connection)s = '' or connection = %(connection)s)
          and (%(sent)s::timestamptz is null or (sent_at, key) > (%(sent)s::timestamptz, %(key)s))
        order by sent_at, key limit %(limit)s
        """,  # noqa: S608
        {"connection": connection, "sent": sent, "key": key, "limit": limit},
    )


_EFFECT = """key, connection, operation, guarantee, subject, version, entity, engagement, run_id, state, attempts, planned_at,
  sent_at, settled_at, look_again_at, receipt, detail"""


async def counts(tx: Tx) -> dict[str, Any]:
    """How much there is to do, right now, in one row."""
    found = await row(
        tx,
        """
        select
          (select count(*) from run where state in ('queued', 'running', 'retrying')) as runs_at_work,
          (select count(*) from run where state in ('held', 'waiting')) as runs_waiting,
          (select count(*) from hold where state = 'open') as holds_open,
          (select count(*) from approval where state = 'open') as approvals_open,
          (select count(*) from effect where state in ('sent', 'unknown')) as effects_unsettled,
          (select count(*) from message where state = 'received') as messages_waiting,
          (select count(*) from bell where answered_at is null) as bells_waiting,
          (select count(*) from connection where state = 'paused') as connections_paused,
          (select count(*) from worker where gone_at is null) as workers
        """,
    )
    assert found is not None
    return found


async def values(tx: Tx, table: str) -> list[dict[str, Any]]:
    """Every row of a value table, the ones that wait for a second pair of eyes among them."""
    return await rows(
        tx, "select * from value_row where table_name = %s order by key, entity, valid_from, id limit 5000", (table,)
    )
