"""Who answers in whose place, from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows


async def add(
    tx: Tx, *, owner: str, delegate: str, begins_at: datetime, ends_at: datetime, reason: str, now: datetime
) -> int:
    """The number of a new one."""
    made = await row(
        tx,
        """
        insert into delegation (owner, delegate, begins_at, ends_at, reason, made_at)
        values (%s, %s, %s, %s, %s, %s) returning id
        """,
        (owner, delegate, begins_at, ends_at, reason, now),
    )
    assert made is not None
    return made["id"]


async def get(tx: Tx, number: int) -> dict[str, Any] | None:
    return await row(tx, "select * from delegation where id = %s", (number,))


async def not_over(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """Those in force and those to come, the first to begin first."""
    return await rows(
        tx,
        "select * from delegation where ends_at > %s and withdrawn_at is null order by begins_at, id limit 500",
        (now,),
    )


async def in_force(tx: Tx, delegate: str, now: datetime) -> list[str]:
    """In whose place somebody may answer at a moment."""
    found = await rows(
        tx,
        """
        select distinct owner from delegation where lower(delegate) = lower(%(who)s) and withdrawn_at is null
          and begins_at <= %(now)s and %(now)s < ends_at order by owner
        """,
        {"who": delegate, "now": now},
    )
    return [each["owner"] for each in found]


async def withdraw(tx: Tx, number: int, now: datetime) -> None:
    await tx.execute("update delegation set withdrawn_at = %s where id = %s", (now, number))


async def has_right(tx: Tx, email: str, roles: Sequence[str], entity: str | None, now: datetime) -> bool:
    """Whether somebody carries a token with one of these roles for a legal entity; empty is any, None the firm as a whole."""
    found = await row(
        tx,
        """
        select id from access_token where email = lower(%s) and roles && %s::text[] and revoked_at is null and expires_at > %s
          and (entities is null or %s::text = any(entities || ''::text)) limit 1
        """,
        (email, list(roles), now, entity),
    )
    return found is not None
