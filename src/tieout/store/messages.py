"""Intake: what arrived, from where, and what became of it; the two sides of the conservation law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from tieout.store import statistics
from tieout.store.database import Tx, row, rows, table

# The advisory locks under which the newest state of each record is found out.
_ORDER = 7316


@dataclass(frozen=True, slots=True)
class Arrival:
    """One state of one record, as a page of intake or a doorbell's re-reading brought it."""

    connection: str
    kind: str
    record_id: str
    version: str
    currency: str = ""
    amount_minor: int = 0
    payload: Mapping[str, Any] | None = None
    deleted: bool = False
    merged_into: str | None = None


async def record(
    tx: Tx, arrivals: Sequence[Arrival], *, via: str, now: datetime, again: bool = False, run_id: str | None = None
) -> list[dict[str, Any]]:
    """Stores what is new and counts it; a state seen before changes nothing. Returns the new rows (id, kind, record_id …).

    With a `run_id` it is in flight with that run, which the caller queues; without one it waits for a run.

    A version is the source's stamp, `#` and a fingerprint of what was read. Order follows the stamps, never the clock and
    never the order of arrival:

    - a state older than the newest is stored as ignored: superseded before it came;
    - the newest state again under a later stamp is an echo, of our own writing for example, and no news (T59), but what comes
      with a stamp in between is older from now on. With `again` it is news: between the two, another state may have come and
      gone that the database has forgotten;
    - of two states of one instant the one told last counts, also when it was told before: then `~2`, `~3` … follows its
      version, because the source went back to it within the instant.

    Whoever else records the same kind of the same connection waits until this transaction ends: it must see what is newest.
    """
    stored = await _record_all(tx, arrivals, _ROWS, via, now, again, run_id)
    if len(stored) >= statistics.BULK:
        await statistics.refresh(tx, "message")
    return stored


async def record_page(
    tx: Tx, arrivals: Sequence[Arrival], *, via: str, now: datetime, again: bool = False, run_id: str
) -> tuple[int, int]:
    """The same where nobody asks which they are: how many were new, and how many of these are in flight with the run."""
    counted = await _record_all(tx, arrivals, _NUMBERS, via, now, again, run_id)
    new, in_flight = (sum(each[name] for each in counted) for name in ("new", "in_flight"))
    if new >= statistics.BULK:
        await statistics.refresh(tx, "message")
    return new, in_flight


_ROWS: LiteralString = "select id, connection, kind, record_id, version, currency, amount_minor, day, state from stored"
_NUMBERS: LiteralString = """select count(*)::integer as new, count(*) filter (where state = 'in_flight')::integer as in_flight
          from stored"""


async def _record_all(
    tx: Tx, arrivals: Sequence[Arrival], answer: LiteralString, via: str, now: datetime, again: bool, run_id: str | None
) -> list[dict[str, Any]]:
    for connection, kind in sorted({(each.connection, each.kind) for each in arrivals}):
        await _lock(tx, connection, kind)
    found: list[dict[str, Any]] = []
    for states in _one_of_each_record(arrivals):
        news, fresh = await _unlike_the_newest(tx, states)
        for some, seen in ((fresh, False), (news, True)):
            if some:
                found += await _record(tx, some, answer, via, now, again, run_id, seen)
    return found


