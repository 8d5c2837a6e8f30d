"""Replay plans: which runs they are about, what each would do, who confirmed it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows

# Runs that a plan may begin again: not those that are at work already.
ENDED = ("held", "waiting", "done", "ignored")


async def ask(
    tx: Tx,
    run_ids: Sequence[str],
    *,
    asked: Mapping[str, Any],
    what: str,
    how: str,
    again: str,
    actor: str,
    now: datetime,
) -> dict[str, Any]:
    """A new plan over these runs, in this order; what they would do is still to be found out."""
    plan = await row(
        tx,
        "insert into plan (asked, what, how, again, made_by, made_at) values (%s, %s, %s, %s, %s, %s) returning *",
        (Jsonb(dict(asked)), what, how, again, actor, now),
    )
    assert plan is not None
    await tx.execute(
        """
        insert into plan_item (plan, position, run_id, generation, was, firm_version, as_of)
        select %s, w.position, r.id, r.generation, r.state, r.firm_version, r.started_at
        from unnest(%s::text[]) with ordinality as w(id, position) join run r on r.id = w.id
        """,
        (plan["id"], list(run_ids)),
    )
    return plan


async def get(tx: Tx, plan_id: int) -> dict[str, Any] | None:
    return await row(tx, "select * from plan where id = %s", (plan_id,))


async def locked(tx: Tx, plan_id: int) -> dict[str, Any] | None:
    """The plan, kept from changing until the transaction ends."""
    return await row(tx, "select * from plan where id = %s for update", (plan_id,))


async def listed(tx: Tx, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Plans, the newest first."""
    return await rows(
        tx,
        """
        select p.*, (select count(*) from plan_item i where i.plan = p.id) as items
        from plan p where %(before)s::bigint is null or p.id < %(before)s order by p.id desc limit %(limit)s
        """,
        {"limit": limit, "before": before},
    )


async def items(tx: Tx, plan_id: int) -> list[dict[str, Any]]:
    return await rows(tx, "select * from plan_item where plan = %s order by position", (plan_id,))


