"""Time entries in sets: a page is stored, priced and checked in a few statements, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.store import statistics
from tieout.store.database import Tx, row, rows, table
from tieout.store.messages import OF_RUN

# A page of entries as a source tells it, and how it becomes rows.
_TOLD: LiteralString = """source_id text, source_version text, project text, task text, person text, person_name text,
  work_date date, minutes integer, billable_minutes integer, rate numeric, currency text, state text, approved_by text,
  approved_at timestamptz, notes text, mapping text"""
_HISTORY: LiteralString = """history as (
  insert into time_entry_version (connection, source_id, version, body, seen_at)
  select %(connection)s, source_id, source_version, told, %(now)s from page on conflict do nothing)"""
_NEWEST: LiteralString = """(select distinct on (source_id) * from page
  order by source_id, split_part(source_version, '#', 1) collate "C" desc, ordinality desc) newest"""
_STORED: LiteralString = """connection, source_id, version, project_ref, task_ref, person, work_date, minutes,
  billable_minutes, rate, currency, state, approved_by, approved_at, notes, mapping, changed_at"""
_VALUES: LiteralString = """%(connection)s, newest.source_id, newest.source_version, newest.project, coalesce(newest.task, ''),
  newest.person, newest.work_date, newest.minutes, newest.billable_minutes, newest.rate, newest.currency, newest.state,
  coalesce(newest.approved_by, ''), newest.approved_at, coalesce(newest.notes, ''), newest.mapping, %(now)s"""
# With the billable minutes that the contract charges, in its increments; what the source told stays with the versions (T24, T25).
_CHARGED: LiteralString = _VALUES.replace("newest.billable_minutes", "newest.charged")
_REPLACED: LiteralString = """version = excluded.version, project_ref = excluded.project_ref, task_ref = excluded.task_ref,
  person = excluded.person, work_date = excluded.work_date, minutes = excluded.minutes,
  billable_minutes = excluded.billable_minutes, rate = excluded.rate, currency = excluded.currency, state = excluded.state,
  approved_by = excluded.approved_by, approved_at = excluded.approved_at, notes = excluded.notes, mapping = excluded.mapping,
  changed_at = excluded.changed_at"""
_NEWER: LiteralString = """split_part(time_entry.version, '#', 1) collate "C" < split_part(excluded.version, '#', 1) collate "C"
  or split_part(time_entry.version, '#', 1) = split_part(excluded.version, '#', 1) and time_entry.state <> 'deleted'"""
_FOUND: LiteralString = """entity, engagement, project, task, role, contract_version, rate_card, rate_card_version, agreed_rate,
  problem"""
_FOUND_VALUES: LiteralString = (
    """entity, engagement, our_project, our_task, role, contract_version, card, rate_version, agreed, problem"""
)
_AS_STORED: LiteralString = "source_id, project_ref, task_ref, work_date, state, billable_minutes, rate, problem as was"
# What is found of `wanted`, which are entries by the names of their table, and what lacks; `was` is the problem they had.
_JUDGED: LiteralString = """rate as materialized (
    select *, lead(valid_from) over (partition by card, role order by valid_from) as until
    from jsonb_to_recordset(%(rates)s) as r(card text, role text, version integer, valid_from date, rate numeric)
  ), known as (
    select w.*, coalesce(p.key, '') as our_project, coalesce(k.key, '') as our_task, p.entity, p.engagement,
           coalesce(k.role, '') as role, coalesce(k.billable, true) as billable, coalesce(p.rate_card, '') as card, p.contract_version,
           charged_minutes(w.billable_minutes, coalesce(k.increment, 1), coalesce(k.direction, 'up')) as charged,
           r.version as rate_version, r.rate as agreed, case when w.was = 'person.unknown' then w.was else '' end as stranger
    from wanted w
    left join crosswalk xp on xp.kind = 'project' and xp.connection = %(connection)s and xp.record_id = w.project_ref
    left join project p on p.key = xp.key
    left join crosswalk xt on xt.kind = 'task' and xt.connection = %(connection)s and xt.record_id = w.task_ref
    left join project_task k on k.key = xt.key and k.project = p.key
    left join rate r on r.card = p.rate_card and r.role = k.role and r.valid_from <= w.work_date
      and (r.until is null or w.work_date < r.until)
  ), judged as (
    select k.*, case
        when k.state <> 'approved' then ''
        when k.our_project = '' then 'time.project_unknown'
        when k.our_task = '' then 'time.task_unknown'
        when k.billable_minutes = 0 or not k.billable then k.stranger
        when k.agreed is null then 'time.rate_missing'
        when k.rate is distinct from k.agreed then 'time.rate_differs'
        else k.stranger end as problem
    from known k
  )"""

# The entries of a project, by the index of its engagement.
_OF_PROJECT: LiteralString = (
    "t.engagement = (select engagement from project where key = %(project)s) and t.project = %(project)s"
)
_BOOKED: LiteralString = f"{_OF_PROJECT} and t.state not in ('deleted', 'rejected')"


async def save_page(tx: Tx, connection: str, entries: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Stores entries as the source tells them; an older version never overwrites a newer one (T57).

    Of two versions of one instant the one told last counts, unless the entry was deleted in that instant. Each entry has the
    names of the table's columns, with `project` and `task` as the source's own ids.
    """
    await tx.execute(
        f"""
        with page as (
          select r.*, told, ordinality from jsonb_array_elements(%(entries)s) with ordinality e(told, ordinality)
          cross join lateral jsonb_to_record(told) as r({_TOLD})
        ), {_HISTORY}
        insert into time_entry ({_STORED})
        select {_VALUES} from {_NEWEST}
        on conflict (connection, source_id) do update set {_REPLACED}
        where {_NEWER}
        """,  # noqa: S608 - literals of this module
        {"entries": table(entries), "connection": connection, "now": now},
    )
    if len(entries) >= statistics.BULK:
        await statistics.refresh(tx, "time_entry")


