"""What somebody asks who watches the hub at work: how far it is, what happened since a moment, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows


async def swept(tx: Tx) -> dict[tuple[str, str], datetime]:
    """When each feed (connection, kind) was last read to its end."""
    found = await rows(tx, "select connection, kind, advanced_at from cursor")
    return {(each["connection"], each["kind"]): each["advanced_at"] for each in found}


async def received(tx: Tx) -> int:
    """A number that grows with every message and every run: when it stands still, nothing new came in."""
    found = await row(
        tx, "select (select coalesce(max(id), 0) from message) + (select coalesce(max(sequence), 0) from run) as n"
    )
    return found["n"] if found else 0


async def troubles(tx: Tx) -> list[str]:
    """Why the hub may not come to an end: paused systems, systems that do not answer, runs that try again and again."""
    found = await rows(
        tx,
        """
        select name || ' is paused: ' || reason as trouble from connection where state = 'paused'
        union all
        select name || ': ' || coalesce(health ->> 'detail', '') from connection where health ->> 'ok' = 'false'
        union all
        select state || ' ' || flow || ' ' || subject || ': ' || reason from run
        where state in ('queued', 'running', 'retrying')
        limit 10
        """,
    )
    return [each["trouble"] for each in found]


async def news(tx: Tx, since: datetime) -> list[dict[str, Any]]:
    """What the hub made and what began or ceased to wait after a moment, in order: (at, what, where, title, detail)."""
    return await rows(
        tx,
        """
        with named as (
          select distinct on (kind, key) kind, key, body ->> 'name' as name from document
          where kind in ('customer', 'project') order by kind, key, version desc
        )
        select e.settled_at as at, e.operation as what, e.connection as "where", coalesce(n.name, e.subject) as title,
               coalesce(e.receipt -> 'answer' ->> 'total', '') as detail
        from effect e left join named n on n.key = e.subject
        where e.state = 'done' and e.settled_at > %(since)s
          and e.operation in ('customer.create', 'project.create', 'invoice.propose')
        union all
        select v.at, split_part(v.what, ':', 1), 'H-' || h.id, h.title, v.what
        from hold_event v join hold h on h.id = v.hold_id where v.at > %(since)s and v.what ~ '^(opened|resolved):'
        union all
        select requested_at, 'approval', 'A-' || id, title, array_to_string(array(select jsonb_array_elements_text(terms)), '; ')
        from approval where requested_at > %(since)s
        order by 1
        """,
        {"since": since},
    )


async def made(tx: Tx, since: datetime) -> dict[str, int]:
    """How many of each operation were carried out after a moment, by role (erp.project.create); hours count one by one."""
    found = await rows(
        tx,
        """
        select c.role || '.' || e.operation as what, sum(case when e.operation = 'time.deliver'
                 then (select count(*) from jsonb_object_keys(coalesce(e.receipt -> 'parts', '{}'))) else 1 end)::integer as n
        from effect e join connection c on c.name = e.connection
        where e.state = 'done' and e.settled_at > %s group by 1 order by 1
        """,
        (since,),
    )
    return {each["what"]: each["n"] for each in found}


async def kickoffs(tx: Tx, since: datetime) -> list[dict[str, Any]]:
    """Won deal → project, in seconds: from the ring (or the sweep) that told of it until both systems have the project.

    Where a person had to end a wait, the time counts from there.
    """
    return await rows(
        tx,
        """
        with told as (
          select m.run_id, min(least(m.received_at, coalesce(b.rung_at, m.received_at))) as at
          from message m left join lateral (
            select max(rung_at) as rung_at from bell
            where connection = m.connection and record_id = m.record_id
              and rung_at between m.received_at - interval '1 minute' and m.received_at
          ) b on true
          where m.run_id is not null group by m.run_id
        ), made as (
          select run_id, engagement, min(settled_at) filter (where operation = 'project.create') as first_at,
                 max(settled_at) filter (where operation = 'project.create') as at
          from effect where state = 'done' group by run_id, engagement
        )
        select made.engagement, made.at,
               coalesce((select body ->> 'name' from document where kind = 'engagement' and key = made.engagement
                         order by version desc limit 1), made.engagement) as deal,
               extract(epoch from made.at - case when r.generation > 1 then r.not_before else told.at end)::float as seconds
        from made join run r on r.id = made.run_id join told on told.run_id = r.id
        where made.at > %s and r.flow = 'opportunity_to_project' order by made.at
        """,
        (since,),
    )


async def billings(tx: Tx, since: datetime) -> list[float]:
    """Approved entry → line of a draft in the ERP, in seconds, entry by entry.

    Counted from when the hub knew of the approval, the cut-off had come, and no person had to end a wait any more.
    """
    found = await rows(
        tx,
        """
        select extract(epoch from e.settled_at - greatest(v.seen_at, case when r.generation > 1 then r.not_before else r.created_at end)
               )::float as seconds
        from effect e join run r on r.id = e.run_id join evidence p on p.invoice = e.subject
        join time_entry_version v
          on v.connection = p.connection and v.source_id = p.source_id and v.version = p.entry_version
        where e.operation = 'invoice.propose' and e.state = 'done' and e.settled_at > %s order by 1
        """,
        (since,),
    )
    return [each["seconds"] for each in found]


async def page_path(tx: Tx, since: datetime) -> Mapping[str, Any]:
    """How many time entries went through the page path after a moment, and how many seconds its runs worked."""
    found = await row(
        tx,
        """
        with pages as (
          select r.id, extract(epoch from r.ended_at - r.started_at) as seconds,
                 (select count(*) from message m where m.run_id = r.id) as entries
          from run r where r.flow = 'approved_time' and r.state = 'done' and r.ended_at > %s
        )
        select coalesce(sum(entries), 0)::integer as entries, coalesce(sum(seconds), 0)::float as seconds from pages
        """,
        (since,),
    )
    return found or {"entries": 0, "seconds": 0.0}
