"""Metered usage in sets: every version of a reading is kept, and the contract of its day says which package it is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.charging.fees import Due, Reading
from tieout.domain.documents.usage import UsageRecord
from tieout.domain.metering import Known
from tieout.store.database import Tx, rows

# The advisory locks under which readings of one source are compared with what was told before.
_ORDER = 7327


async def known(tx: Tx, source: str, ids: Sequence[str]) -> dict[str, Known]:
    """What was told before of these readings, by id; whoever else sends some of this source waits until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (_ORDER, source))
    found = await rows(
        tx,
        "select source_id, version, body from usage_version where source = %s and source_id = any(%s)",
        (source, list(ids)),
    )
    said: dict[str, dict[int, UsageRecord]] = {}
    for each in found:
        said.setdefault(each["source_id"], {})[each["version"]] = UsageRecord.model_validate(each["body"])
    return {id_: Known(max(versions), versions) for id_, versions in said.items()}


async def save(tx: Tx, records: Sequence[UsageRecord], *, via: str, actor: str, now: datetime) -> None:
    """Keeps every version, and the newest as the reading that counts."""
    await tx.execute(
        """
        with page as (
          select * from jsonb_to_recordset(%(records)s) as (source text, source_id text, version integer, engagement text,
            package text, meter text, quantity numeric, unit text, since date, day date, body jsonb)
        ), history as (
          insert into usage_version (source, source_id, version, body, via, sent_by, seen_at)
          select source, source_id, version, body, %(via)s, %(actor)s, %(now)s from page on conflict do nothing
        )
        insert into usage_reading (source, source_id, version, meter, quantity, unit, since, day, engagement_ref, package_ref,
                                   changed_at)
        select source, source_id, version, meter, quantity, unit, since, day, engagement, package, %(now)s
        from (select distinct on (source, source_id) * from page order by source, source_id, version desc) newest
        on conflict (source, source_id) do update
        set version = excluded.version, meter = excluded.meter, quantity = excluded.quantity, unit = excluded.unit,
            since = excluded.since, day = excluded.day, engagement_ref = excluded.engagement_ref,
            package_ref = excluded.package_ref, changed_at = excluded.changed_at
        where usage_reading.version < excluded.version
        """,
        {
            "records": Jsonb([{**each.body(), "body": each.body()} for each in records]),
            "via": via,
            "actor": actor,
            "now": now,
        },
    )


