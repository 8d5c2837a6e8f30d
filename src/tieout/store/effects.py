"""Effects: every change Tieout makes in a target system, its exact bytes, and the truth about what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows


async def get(tx: Tx, key: str) -> dict[str, Any] | None:
    return await row(tx, "select * from effect where key = %s", (key,))


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


async def supersede(tx: Tx, connection: str, operation: str, subject: str, version: str, now: datetime) -> None:
    """A newer content is confirmed: older ones that never settled no longer matter."""
    await tx.execute(
        """
        update effect set state = 'superseded', settled_at = %s, detail = 'a newer content is confirmed'
        where connection = %s and operation = %s and subject = %s and version < %s and state in ('sent', 'unknown', 'refused')
        """,
        (now, connection, operation, subject, version),
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
