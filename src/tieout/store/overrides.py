"""Overrides: fields that people set in the hub, each with author and reason, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.overriding import Override
from tieout.store.database import Tx, row, rows


async def in_force(tx: Tx, kind: str, key: str) -> list[Override]:
    """Those that count for a document now, the oldest first."""
    found = await rows(
        tx,
        """
        select id, kind, key, field, value, author, reason from override
        where kind = %s and key = %s and not waiting and withdrawn_at is null order by id
        """,
        (kind, key),
    )
    return [Override(**each) for each in found]


async def get(tx: Tx, override_id: int) -> dict[str, Any] | None:
    return await row(tx, "select * from override where id = %s for update", (override_id,))


async def listed(tx: Tx, *, kind: str = "", key: str = "", withdrawn: bool = False) -> list[dict[str, Any]]:
    """The newest first; those that were withdrawn only when they are asked for."""
    return await rows(
        tx,
        """
        select * from override where (%(kind)s = '' or kind = %(kind)s) and (%(key)s = '' or key = %(key)s)
          and (%(withdrawn)s or withdrawn_at is null)
        order by id desc limit 1000
        """,
        {"kind": kind, "key": key, "withdrawn": withdrawn},
    )


async def add(tx: Tx, wanted: Mapping[str, Any], *, waiting: bool, now: datetime) -> int:
    """`wanted` has kind, key, field, value, author and reason. The number of the override."""
    stored = await row(
        tx,
        """
        insert into override (kind, key, field, value, author, reason, made_at, waiting)
        values (%(kind)s, %(key)s, %(field)s, %(json)s, %(author)s, %(reason)s, %(now)s, %(waiting)s) returning id
        """,
        {**wanted, "json": Jsonb(wanted["value"]), "now": now, "waiting": waiting},
    )
    assert stored is not None
    return stored["id"]


async def approve(tx: Tx, override_id: int, actor: str) -> None:
    """The second pair of eyes; the database itself refuses the author's own (check constraint)."""
    await tx.execute("update override set waiting = false, approved_by = %s where id = %s", (actor, override_id))


async def withdraw(tx: Tx, override_id: int, *, actor: str, why: str, now: datetime) -> None:
    await tx.execute(
        "update override set withdrawn_at = %s, withdrawn_by = %s, withdrawn_why = %s where id = %s",
        (now, actor, why, override_id),
    )


async def replace(tx: Tx, kind: str, key: str, field: str, *, actor: str, why: str, now: datetime) -> None:
    """Withdraws what is in force for a field: a newer override takes its place."""
    await tx.execute(
        """
        update override set withdrawn_at = %s, withdrawn_by = %s, withdrawn_why = %s
        where kind = %s and key = %s and field = %s and not waiting and withdrawn_at is null
        """,
        (now, actor, why, kind, key, field),
    )


async def reader(tx: Tx, engagement: str) -> dict[str, Any] | None:
    """The newest run that read an engagement at its source: the one to begin again when what it reads has changed."""
    return await row(
        tx,
        """
        select r.* from run r where r.engagement = %s and exists (
          select from message m join connection c on c.name = m.connection where m.run_id = r.id and c.role = 'crm')
        order by r.sequence desc limit 1
        """,
        (engagement,),
    )
