"""Effects: every change Tieout makes in a target system, its exact bytes, and the truth about what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows
from tieout.store.memory import Gap, Memory


async def get(tx: Tx, key: str) -> dict[str, Any] | None:
    return await row(tx, "select * from effect where key = %s", (key,))


@dataclass(frozen=True, slots=True)
class Standing:
    """An effect before it is made: its row, whether its connection is paused, and what the database knows of its memory."""

    stored: dict[str, Any] | None
    paused: bool
    memory: Memory


async def standing(tx: Tx, key: str, connection: str) -> Standing:
    found = await row(
        tx,
        """
        select e.*, coalesce(c.state = 'paused', false) as "_paused", m.timeline <> server_timeline() as "_moved",
               m.gap_since as "_since", m.gap_until as "_until"
        from memory m left join connection c on c.name = %s left join effect e on e.key = %s
        """,
        (connection, key),
    )
    assert found is not None, "the migration has written it"
    paused, moved, since, until = (found.pop(each) for each in ("_paused", "_moved", "_since", "_until"))
    return Standing(found if found["key"] else None, paused, Memory(moved, Gap(since, until) if since else None))


async def sending(
    tx: Tx,
    key: str,
    *,
    connection: str,
    operation: str,
    guarantee: str,
    subject: str,
    version: str,
    run_id: str,
    entity: str | None,
    engagement: str | None,
    request: bytes,
    state: str,
    now: datetime,
    forget: bool = True,
) -> None:
    """Writes down what is about to be sent. An effect that was refused or is to be sent again keeps its key.

    What a person answered about the sending before does not count for this one: `forget` says so.
    """
    await tx.execute(
        """
        insert into effect (key, connection, operation, guarantee, subject, version, run_id, entity, engagement, request,
                            state, planned_at, sent_at)
        values (%(key)s, %(connection)s, %(operation)s, %(guarantee)s, %(subject)s, %(version)s, %(run_id)s, %(entity)s,
                %(engagement)s, %(request)s, %(state)s, %(now)s, %(now)s)
        on conflict (key) do update set state = excluded.state, request = excluded.request, sent_at = excluded.sent_at,
               run_id = excluded.run_id, attempts = effect.attempts + 1, detail = '',
               answered = case when %(forget)s then null else effect.answered end
        """,
        {
            "key": key,
            "connection": connection,
            "operation": operation,
            "guarantee": guarantee,
            "subject": subject,
            "version": version,
            "run_id": run_id,
            "entity": entity,
            "engagement": engagement,
            "request": request,
            "state": state,
            "now": now,
            "forget": forget,
        },
    )


async def settled(
    tx: Tx,
    key: str,
    state: str,
    *,
    now: datetime,
    receipt: Mapping[str, Any] | None = None,
    detail: str = "",
    look_again_at: datetime | None = None,
    claim: int | None = None,
) -> None:
    """What became of an effect; with `claim`, only as long as that sending is the newest one and still open."""
    await tx.execute(
        """
        update effect set state = %s, settled_at = case when %s then %s::timestamptz end, receipt = coalesce(%s, receipt),
               detail = %s, look_again_at = %s
        where key = %s and (%s::integer is null or (attempts = %s and state = 'sent'))
        """,
        (
            state,
            state in ("done", "refused"),
            now,
            Jsonb(receipt) if receipt is not None else None,
            detail,
            look_again_at,
            key,
            claim,
            claim,
        ),
    )


async def to_look_at(tx: Tx, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Effects of class D whose target is to be searched once more for a late second one."""
    return await rows(
        tx, "select * from effect where look_again_at <= %s order by look_again_at limit %s", (now, limit)
    )


async def newest(tx: Tx, connection: str, operation: str, subject: str) -> dict[str, Any] | None:
    """The newest intended content of a subject, whatever became of it."""
    return await row(
        tx,
        """
        select * from effect where connection = %s and operation = %s and subject = %s and state <> 'superseded'
        order by version desc limit 1
        """,
        (connection, operation, subject),
    )


async def count(tx: Tx, connection: str, operation: str, subject: str) -> int:
    found = await row(
        tx,
        "select count(*) as n from effect where connection = %s and operation = %s and subject = %s",
        (connection, operation, subject),
    )
    return found["n"] if found else 0


async def supersede(tx: Tx, connection: str, operation: str, subject: str, version: str, now: datetime) -> None:
    """A newer content is confirmed: older ones that never settled no longer matter."""
    await tx.execute(
        """
        update effect set state = 'superseded', settled_at = %s, detail = 'a newer content is confirmed'
        where connection = %s and operation = %s and subject = %s and version < %s and state in ('sent', 'unknown', 'refused')
        """,
        (now, connection, operation, subject, version),
    )


async def others(tx: Tx, connection: str, operation: str, subject: str, version: str) -> list[dict[str, Any]]:
    """The other contents of a subject that may still be on their way: all but those that were answered the first time."""
    return await rows(
        tx,
        """
        select state, attempts, planned_at, sent_at from effect
        where connection = %s and operation = %s and subject = %s and version <> %s
          and (attempts > 1 or state not in ('done', 'refused'))
        """,
        (connection, operation, subject, version),
    )


async def unsettled(tx: Tx) -> list[dict[str, Any]]:
    """Effects that were sent and of which we do not know what became, the oldest first."""
    return await rows(tx, "select * from effect where state in ('sent', 'unknown') order by sent_at limit 1000")


async def in_doubt(tx: Tx, connection: str, subject: str, digest: str) -> dict[str, Any] | None:
    """The effect of a subject of which nobody knows what became, and nobody has answered yet; locked.

    `digest` is the SHA-256 of its bytes in hexadecimal, where it is known.
    """
    return await row(
        tx,
        """
        select * from effect where connection = %(connection)s and subject = %(subject)s and state in ('sent', 'unknown')
          and answered is null and (%(digest)s = '' or encode(sha256(request), 'hex') = %(digest)s)
        order by sent_at desc limit 1 for update
        """,
        {"connection": connection, "subject": subject, "digest": digest},
    )


async def answer(tx: Tx, key: str, said: Mapping[str, Any]) -> None:
    """What a person who looked into the target says of it: there, record, by, at."""
    await tx.execute("update effect set answered = %s where key = %s", (Jsonb(dict(said)), key))


async def looked_at(tx: Tx, key: str) -> None:
    await tx.execute("update effect set look_again_at = null where key = %s", (key,))


async def lock_subject(tx: Tx, connection: str, subject: str) -> None:
    """The fence: no two workers create under one business key at once. Held until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 7))", (f"{connection}\x1f{subject}",))
