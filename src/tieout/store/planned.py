"""What people read of a plan: its documents by what they would do, their money, and which plans wait for somebody's word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tieout.store.database import Tx, row, rows


async def documents(tx: Tx, plan_id: int, *, only: str = "", after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """A page of a plan's items, in their order; `only` those that end so, or `money`, `unblocks`, `differs`."""
    return await rows(
        tx,
        """
        select i.*, r.engagement from plan_item i join run r on r.id = i.run_id
        where i.plan = %(plan)s and i.position > %(after)s and case %(only)s::text
          when '' then true
          when 'money' then jsonb_path_exists(i.content, '$.writes[*] ? (@.money == true && @.act != "skip")')
          when 'unblocks' then i.content ->> 'end' = 'done' and jsonb_path_exists(i.content, '$.writes[*] ? (@.act != "skip")')
          when 'differs' then jsonb_array_length(i.content -> 'differs') > 0
          else i.content ->> 'end' = %(only)s end
        order by i.position limit %(limit)s
        """,
        {"plan": plan_id, "only": only, "after": after, "limit": limit},
    )


async def worth(tx: Tx, plan_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The money of plans' documents, summed by plan and currency."""
    return await rows(
        tx,
        """
        select plan, content ->> 'currency' as currency, sum((content ->> 'amount')::numeric) as amount
        from plan_item where plan = any(%s) and content ->> 'currency' <> '' group by 1, 2 order by 1, 2
        """,
        (list(plan_ids),),
    )


async def differing(tx: Tx, plan_id: int) -> int:
    """How many documents would come out otherwise with today's configuration."""
    found = await row(
        tx,
        "select count(*) as n from plan_item where plan = %s and jsonb_array_length(content -> 'differs') > 0",
        (plan_id,),
    )
    return found["n"] if found else 0


async def overtaken(tx: Tx, plan_id: int) -> int:
    """How many of the documents that wait in a plan have begun again since it was asked for."""
    found = await row(
        tx,
        """
        select count(*) as n from plan_item i join run r on r.id = i.run_id
        where i.plan = %s and i.state = 'planned' and r.generation <> i.generation
        """,
        (plan_id,),
    )
    return found["n"] if found else 0


async def to_decide(tx: Tx) -> list[dict[str, Any]]:
    """Plans that wait for a person: for a second one's word, or to be confirmed; the oldest first."""
    return await rows(
        tx,
        """
        select p.*, (select count(*) from plan_item i where i.plan = p.id) as items,
          p.needs_approval <> '' and p.approved_by is null as waits
        from plan p where p.state = 'open' order by p.id
        """,
    )