async def take_page(tx: Tx, connection: str, run_id: str, rates: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """The same with what a run's messages brought, found and priced at once (see resolve): nothing of it leaves the database.

    Those of the messages that wait, or all when none does (see messages.of_run).
    """
    done = await tx.execute(
        f"""
        with page as (
          select r.*, m.payload as told, m.id as ordinality from ({OF_RUN}) m cross join lateral jsonb_to_record(m.payload) as r({_TOLD})
          where not m.deleted and not m.payload ? 'unreadable'
        ), {_HISTORY}, wanted as (
          select newest.*, project as project_ref, coalesce(task, '') as task_ref, '' as was from {_NEWEST}
        ), {_JUDGED}
        insert into time_entry ({_STORED}, {_FOUND})
        select {_CHARGED}, {_FOUND_VALUES}
        from judged newest
        on conflict (connection, source_id) do update set {_REPLACED},
          project = excluded.project, task = excluded.task, entity = excluded.entity, engagement = excluded.engagement,
          role = excluded.role, contract_version = excluded.contract_version, rate_card = excluded.rate_card,
          rate_card_version = excluded.rate_card_version, agreed_rate = excluded.agreed_rate, quote = '',
          problem = case when excluded.problem = '' and excluded.state = 'approved' and time_entry.problem = 'person.unknown'
                    then time_entry.problem else excluded.problem end
        where {_NEWER}
        """,  # noqa: S608 - literals of this module
        {"run": run_id, "rates": Jsonb(list(rates)), "connection": connection, "now": now},
    )
    if done.rowcount >= statistics.BULK:
        await statistics.refresh(tx, "time_entry")


async def mark_deleted(tx: Tx, connection: str, versions: Mapping[str, str], now: datetime) -> None:
    """Entries that vanished at their source (T29): they stay with us, and nothing of them is approved any more."""
    await tx.execute(
        """
        update time_entry t set state = 'deleted', version = d.value, changed_at = %s
        from jsonb_each_text(%s) d where t.connection = %s and t.source_id = d.key and t.state <> 'deleted'
          and split_part(t.version, '#', 1) collate "C" <= split_part(d.value, '#', 1) collate "C"
        """,
        (now, Jsonb(dict(versions)), connection),
    )


async def resolve(tx: Tx, connection: str, ids: Sequence[str] | None, rates: Sequence[Mapping[str, Any]]) -> None:
    """Finds project, task, role and agreed rate of these entries, or of all that have a problem, and says what lacks.

    What the ERP refused stays refused until the source tells something new, or it is asked again (ask_again).

    `rates` are the rate cards' rows: {card, role, version, valid_from, rate}. The rate in force on the work date counts
    (T19), whatever the day on which the entry arrives.
    """
    await tx.execute(
        f"""
        with wanted as (
          select {_AS_STORED} from time_entry where connection = %(connection)s and source_id = any(%(ids)s)
          union all
          select {_AS_STORED} from time_entry
          where %(ids)s::text[] is null and connection = %(connection)s and problem not in ('', 'target.refused')
        ), {_JUDGED}
        update time_entry t
        set project = k.our_project, task = k.our_task, entity = k.entity, engagement = k.engagement, role = k.role,
            contract_version = k.contract_version, rate_card = k.card, rate_card_version = k.rate_version,
            agreed_rate = k.agreed, billable_minutes = k.charged, quote = '', problem = k.problem
        from judged k where t.connection = %(connection)s and t.source_id = k.source_id
          and (t.project, t.task, t.entity, t.engagement, t.role, t.contract_version, t.rate_card, t.rate_card_version,
               t.agreed_rate, t.billable_minutes, t.quote, t.problem)
            is distinct from (k.our_project, k.our_task, k.entity, k.engagement, k.role, k.contract_version, k.card, k.rate_version,
               k.agreed, k.charged, '', k.problem)
        """,  # noqa: S608 - literals of this module
        {"rates": Jsonb(list(rates)), "connection": connection, "ids": None if ids is None else list(ids)},
    )


async def settle_messages(tx: Tx, connection: str, run_id: str, ids: Sequence[str] | None, now: datetime) -> None:
    """What became of entries becomes of their messages: of this run's, and of those that were held for these entries, or
    for any. Each entry is looked up (`offset 0`): as a join, a page reads all entries there are."""
    await tx.execute(
        """
        with open as (
          select id, record_id, version, state, reason from message where run_id = %(run)s and state in ('in_flight', 'held')
            and connection = %(connection)s and kind = 'time_entry'
          union all
          select id, record_id, version, state, reason from message
          where connection = %(connection)s and kind = 'time_entry' and state = 'held' and run_id is distinct from %(run)s
            and (%(ids)s::text[] is null or record_id = any(%(ids)s))
        ), outcome as (
          select m.id, case
              when split_part(m.version, '~', 1) <> split_part(t.version, '~', 1) then 'ignored'
              when t.problem <> '' then 'held'
              when t.state in ('draft', 'submitted') then 'ignored'
              else 'done' end as state,
            case
              when split_part(m.version, '~', 1) <> split_part(t.version, '~', 1) then 'superseded by a newer state'
              when t.problem <> '' then t.problem
              when t.state in ('draft', 'submitted') then 'not approved yet'
              else '' end as reason
          from open m cross join lateral (
            select version, problem, state from time_entry
            where connection = %(connection)s and source_id = m.record_id offset 0) t
          where m.reason <> 'time.unreadable'
        )
        update message m set state = o.state, reason = o.reason,
               settled_at = case when o.state <> 'held' then %(now)s::timestamptz end
        from outcome o where m.id = o.id and (m.state, m.reason) <> (o.state, o.reason)
        """,
        {"connection": connection, "run": run_id, "ids": None if ids is None else list(ids), "now": now},
    )


async def problems(tx: Tx, connection: str) -> list[dict[str, Any]]:
    """What lacks, one row per cause: code, what it is about, minutes and value per currency, a few of the entries."""
    return await rows(
        tx,
        """
        select problem, quote, entity, case when problem = 'time.project_unknown' then project_ref else project end as project,
               case when problem = 'time.task_unknown' then task_ref else '' end as task,
               case when problem in ('time.rate_missing') then role else '' end as role,
               case when problem in ('time.rate_differs', 'person.unknown', 'target.refused') then person else '' end as person,
               case when problem in ('time.rate_missing', 'time.rate_differs') then rate_card else '' end as rate_card,
               case when problem = 'time.rate_differs' then rate_card_version end as rate_card_version,
               case when problem = 'time.rate_differs' then rate end as rate,
               case when problem = 'time.rate_differs' then agreed_rate end as agreed_rate,
               currency, coalesce(c.names, '') as changes, min(person) as one_person, min(work_date) as first_day, sum(minutes) as minutes,
               sum(round(coalesce(agreed_rate, rate, 0) * billable_minutes / 60, 2)) as value, min(source_id) as one_entry
        from time_entry t left join lateral (
          select string_agg(d.body ->> 'name', ', ' order by d.body ->> 'name') as names from document d
          where d.kind = 'change_order' and d.engagement = t.engagement and d.body ->> 'state' = 'submitted'
            and not exists (select from document n where n.kind = d.kind and n.key = d.key and n.version > d.version)
        ) c on t.problem = 'time.task_unknown'
        where connection = %s and problem <> '' group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
        order by 1, 4, 5, 7
        """,
        (connection,),
    )


async def at_risk(tx: Tx, project: str) -> dict[str, Any]:
    """Everything that was booked on a project, approved or not: minutes, and what its billable part is worth."""
    found = await row(
        tx,
        f"""
        select coalesce(sum(t.minutes), 0)::integer as minutes,
               coalesce(sum(entry_amount(t.billable_minutes, coalesce(t.agreed_rate, t.rate), t.currency))
                        filter (where coalesce(k.billable, true)), 0) as amount
        from time_entry t left join project_task k on k.key = t.task where {_BOOKED}
        """,  # noqa: S608 - a literal of this module
        {"project": project},
    )
    assert found is not None
    return found


async def early(tx: Tx, project: str) -> list[dict[str, Any]]:
    """The entries that came before their project's contract, or before the hub knew the project: their connection and id."""
    return await rows(
        tx,
        f"""
        select connection, source_id from time_entry t where {_OF_PROJECT} and contract_version = 0
        union
        select t.connection, t.source_id from time_entry t
        join crosswalk x on x.kind = 'project' and x.connection = t.connection and x.record_id = t.project_ref
        where x.key = %(project)s and t.problem in ('time.project_unknown', 'time.task_unknown')
        order by 1, 2
        """,  # noqa: S608 - a literal of this module
        {"project": project},
    )


async def unbilled(tx: Tx, engagement: str, through: date) -> list[dict[str, Any]]:
    """Entries of which something is to be billed or taken back, up to a day, without those that wait for a person."""
    return await rows(
        tx,
        """
        select * from unbilled where engagement = %s and work_date <= %s and problem = ''
        order by task, work_date, source_id
        """,
        (engagement, through),
    )


async def engagements_to_bill(tx: Tx, entity: str, through: date, period: str) -> list[str]:
    """Engagements with something of `unbilled` up to a day that were not asked for this period (2026-10) yet.

    One after the other, so that those that were asked cost a look at their run, and no sweep sums up everything ever worked.
    """
    found = await rows(
        tx,
        """
        with unasked as materialized (
          select distinct p.engagement from project p
          where p.entity = %(entity)s
            and not exists (select from run r where r.id = 'time_to_invoice:' || p.engagement || '/' || %(period)s || ':1')
        )
        select engagement from unasked cross join lateral (
          select from unbilled u
          where u.engagement = unasked.engagement and u.work_date <= %(through)s and u.problem = '' and u.minutes <> 0 limit 1
        ) something order by 1
        """,
        {"entity": entity, "through": through, "period": period},
    )
    return [each["engagement"] for each in found]
