"""What happened, in order: runs with their steps and effects, the life of one engagement, and how the systems are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows

RUN_STATES = ("queued", "running", "retrying", "held", "waiting", "done", "ignored")


@dataclass(frozen=True, slots=True)
class Runs:
    """Which runs to list, the newest first; `before` is the sequence of the last one on the page before.

    `since` and `until` bound the moment when a run ended, the second one not included.
    """

    state: str = ""
    flow: str = ""
    text: str = ""
    before: int = 0
    since: datetime | None = None
    until: datetime | None = None


async def runs(tx: Tx, wanted: Runs, *, limit: int = 50) -> list[dict[str, Any]]:
    return await rows(
        tx,
        """
        select id, flow, subject, version, entity, engagement, state, generation, attempts, not_before, reason, created_at,
               started_at, ended_at, sequence,
               coalesce((select body ->> 'name' from document d where d.kind = 'engagement' and d.key = run.engagement
                         order by version desc limit 1),
                        (select title from hold h where h.engagement = run.engagement order by id desc limit 1), '') as about
        from run
        where (%(state)s = '' or state = %(state)s) and (%(flow)s = '' or flow = %(flow)s)
          and (%(text)s = '' or strpos(lower(id || ' ' || coalesce(engagement, '')), lower(%(text)s)) > 0)
          and (%(before)s = 0 or sequence < %(before)s)
          and (%(since)s::timestamptz is null or ended_at >= %(since)s)
          and (%(until)s::timestamptz is null or ended_at < %(until)s)
        order by sequence desc limit %(limit)s
        """,
        {
            "state": wanted.state, "flow": wanted.flow, "text": wanted.text.strip(), "before": wanted.before, "limit": limit,
            "since": wanted.since, "until": wanted.until,
        },
    )  # fmt: skip


async def run_states(tx: Tx) -> dict[str, int]:
    found = await rows(tx, "select state, count(*) as n from run group by state")
    return {each["state"]: each["n"] for each in found}


async def run_flows(tx: Tx) -> list[str]:
    return [each["flow"] for each in await rows(tx, "select distinct flow from run order by flow")]


async def steps(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """Every generation's steps, in the order they were taken."""
    return await rows(tx, "select * from step where run_id = %s order by generation, position", (run_id,))


