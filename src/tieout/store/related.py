"""What one hold has to do with others: what the same fix ends, and what its document waits for besides."""

from __future__ import annotations

from typing import Any

from tieout.store.database import Tx, rows


async def frees(tx: Tx, hold: dict[str, Any]) -> list[dict[str, Any]]:
    """The other open holds that the same fix ends, in every entity for a value table."""
    return await rows(
        tx,
        """
        select id, title, subject, cause, entity, amount_minor, currency, opened_at, due_at, facts from hold
        where state = 'open' and id <> %(id)s and (
          cause = %(cause)s
          or (code = 'value.missing' and code = %(code)s and facts ->> 'table' = %(table)s
              and lower(facts ->> 'value') = lower(%(value)s)))
        order by due_at, id limit 200
        """,
        {
            "id": hold["id"],
            "cause": hold["cause"],
            "code": hold["code"],
            "table": hold["facts"].get("table", ""),
            "value": hold["facts"].get("value", ""),
        },
    )


async def together(tx: Tx, hold: dict[str, Any]) -> list[dict[str, Any]]:
    """The other open holds of the same document: it goes on when all of them are resolved."""
    return await rows(
        tx,
        "select id, title, code, facts, quote, due_at from hold where state = 'open' and id <> %s and flow = %s and subject = %s"
        " order by due_at, id",
        (hold["id"], hold["flow"], hold["subject"]),
    )