async def page_of_items(tx: Tx, plan_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    return await rows(
        tx,
        "select * from plan_item where plan = %s and position > %s order by position limit %s",
        (plan_id, after, limit),
    )


async def to_rehearse(tx: Tx, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Items that a plan in the making has not found out about, or that a confirmation has not checked again."""
    if plan["state"] == "making":
        return await rows(
            tx, "select * from plan_item where plan = %s and content is null order by position", (plan["id"],)
        )
    return await rows(
        tx,
        """
        select * from plan_item where plan = %s and not checked and state = 'planned' and position <= %s order by position
        """,
        (plan["id"], plan["reach"]),
    )


async def progress(tx: Tx, plan_id: int) -> dict[str, int]:
    """How many items there are, are found out, are checked again, and by state."""
    found = await row(
        tx,
        """
        select count(*)::integer as items, count(content)::integer as found, count(*) filter (where checked)::integer as checked,
          count(*) filter (where state = 'planned')::integer as planned,
          count(*) filter (where state = 'released')::integer as released,
          count(*) filter (where state in ('done', 'ignored'))::integer as done,
          count(*) filter (where state in ('held', 'waiting'))::integer as held,
          count(*) filter (where state = 'stopped')::integer as stopped
        from plan_item where plan = %s
        """,
        (plan_id,),
    )
    assert found is not None
    return found


async def found_out(tx: Tx, plan_id: int, position: int, content: Mapping[str, Any]) -> None:
    await tx.execute(
        "update plan_item set content = %s where plan = %s and position = %s",
        (Jsonb(dict(content)), plan_id, position),
    )


async def looking(tx: Tx, plan_id: int, position: int) -> None:
    """Counts a look before it is taken: one that was never over was the end of its worker."""
    await tx.execute("update plan_item set looks = looks + 1 where plan = %s and position = %s", (plan_id, position))


async def looked(tx: Tx, plan_id: int, position: int) -> None:
    await tx.execute("update plan_item set looks = 0 where plan = %s and position = %s", (plan_id, position))


async def checked(tx: Tx, plan_id: int, position: int) -> None:
    await tx.execute("update plan_item set checked = true where plan = %s and position = %s", (plan_id, position))


async def made(tx: Tx, plan_id: int, *, hash_: str, sums: Mapping[str, Any], needs_approval: str) -> None:
    await tx.execute(
        "update plan set state = 'open', hash = %s, sums = %s, needs_approval = %s where id = %s and state = 'making'",
        (hash_, Jsonb(dict(sums)), needs_approval, plan_id),
    )


async def approve(tx: Tx, plan_id: int, actor: str, now: datetime) -> None:
    """The database itself refuses the plan's maker (check constraint)."""
    await tx.execute("update plan set approved_by = %s, approved_at = %s where id = %s", (actor, now, plan_id))


async def confirm(tx: Tx, plan_id: int, *, reach: int, actor: str, now: datetime) -> None:
    """From here on the world is looked at once more, and then the runs begin."""
    await tx.execute(
        "update plan set state = 'checking', reach = %s, confirmed_by = %s, confirmed_at = %s where id = %s",
        (reach, actor, now, plan_id),
    )
    await tx.execute("update plan_item set checked = false where plan = %s and state = 'planned'", (plan_id,))


async def end(tx: Tx, plan_id: int, state: str, reason: str, now: datetime) -> None:
    await tx.execute(
        "update plan set state = %s, reason = %s, ended_at = %s where id = %s", (state, reason, now, plan_id)
    )


async def reopen(tx: Tx, plan_id: int) -> None:
    """Open for the rest: only its first items were confirmed."""
    await tx.execute("update plan set state = 'open' where id = %s", (plan_id,))


async def release(tx: Tx, plan: Mapping[str, Any], now: datetime) -> list[str]:
    """Lets the confirmed items' runs begin again, each bound to the plan. Those at work by now are left out: they moved."""
    found = await rows(
        tx,
        """
        update run r set state = 'queued', reason = '', not_before = %(now)s, generation = r.generation + 1,
               handed_over = false, attempts = 0, deaths = 0, plan = i.plan,
               as_of = case when p.how = 'as_it_was' then i.as_of end,
               firm_version = case when p.how = 'as_it_was' then i.firm_version else r.firm_version end
        from plan_item i join plan p on p.id = i.plan
        where i.plan = %(plan)s and i.position <= %(reach)s and i.state = 'planned' and i.checked
          and r.id = i.run_id and r.generation = i.generation and r.state = any(%(ended)s)
        returning r.id
        """,
        {"plan": plan["id"], "reach": plan["reach"], "now": now, "ended": list(ENDED)},
    )
    ids = [each["id"] for each in found]
    await tx.execute(
        "update plan_item set state = 'released' where plan = %s and run_id = any(%s) and state = 'planned'",
        (plan["id"], ids),
    )
    await tx.execute("update plan set state = 'running' where id = %s", (plan["id"],))
    return ids


async def follow(tx: Tx, plan_id: int, now: datetime) -> int:
    """Writes down what became of the released runs; how many are still at work."""
    await tx.execute(
        """
        update plan_item i set state = r.state, outcome = r.reason, ended_at = %s
        from run r where i.plan = %s and i.state = 'released' and r.id = i.run_id and r.state = any(%s)
        """,
        (now, plan_id, list(ENDED)),
    )
    found = await row(tx, "select count(*) as n from plan_item where plan = %s and state = 'released'", (plan_id,))
    return found["n"] if found else 0


async def stop(tx: Tx, plan_id: int, actor: str, now: datetime) -> list[str]:
    """Takes back every run of the plan that has not begun; those at work come to their end. Which were taken back."""
    found = await rows(
        tx,
        """
        update run r set state = i.was, generation = r.generation + 1, plan = null, as_of = null,
               reason = %s, ended_at = %s
        from plan_item i
        where i.plan = %s and i.state = 'released' and r.id = i.run_id and r.state in ('queued', 'retrying')
        returning r.id, i.was
        """,
        (f"plan P-{plan_id} was stopped by {actor}", now, plan_id),
    )
    stopped = [each["id"] for each in found]
    await tx.execute(
        """
        update plan_item set state = 'stopped', ended_at = %s
        where plan = %s and (state = 'planned' or run_id = any(%s))
        """,
        (now, plan_id, stopped),
    )
    return stopped


async def at_work(tx: Tx) -> list[dict[str, Any]]:
    """Plans that the hub has to do something about, the oldest first."""
    return await rows(tx, "select * from plan where state in ('making', 'checking', 'running') order by id")


async def permitted(tx: Tx, plan_id: int, run_id: str) -> dict[str, Any] | None:
    """What the plan lets a run do: its item's content and the step to do again."""
    return await row(
        tx,
        """
        select i.content, p.again from plan_item i join plan p on p.id = i.plan
        where i.plan = %s and i.run_id = %s
        """,
        (plan_id, run_id),
    )


async def new_documents(tx: Tx) -> list[dict[str, Any]]:
    """Documents that this very transaction has stored, each with the body it had before.

    In a snapshot (repeatable read) nothing younger than the transaction is visible but its own.
    """
    return await rows(
        tx,
        """
        select d.kind, d.key, d.version, d.body, b.body as before from document d
        left join document b on b.kind = d.kind and b.key = d.key and b.version = d.version - 1
        where age(d.xmin) <= 0 order by d.kind, d.key, d.version
        """,
    )


async def usual_seconds(tx: Tx) -> dict[tuple[str, str], float]:
    """How long each operation of each connection has taken lately, as the median in seconds."""
    found = await rows(
        tx,
        """
        select connection, operation,
          percentile_cont(0.5) within group (order by extract(epoch from settled_at - sent_at))::float8 as seconds
        from (
          select connection, operation, sent_at, settled_at,
            row_number() over (partition by connection, operation order by sent_at desc) as recent
          from effect where state = 'done'
        ) e
        where recent <= 200 group by 1, 2
        """,
    )
    return {(each["connection"], each["operation"]): each["seconds"] for each in found}


async def runs_between(
    tx: Tx, flow: str, since: datetime, until: datetime, states: Sequence[str], limit: int
) -> list[str]:
    """Runs of a flow that ended in a span of time, the oldest first."""
    found = await rows(
        tx,
        """
        select id from run where flow = %s and ended_at >= %s and ended_at < %s and state = any(%s)
        order by sequence limit %s
        """,
        (flow, since, until, list(states), limit),
    )
    return [each["id"] for each in found]