async def effects_of_run(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    """What a run changes in the target systems, with the exact bytes and the proof."""
    return await rows(tx, "select * from effect where run_id = %s order by planned_at, key", (run_id,))


async def effects_of_engagement(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    return await rows(
        tx, "select * from effect where engagement = %s order by planned_at, key limit 500", (engagement,)
    )


async def messages_of_run(tx: Tx, run_id: str, *, limit: int = 100) -> list[dict[str, Any]]:
    return await rows(
        tx,
        """
        select id, connection, kind, record_id, version, via, received_at, state, reason, amount_minor, currency
        from message where run_id = %s order by id limit %s
        """,
        (run_id, limit),
    )


async def holds_of_run(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold where run_id = %s order by state, id limit 200", (run_id,))


async def unknown_effect(tx: Tx, run_id: str) -> dict[str, Any] | None:
    """The effect of a run whose outcome nobody knows yet."""
    return await row(
        tx,
        """
        select e.*, r.not_before as asked_again_at from effect e join run r on r.id = e.run_id
        where e.run_id = %s and e.state = 'unknown' order by e.sent_at desc limit 1
        """,
        (run_id,),
    )


async def life_of(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """Everything that happened to an engagement, the newest first: (at, kind, title, detail, actor, link)."""
    return await rows(
        tx,
        """
        select * from (
          select created_at as at, 'document' as kind, kind || ' ' || key as title, 'version ' || version as detail,
                 '' as actor, '/documents/' || kind || '/' || key as link
          from document where engagement = %(engagement)s
          union all
          select coalesce(settled_at, sent_at), 'effect', connection || ': ' || operation || ' ' || subject,
                 state || case when detail <> '' then ' - ' || detail else '' end, '', '/runs/' || run_id
          from effect where engagement = %(engagement)s
          union all
          select e.at, 'hold', 'H-' || h.id || ' ' || h.title, e.what, e.actor, '/holds/H-' || h.id
          from hold_event e join hold h on h.id = e.hold_id where h.engagement = %(engagement)s
          union all
          select requested_at, 'approval', 'A-' || id || ' ' || title, 'asked for', requested_by, '/approvals/A-' || id
          from approval where engagement = %(engagement)s
          union all
          select decided_at, 'approval', 'A-' || id || ' ' || title, state || coalesce(' in the place of ' || on_behalf_of, ''),
                 decided_by, '/approvals/A-' || id
          from approval where engagement = %(engagement)s and decided_at is not null
          union all
          select proposed_at, 'invoice', 'invoice ' || key, 'proposed', '', '/invoices/' || key
          from invoice where engagement = %(engagement)s
          union all
          select p.paid_on::timestamptz, 'payment', 'payment of invoice ' || coalesce(nullif(i.number, ''), i.key),
                 p.amount || ' ' || i.currency, '', '/invoices/' || i.key
          from payment p join invoice i on i.key = p.invoice where i.engagement = %(engagement)s
        ) story order by at desc, kind limit 300
        """,
        {"engagement": engagement},
    )


async def systems(tx: Tx, since: datetime) -> list[dict[str, Any]]:
    """Every connection with its health, what came in since a moment, what waits on it, and its cursors."""
    return await rows(
        tx,
        """
        select c.*,
          (select count(*) from message m where m.connection = c.name and m.received_at >= %(since)s) as messages,
          (select max(received_at) from message m where m.connection = c.name) as last_message_at,
          (select count(*) from effect e where e.connection = c.name and e.sent_at >= %(since)s) as effects,
          (select count(*) from effect e where e.connection = c.name and e.state = 'unknown') as unknown,
          (select max(settled_at) from effect e where e.connection = c.name and e.state = 'done') as last_effect_at,
          (select count(*) from hold h where h.state = 'open' and h.facts ->> 'system' = c.name) as holds,
          (select count(*) from bell b where b.connection = c.name and b.answered_at is null) as bells,
          coalesce((select jsonb_agg(jsonb_build_object('kind', k.kind, 'value', k.value, 'advanced_at', k.advanced_at,
                                                        'waits', k.waits)
                                     order by k.kind)
                    from cursor k where k.connection = c.name), '[]') as cursors
        from connection c order by array_position(array['crm', 'psa', 'erp'], c.role), c.name
        """,
        {"since": since},
    )


async def records_of(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """The newest version of every document of an engagement, the deal itself first."""
    return await rows(
        tx,
        """
        select distinct on (kind, key) kind, key, version, entity, body, created_at from document
        where engagement = %s order by kind, key, version desc
        """,
        (engagement,),
    )


@dataclass(frozen=True, slots=True)
class Documents:
    """Which documents to list; an empty field does not filter, an entity of "-" asks for those without one."""

    kind: str
    text: str = ""
    entity: str = ""
    currency: str = ""
    stage: str = ""


async def documents(tx: Tx, wanted: Documents, *, limit: int = 500) -> list[dict[str, Any]]:
    """Newest versions of documents of a kind, the newest first; `amount` is what a deal, a project or an invoice is worth."""
    return await rows(
        tx,
        """
        select * from (
          select distinct on (kind, key) kind, key, version, engagement, body, created_at,
                 coalesce(case kind when 'project' then body ->> 'legal_entity' else entity end, '') as entity,
                 case kind when 'project' then body ->> 'budget' when 'invoice' then body ->> 'net'
                   else body ->> 'amount' end::numeric as amount,
                 coalesce(body ->> 'currency', '') as currency, coalesce(body ->> 'name', body ->> 'number', key) as name,
                 case when kind = 'invoice' then '' else coalesce(body ->> 'stage', body ->> 'state', '') end as state
          from document where kind = %(kind)s order by kind, key, version desc
        ) newest
        where (%(entity)s = '' or coalesce(nullif(entity, ''), '-') = %(entity)s)
          and (%(currency)s = '' or currency = %(currency)s) and (%(stage)s = '' or state = %(stage)s)
          and (%(text)s = '' or strpos(lower(key || ' ' || name || ' ' || coalesce(engagement, '')), lower(%(text)s)) > 0)
        order by created_at desc, key limit %(limit)s
        """,
        {
            "kind": wanted.kind, "text": wanted.text.strip(), "entity": wanted.entity, "currency": wanted.currency,
            "stage": wanted.stage, "limit": limit,
        },
    )  # fmt: skip


async def not_agreed_yet(tx: Tx, engagement: str) -> dict[str, Any] | None:
    """What is known of a deal that waits and has no document yet: its name, entity and worth from its runs and holds."""
    return await row(
        tx,
        """
        select r.subject, coalesce(r.entity, h.entity, a.entity, '') as entity, coalesce(h.title, '') as name,
               coalesce(h.amount_minor, a.amount_minor, 0) as amount_minor, coalesce(h.currency, a.currency, '') as currency
        from run r
        left join lateral (select * from hold where engagement = r.engagement order by id desc limit 1) h on true
        left join lateral (select * from approval where engagement = r.engagement order by id desc limit 1) a on true
        where r.engagement = %s order by r.sequence desc limit 1
        """,
        (engagement,),
    )


async def document_kinds(tx: Tx) -> dict[str, int]:
    """How many documents there are of each kind."""
    found = await rows(tx, "select kind, count(distinct key) as n from document group by kind order by kind")
    return {each["kind"]: each["n"] for each in found}
