"""Access tokens and sessions, kept as hashes: what is stolen from here opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tieout.store.database import Tx, row, rows

# A token that is used all the time is not written down all the time.
_COARSE = timedelta(minutes=1)


async def add_token(
    tx: Tx,
    token_hash: str,
    *,
    name: str,
    email: str,
    roles: Sequence[str],
    entities: Sequence[str] | None,
    issued_by: str,
    now: datetime,
    expires_at: datetime,
) -> int:
    stored = await row(
        tx,
        """
        insert into access_token (token_hash, name, email, roles, entities, issued_by, issued_at, expires_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s) returning id
        """,
        (
            token_hash,
            name,
            email,
            list(roles),
            entities if entities is None else list(entities),
            issued_by,
            now,
            expires_at,
        ),
    )
    assert stored is not None
    return stored["id"]


async def token(tx: Tx, token_hash: str, now: datetime) -> dict[str, Any] | None:
    """The token when it is valid at the moment; its use is noted, to the minute."""
    found = await row(
        tx,
        "select * from access_token where token_hash = %s and revoked_at is null and expires_at > %s",
        (token_hash, now),
    )
    if found is not None and _unnoted(found["last_used_at"], now):
        await tx.execute("update access_token set last_used_at = %s where id = %s", (now, found["id"]))
    return found


async def tokens(tx: Tx) -> list[dict[str, Any]]:
    """All tokens without their hashes, the newest first."""
    return await rows(
        tx,
        """
        select id, name, email, roles, entities, issued_by, issued_at, expires_at, last_used_at, revoked_at, revoked_by
        from access_token order by id desc
        """,
    )


async def revoke(tx: Tx, token_id: int, actor: str, now: datetime) -> bool:
    """Ends a token and every session that was opened with it; False when it is unknown or ended before."""
    found = await row(
        tx,
        "update access_token set revoked_at = %s, revoked_by = %s where id = %s and revoked_at is null returning id",
        (now, actor, token_id),
    )
    await tx.execute(
        "update access_session set closed_at = %s where access_token = %s and closed_at is null", (now, token_id)
    )
    return found is not None


async def open_session(tx: Tx, token_hash: str, access_token: int, *, now: datetime, expires_at: datetime) -> None:
    await tx.execute(
        """
        insert into access_session (token_hash, access_token, opened_at, expires_at, last_used_at)
        values (%s, %s, %s, least(%s, (select expires_at from access_token where id = %s)), %s)
        """,
        (token_hash, access_token, now, expires_at, access_token, now),
    )


async def session(tx: Tx, token_hash: str, now: datetime, idle_since: datetime) -> dict[str, Any] | None:
    """The token behind a session that is open, not expired, used since a moment, and whose token is still valid."""
    found = await row(
        tx,
        """
        select t.*, s.last_used_at as session_used_at, s.expires_at as session_expires_at
        from access_session s join access_token t on t.id = s.access_token
        where s.token_hash = %s and s.closed_at is null and s.expires_at > %s and s.last_used_at > %s
          and t.revoked_at is null and t.expires_at > %s
        """,
        (token_hash, now, idle_since, now),
    )
    if found is not None and _unnoted(found["session_used_at"], now):
        await tx.execute("update access_session set last_used_at = %s where token_hash = %s", (now, token_hash))
    return found


async def close_session(tx: Tx, token_hash: str, now: datetime) -> None:
    await tx.execute(
        "update access_session set closed_at = %s where token_hash = %s and closed_at is null", (now, token_hash)
    )


def _unnoted(last: datetime | None, now: datetime) -> bool:
    return last is None or abs(now - last) >= _COARSE
