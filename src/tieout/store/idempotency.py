"""Answers by idempotency key: the same request again gets the answer it was given, and nothing happens twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row

# A request that has had no answer for so long died with its process; whoever asks again may try.
_ABANDONED = timedelta(minutes=1)
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a key: the request it was used for, and the answer when there is one."""

    fingerprint: str
    status: int | None
    body: Any


async def claim(tx: Tx, actor: str, key: str, fingerprint: str, now: datetime) -> Known | None:
    """None when the caller is the one to act; else what the key was used for before, or is being used for now.

    Answers that nobody asks for any more are dropped on the way.
    """
    await tx.execute("delete from idempotent_request where begun_at < %s", (now - _KEPT,))
    claimed = await row(
        tx,
        """
        insert into idempotent_request (actor, key, fingerprint, begun_at) values (%(actor)s, %(key)s, %(print)s, %(now)s)
        on conflict (actor, key) do update set fingerprint = excluded.fingerprint, begun_at = excluded.begun_at, status = null,
          body = null
        where idempotent_request.status is null and idempotent_request.begun_at < %(abandoned)s
          and idempotent_request.fingerprint = excluded.fingerprint
        returning 1 as one
        """,
        {
            "actor": actor,
            "key": key,
            "print": fingerprint,
            "now": now,
            "abandoned": now - _ABANDONED,
        },
    )
    if claimed is not None:
        return None
    found = await row(tx, "select * from idempotent_request where actor = %s and key = %s", (actor, key))
    assert found is not None
    return Known(found["fingerprint"], found["status"], found["body"])


async def remember(tx: Tx, actor: str, key: str, status: int, body: Any) -> None:
    await tx.execute(
        "update idempotent_request set status = %s, body = %s where actor = %s and key = %s",
        (status, Jsonb(body), actor, key),
    )


async def forget(tx: Tx, actor: str, key: str) -> None:
    """The request failed without an answer of its own; the key may be used again."""
    await tx.execute("delete from idempotent_request where actor = %s and key = %s and status is null", (actor, key))