async def _lock(tx: Tx, connection: str, kind: str) -> None:
    """One at a time, until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (_ORDER, f"{connection}/{kind}"))


def _one_of_each_record(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """The page as it came, in parts in which no record is twice: a part sees what the one before it stored."""
    parts: list[list[Arrival]] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for each in arrivals:
        record_ = (each.connection, each.kind, each.record_id)
        if seen[record_] == len(parts):
            parts.append([])
        parts[seen[record_]].append(each)
        seen[record_] += 1
    return parts


async def _unlike_the_newest(tx: Tx, states: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """New states of records that were seen before, and of others. Those that are the newest already, to the letter, cost a
    comparison, and their contents no transport."""
    found = await rows(
        tx,
        """
        select c.position, last.told_until is null and last.version = c.version and last.deleted = c.deleted
                 and last.merged_into is not distinct from c.merged_into as same
        from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[])
          with ordinality c(connection, kind, record_id, version, deleted, merged_into, position)
        cross join lateral (
          select split_part(version, '~', 1) as version, told_until, deleted, merged_into from message m
          where m.connection = c.connection and m.kind = c.kind and m.record_id = c.record_id
          order by coalesce(told_until, split_part(version, '#', 1)) collate "C" desc, id desc limit 1
        ) last
        """,
        (
            [each.connection for each in states],
            [each.kind for each in states],
            [each.record_id for each in states],
            [each.version for each in states],
            [each.deleted for each in states],
            [each.merged_into for each in states],
        ),
    )
    same: dict[int, bool] = {each["position"]: each["same"] for each in found}
    news = [states[position - 1] for position, known in same.items() if not known]
    return news, [each for position, each in enumerate(states, 1) if position not in same]


async def _record(
    tx: Tx, states: Sequence[Arrival], answer: LiteralString, via: str, now: datetime, again: bool, run_id: str | None,
    seen: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """`seen` says that something of these records is stored: nothing is looked for otherwise. What is new is counted with it."""
    return await rows(
        tx,
        f"""
        with came as (
          select a.*, split_part(a.version, '#', 1) collate "C" as stamp, split_part(a.version, '#', 2) as content
          from jsonb_to_recordset(%(states)s) as a(connection text, kind text, record_id text, version text,
               currency text, amount_minor numeric, payload jsonb, deleted boolean, merged_into text)
        ), compared as (
          select c.*, last.id as last_id, last.stamp as last_stamp, coalesce(c.stamp < last.stamp, false) as late,
                 coalesce(last.content = c.content and (c.content <> '' or last.stamp = c.stamp)
                   and last.deleted = c.deleted and last.merged_into is not distinct from c.merged_into, false)
                   and not (%(again)s and c.stamp > last.stamp) as same
          from came c left join lateral (
            select id, coalesce(told_until, split_part(version, '#', 1)) collate "C" as stamp,
                   split_part(split_part(version, '#', 2), '~', 1) as content, deleted, merged_into
            from message m
            where %(seen)s and m.connection = c.connection and m.kind = c.kind and m.record_id = c.record_id
            order by 2 desc, id desc limit 1
          ) last on true
        ), echoed as (
          update message m set told_until = c.stamp
          from compared c where m.id = c.last_id and c.same and c.stamp > c.last_stamp
        ), stored as (
        insert into message (connection, kind, record_id, version, day, currency, amount_minor, via, payload, deleted,
                             merged_into, received_at, state, reason, settled_at, run_id)
        select c.connection, c.kind, c.record_id, c.version || case when c.stamp = c.last_stamp then (
                 select case when count(*) > 0 then '~' || count(*) + 1 else '' end from message m
                 where m.connection = c.connection and m.kind = c.kind and m.record_id = c.record_id
                   and split_part(m.version, '~', 1) = c.version) else '' end,
               %(day)s, c.currency, c.amount_minor, %(via)s, c.payload, c.deleted, c.merged_into, %(now)s,
               case when c.late then 'ignored' when %(run)s::text is null then 'received' else 'in_flight' end,
               case when c.late then 'superseded by a newer state' else '' end,
               case when c.late then %(now)s::timestamptz end, case when not c.late then %(run)s end
        from compared c where not c.same
        on conflict (connection, kind, record_id, version) do nothing
        returning id, connection, kind, record_id, version, currency, amount_minor, day, state
        ), counted as (
          insert into intake (connection, kind, day, currency, messages, amount_minor)
          select connection, kind, day, currency, count(*), sum(amount_minor) from stored group by 1, 2, 3, 4
        )
        {answer}
        """,  # noqa: S608 - literals of this module
        {
            "day": now.date(),
            "via": via,
            "now": now,
            "again": again,
            "seen": seen,
            "run": run_id,
            "states": table({name: getattr(each, name) for name in Arrival.__slots__} for each in states),
        },
    )


async def waiting(tx: Tx, connection: str, kind: str, limit: int) -> list[dict[str, Any]]:
    """Messages that no run has taken yet, the oldest first, locked against a second taker."""
    return await rows(
        tx,
        """
        select id, connection, kind, record_id, version, payload, deleted, merged_into, amount_minor, currency
        from message where connection = %s and kind = %s and state = 'received'
        order by id limit %s for update skip locked
        """,
        (connection, kind, limit),
    )


async def next_number(tx: Tx) -> int:
    """A number that no message has: the name of the page whose messages follow it."""
    found = await row(tx, "select nextval(pg_get_serial_sequence('message', 'id')) as n")
    assert found is not None
    return found["n"]


async def assign(tx: Tx, ids: Sequence[int], run_id: str) -> None:
    await tx.execute("update message set state = 'in_flight', run_id = %s where id = any(%s)", (run_id, list(ids)))


async def assign_each(tx: Tx, runs: Mapping[int, str]) -> None:
    """The same for messages of which each has a run of its own, by their ids."""
    await tx.execute(
        """
        update message set state = 'in_flight', run_id = w.run
        from unnest(%s::bigint[], %s::text[]) w(id, run) where message.id = w.id
        """,
        (list(runs), list(runs.values())),
    )


async def settle_run(tx: Tx, run_id: str, state: str, reason: str, now: datetime) -> None:
    """What became of a run becomes of its messages, except of those that the run itself has left with a person."""
    await tx.execute(
        """
        update message set state = %(state)s, reason = %(reason)s,
               settled_at = case when %(state)s in ('done', 'ignored') then %(now)s end
        where run_id = %(run)s and state = 'in_flight'
        """,
        {"state": state, "reason": reason, "now": now, "run": run_id},
    )


async def give_up(tx: Tx, run_id: str, reason: str, now: datetime) -> None:
    """A person ends the wait: what was held with the run is ignored, with the reason."""
    await tx.execute(
        """
        update message set state = 'ignored', reason = %s, settled_at = %s
        where run_id = %s and state in ('in_flight', 'held')
        """,
        (reason, now, run_id),
    )


async def release(tx: Tx, run_ids: Sequence[str]) -> None:
    """A run goes on: what waited with it is in flight again."""
    await tx.execute(
        "update message set state = 'in_flight', reason = '' where run_id = any(%s) and state = 'held'",
        (list(run_ids),),
    )


async def take_back(tx: Tx, run_id: str, reason: str) -> None:
    """A run that was let go has not begun and waits again, and what came with it."""
    await tx.execute(
        "update message set state = 'held', reason = %s where run_id = %s and state = 'in_flight'", (reason, run_id)
    )


async def settle(tx: Tx, ids: Sequence[int], state: str, reason: str, now: datetime) -> None:
    await tx.execute(
        """
        update message set state = %(state)s, reason = %(reason)s,
               settled_at = case when %(state)s in ('done', 'ignored') then %(now)s end
        where id = any(%(ids)s)
        """,
        {"state": state, "reason": reason, "now": now, "ids": list(ids)},
    )


# The messages of a run that it works off: those that wait, or all when none does. Counted: whether there `exists` one that
# waits, the server would find out by reading all messages of all runs.
_OF: LiteralString = """
  select m.* from (
    select count(*) > 0 as any_waits from message where run_id = {0} and state in ('in_flight', 'held')
  ) counted cross join lateral (select * from message where run_id = {0} offset 0) m
  where m.state in ('in_flight', 'held') = any_waits"""
OF_RUN: LiteralString = _OF.format("%(run)s")


async def of_run(tx: Tx, run_id: str, *, contents: bool = True) -> list[dict[str, Any]]:
    """The messages a run works off, with what the page brought of each. Without `contents` their payload is None."""
    return (await of_runs(tx, {run_id: contents}))[run_id]


async def of_runs(tx: Tx, runs: Mapping[str, bool]) -> dict[str, list[dict[str, Any]]]:
    """The same for several runs, each with whether it gets the contents."""
    found = await rows(
        tx,
        f"""
        select run_id, id, connection, kind, record_id, version, case when contents then payload end as payload, deleted,
               merged_into, amount_minor, currency, state
        from unnest(%s::text[], %s::boolean[]) w(run, contents) cross join lateral ({_OF.format("w.run")}) m order by id
        """,  # noqa: S608 - literals of this module
        (list(runs), list(runs.values())),
    )
    by_run: dict[str, list[dict[str, Any]]] = {each: [] for each in runs}
    for each in found:
        by_run[each.pop("run_id")].append(each)
    return by_run


async def unanswered(tx: Tx, connection: str, limit: int) -> list[dict[str, Any]]:
    """Of the oldest rings, one for each record."""
    return await rows(
        tx,
        """
        select distinct on (kind, record_id) kind, record_id, id from (
          select kind, record_id, id from bell where connection = %s and answered_at is null order by rung_at limit %s
        ) oldest order by kind, record_id
        """,
        (connection, limit),
    )


async def answered(tx: Tx, connection: str, kind: str, records: Sequence[str], before: datetime, now: datetime) -> None:
    """These records were read at a moment: whatever rang for them until then is answered."""
    await tx.execute(
        """
        update bell set answered_at = %s
        where connection = %s and kind = %s and record_id = any(%s) and rung_at <= %s and answered_at is null
        """,
        (now, connection, kind, list(records), before),
    )


async def untaken(tx: Tx) -> int:
    """Rings that nobody answered and messages that no run has taken."""
    found = await row(
        tx,
        """
        select (select count(*) from bell where answered_at is null)
             + (select count(*) from message where state = 'received') as n
        """,
    )
    return found["n"] if found else 0


async def conservation(tx: Tx) -> list[dict[str, Any]]:
    """The law's rows: per source, kind, day and currency, in count and in minor units."""
    return await rows(tx, "select * from conservation order by connection, kind, day, currency")