async def resolve(tx: Tx, source: str, ids: Sequence[str] = (), *, engagement: str = "", waiting: bool = True) -> None:
    """Finds the package of these readings, of those of an engagement and of those that were `waiting`, and says what lacks.

    The version of the contract that is in force on a reading's day has the word. Nothing is converted: the unit must be the
    contract's own. What is known of a reading that was right before stays while it has a problem.
    """
    await tx.execute(
        """
        with chosen as (
          select unnest(%(ids)s::text[]) as source_id
          union select source_id from usage_reading where source = %(source)s and problem <> '' and %(waiting)s
          union select source_id from usage_reading where source = %(source)s and engagement = %(engagement)s
        ), wanted as (
          select r.* from chosen join usage_reading r on r.source = %(source)s and r.source_id = chosen.source_id
        ), named as (
          select ref, min(engagement) as engagement from (
            select w.ref, p.engagement from (select distinct engagement_ref as ref from wanted) w
            join project p on p.engagement = w.ref or p.key = w.ref
            union
            select w.ref, x.key from (select distinct engagement_ref as ref from wanted) w
            join crosswalk x on x.kind = 'engagement' and x.record_id = w.ref
          ) found group by ref having count(*) = 1
        ), signed as (
          select n.ref, n.engagement, p.key as project, p.entity, d.body from named n
          cross join lateral (
            select key, entity from project where engagement = n.engagement and contract_version > 0 order by sold limit 1
          ) p
          cross join lateral (
            select body from document where kind = 'contract' and engagement = n.engagement order by version desc limit 1
          ) d
        ), version as (
          select s.ref, s.engagement, v.value as said, (v.value ->> 'version')::integer as version,
                 case when v.ordinality = 1 then '-infinity' else (v.value ->> 'effective_from')::date end as begins,
                 coalesce(lead((v.value ->> 'effective_from')::date) over (partition by s.ref order by v.ordinality), 'infinity') as ends
          from signed s cross join jsonb_array_elements(s.body -> 'versions') with ordinality v
        ), package as (
          select v.ref, v.engagement, v.version, v.begins, v.ends, p.value ->> 'id' as sold,
                 coalesce(p.value ->> 'project', '') as project, p.value #>> '{terms,unit}' as unit,
                 (p.value ->> 'start')::date as start, (p.value ->> 'end')::date as "end",
                 lower(coalesce(nullif(p.value #>> '{terms,meter}', ''), p.value #>> '{terms,unit}')) as meter
          from version v cross join jsonb_array_elements(v.said -> 'sold') p where p.value #>> '{terms,kind}' = 'usage'
        ), candidate as (
          select w.source_id, w.quantity, w.unit, w.engagement as known_engagement, w.project as known_project,
                 w.entity as known_entity, w.sold as known_sold, w.contract_version as known_version, s.engagement,
                 coalesce(nullif(p.project, ''), s.project) as project, s.entity, p.sold, p.version, p.unit as agreed_unit,
                 w.day between coalesce(p.start, '-infinity') and coalesce(p."end", 'infinity') as agreed
          from wanted w left join signed s on s.ref = w.engagement_ref
          left join package p on p.ref = w.engagement_ref and p.meter = lower(w.meter) and w.day >= p.begins and w.day < p.ends
            and (p.project = w.engagement_ref or not exists (
              select from project own where own.key = w.engagement_ref and own.sold <> ''))
            and (w.package_ref = '' or p.sold in (w.package_ref, p.engagement || '/' || w.package_ref))
        ), best as (
          select distinct on (source_id) *, count(sold) over (partition by source_id, agreed) as alike
          from candidate order by source_id, agreed desc, sold
        ), judged as (
          select source_id, coalesce(engagement, known_engagement) as engagement, coalesce(project, known_project) as project,
                 coalesce(entity, known_entity) as entity, coalesce(sold, known_sold) as sold,
                 coalesce(version, known_version) as contract_version, coalesce(agreed_unit, '') as agreed_unit,
                 case when quantity = 0 then ''
                      when engagement is null then 'usage.engagement_unknown'
                      when sold is null then 'usage.meter_unknown'
                      when not agreed then 'usage.outside_term'
                      when alike > 1 then 'usage.package_unclear'
                      when agreed_unit <> unit then 'usage.unit_differs'
                      else '' end as problem
          from best
        )
        update usage_reading r
        set engagement = j.engagement, project = j.project, entity = j.entity, sold = j.sold,
            contract_version = j.contract_version, agreed_unit = j.agreed_unit, problem = j.problem
        from judged j where r.source = %(source)s and r.source_id = j.source_id
          and (r.engagement, r.project, r.entity, r.sold, r.contract_version, r.agreed_unit, r.problem)
            is distinct from (j.engagement, j.project, j.entity, j.sold, j.contract_version, j.agreed_unit, j.problem)
        """,
        {"source": source, "ids": list(ids), "engagement": engagement, "waiting": waiting},
    )


async def settle_messages(tx: Tx, source: str, run_id: str, now: datetime) -> None:
    """What became of readings becomes of their messages: of this run's, and of earlier ones that were held for a reading."""
    await tx.execute(
        """
        with open as (
          select id from message where run_id = %(run)s and state in ('in_flight', 'held')
          union select id from message where connection = %(source)s and kind = 'usage' and state = 'held'
        ), outcome as (
          select m.id,
            case when split_part(m.version, '#', 1)::integer <> r.version then 'ignored'
                 when r.problem <> '' then 'held' else 'done' end as state,
            case when split_part(m.version, '#', 1)::integer <> r.version then 'superseded by a newer version'
                 else r.problem end as reason
          from open join message m using (id) join usage_reading r on r.source = m.connection and r.source_id = m.record_id
          where m.connection = %(source)s and m.kind = 'usage'
        )
        update message m set state = o.state, reason = o.reason,
               settled_at = case when o.state <> 'held' then %(now)s::timestamptz end
        from outcome o where m.id = o.id and (m.state, m.reason) <> (o.state, o.reason)
        """,
        {"source": source, "run": run_id, "now": now},
    )


async def problems(tx: Tx, source: str) -> list[dict[str, Any]]:
    """What lacks, one row per cause: code, what it is about, how many readings, how much they say, one of them."""
    return await rows(
        tx,
        """
        select problem, engagement_ref, meter, unit, case when problem = 'usage.unit_differs' then agreed_unit else '' end as agreed_unit,
               coalesce(max(entity), '') as entity, count(*) as readings, sum(quantity) as quantity, min(day) as first_day,
               max(day) as last_day, min(source_id) as one_reading
        from usage_reading where source = %s and problem <> '' group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4
        """,
        (source,),
    )


async def strange(tx: Tx, source: str, ids: Sequence[str], entities: Iterable[str]) -> set[str]:
    """Those of these readings that are of no engagement of some legal entities."""
    found = await rows(
        tx,
        """
        select source_id from usage_reading
        where source = %s and source_id = any(%s) and coalesce(entity, '') <> all(%s)
        """,
        (source, list(ids), list(entities)),
    )
    return {each["source_id"] for each in found}


async def waiting(tx: Tx, source: str, ids: Sequence[str]) -> dict[str, int]:
    """Of these readings, how many wait, by problem."""
    found = await rows(
        tx,
        """
        select problem, count(*) as n from usage_reading
        where source = %s and source_id = any(%s) and problem <> '' group by 1 order by 1
        """,
        (source, list(ids)),
    )
    return {each["problem"]: each["n"] for each in found}


async def page(
    tx: Tx, *, source: str, engagement: str, problem: str, after: tuple[str, str] | None, limit: int
) -> list[dict[str, Any]]:
    """Readings by source and id; an empty text does not filter, and `any` problem is every one."""
    return await rows(
        tx,
        """
        select * from usage_reading
        where (%(source)s = '' or source = %(source)s) and (%(engagement)s = '' or engagement = %(engagement)s)
          and (%(problem)s = '' or problem = %(problem)s or (%(problem)s = 'any' and problem <> ''))
          and (source, source_id) > (%(after)s, %(id)s)
        order by source, source_id limit %(limit)s
        """,
        {
            "source": source, "engagement": engagement, "problem": problem, "after": after[0] if after else "",
            "id": after[1] if after else "", "limit": limit,
        },
    )  # fmt: skip


async def of_month(tx: Tx, engagement: str, sold: str, day: date | None) -> list[dict[str, Any]]:
    """The readings of a package in the month of a day, as they are now; at most 1,000."""
    return await rows(
        tx,
        """
        select * from usage_reading where engagement = %(engagement)s and sold = %(sold)s
          and day >= date_trunc('month', %(day)s::date) and day < date_trunc('month', %(day)s::date) + interval '1 month'
        order by day, source, source_id limit 1000
        """,
        {"engagement": engagement, "sold": sold, "day": day},
    )


async def sources(tx: Tx, engagement: str) -> list[str]:
    """Who sent readings of an engagement, or some that wait and name it in one of its ways."""
    found = await rows(
        tx,
        """
        select source from usage_reading where engagement = %(engagement)s
        union
        select source from usage_reading where problem <> '' and engagement_ref in (
          select %(engagement)s
          union select key from project where engagement = %(engagement)s
          union select record_id from crosswalk where kind = 'engagement' and key = %(engagement)s
        )
        order by 1
        """,
        {"engagement": engagement},
    )
    return [each["source"] for each in found]


async def readings(tx: Tx, engagement: str, through: date) -> Mapping[str, Sequence[Reading]]:
    """By the package of the contract, everything that was metered up to a day; what has a problem waits."""
    found = await rows(
        tx,
        """
        select source || '/' || source_id as ref, day, quantity as units, version, problem <> '' as waits, sold
        from usage_reading where engagement = %s and sold <> '' and day <= %s order by day, source, source_id
        """,
        (engagement, through),
    )
    of: dict[str, list[Reading]] = {}
    for each in found:
        of.setdefault(each.pop("sold"), []).append(Reading(**each))
    return of


async def freeze(tx: Tx, dues: Sequence[Due], evidence: Sequence[Mapping[str, Any]]) -> None:
    """Keeps the readings that billed months stand on, as they are on the day on which these are billed."""
    billed = {each["basis"].get("readings") for each in evidence}
    sets = [
        {
            "readings": each.basis["readings"],
            "source": source,
            "id": id_,
            "version": one.version,
            "day": str(one.day),
            "units": str(one.units),
        }
        for each in dues
        if each.basis.get("readings") in billed
        for one in each.readings
        for source, _, id_ in (one.ref.partition("/"),)
    ]
    await tx.execute(
        """
        insert into usage_evidence (readings, source, source_id, version, day, units)
        select readings, source, id, version, day, units from jsonb_to_recordset(%s)
          as r(readings text, source text, id text, version integer, day date, units numeric)
        on conflict do nothing
        """,
        (Jsonb(sets),),
    )
