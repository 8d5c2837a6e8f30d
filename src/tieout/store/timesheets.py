"""What goes to the ERP's timesheets: batches that are frozen before they are sent, and what an ERP refuses or does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows

# Work that began before its contract was signed goes to the ERP's timesheets once the ERP has the project.
_DELIVERABLE: LiteralString = """
  t.lender = '' and not exists (
    select from project r where r.key = t.project and r.tentative_until is not null and not exists (
      select from crosswalk x join connection c on c.name = x.connection and c.role = 'erp'
      where x.kind = 'project' and x.key = r.key))"""
_WANTED: LiteralString = "case when t.state = 'approved' and t.problem = '' then t.minutes else 0 end"
# The entries of a batch `b`. They stand by their ids, and whoever changes many entries goes by their ids: nobody waits for one
# who waits for them.
_MEMBERS: LiteralString = """cross join unnest(b.connections, b.source_ids, b.minutes, b.recorded_as)
          with ordinality m(connection, source_id, minutes, recorded_as, position)"""
# Who lends the person of entry `t` on its day: {kind, lender} or null. A vendor goes before a company. Looked up by the
# person, whatever the plan.
_LENDER: LiteralString = """(
    select array[kind, lender] from (
      select distinct on (kind) kind, lender
      from jsonb_to_recordset(%(lenders)s::jsonb -> lower(btrim(t.person)))
        as l(kind text, lender text, valid_from date, position integer)
      where valid_from <= t.work_date order by kind, valid_from desc, position desc
    ) newest where lender not in ('', t.entity) order by kind desc limit 1)"""
_AS: LiteralString = "entry_as(t.task, t.person, t.work_date)"
_TO_CORRECT: LiteralString = f"""
  t.delivered_id <> '' and t.problem <> 'target.refused' and ({_WANTED} <> t.delivered_minutes or t.delivered_as <> {_AS})"""


async def unknown_people(
    tx: Tx,
    people: Mapping[str, Sequence[str]],
    connection: str,
    ids: Sequence[str] | None,
    lenders: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Of these entries, or of all, those of somebody whom the ERP of their legal entity does not employ wait, alone; they go on
    when it knows them. `people` are those that each entity's ERP employs.

    Whom another company or a vendor lends (`lenders`, see domain.lending) waits for nobody, and goes to no timesheet (T49, T50).

    What the ERP's timesheets have already, or what is on its way there, stays there, whoever leaves the firm.
    """
    # `in (select …)` within a case is a hash of the people whatever the plan: as a join, a prepared statement compares each
    # entry of a page with everybody. `offset 0` looks each of them up: as a join, a page reads all entries there are.
    await tx.execute(
        f"""
        with frozen as (
          select m.connection, m.source_id from time_batch b cross join unnest(b.connections, b.source_ids) m(connection, source_id)
          where b.entity = any(%(entities)s)
        ), looked_at as (
          select t.* from unnest(%(ids)s::text[]) as page(id) cross join lateral (
            select * from time_entry where connection = %(connection)s and source_id = page.id offset 0) t
          where t.entity = any(%(entities)s)
          union all
          select * from time_entry where %(ids)s::text[] is null and problem = 'person.unknown' and entity = any(%(entities)s)
          union all
          select * from time_entry t
          where %(ids)s::text[] is null and t.entity = any(%(entities)s) and t.delivered_id = '' and {_WANTED} > 0
        ), judged as materialized (
          select connection, source_id, problem as was, lender as lent_before, lender_kind as kind_before,
                 case when %(lenders)s::jsonb ? lower(btrim(person)) then {_LENDER} end as found,
                 (entity, person) in (select * from unnest(%(of)s::text[], %(people)s::text[])) as employed
          from looked_at t where problem = 'person.unknown' or t.delivered_id = '' and {_WANTED} > 0
            and (t.connection, t.source_id) not in (select connection, source_id from frozen)
          order by source_id, connection
        )
        update time_entry t set lender_kind = coalesce(j.found[1], ''), lender = coalesce(j.found[2], ''),
               problem = case when j.found is not null or j.employed then '' else 'person.unknown' end
        from judged j
        where t.connection = j.connection and t.source_id = j.source_id
          and (j.was, j.kind_before, j.lent_before) <> (
            case when j.found is not null or j.employed then '' else 'person.unknown' end,
            coalesce(j.found[1], ''), coalesce(j.found[2], ''))
        """,  # noqa: S608 - literals of this module
        {
            "entities": list(people), "of": [entity for entity, them in people.items() for _ in them],
            "people": [each for them in people.values() for each in them], "connection": connection,
            "ids": None if ids is None else list(ids), "lenders": Jsonb(dict(lenders)),
        },
    )  # fmt: skip


async def ask_again(tx: Tx, entity: str) -> int:
    """What this entity's ERP refused is to be delivered once more: it may have changed over there. How many entries."""
    done = await tx.execute(
        "update time_entry set problem = '', quote = '' where problem = 'target.refused' and entity = %s",
        (entity,),
    )
    return done.rowcount


async def batches(tx: Tx, entity: str) -> list[str]:
    """Batches that were formed and not confirmed, the oldest first."""
    found = await rows(tx, "select name from time_batch where entity = %s order by name", (entity,))
    return [each["name"] for each in found]


async def form_batch(tx: Tx, entity: str, *, kind: str, size: int, apart: bool = True) -> str | None:
    """Freezes the next entries to deliver (`new`) or to correct (`change`) under one name; None when there are none.

    What is frozen is sent as it is until the ERP has confirmed or refused it; an entry that changes meanwhile is
    corrected by a later batch. Nobody is in two batches at once: an ERP lets one call at a time write in a person's timesheet.
    Without `apart` it is as if there were no other batches.
    """
    if kind == "new":
        condition: LiteralString = f"t.delivered_id = '' and {_WANTED} > 0 and {_DELIVERABLE}"
        minutes: LiteralString = _WANTED
    else:
        condition = _TO_CORRECT
        minutes = f"case when t.delivered_as = {_AS} then {_WANTED} else 0 end"
    # Along the index, and no further than the batch goes: the server takes what waits for a few rows, and would sort all of it.
    await tx.execute(
        """
        select pg_advisory_xact_lock(%s, hashtext(%s)), set_config('enable_bitmapscan', 'off', true),
               set_config('enable_seqscan', 'off', true)
        """,
        (_forming(), entity),
    )
    found = await row(
        tx,
        f"""
        with frozen as materialized (
          select connections, source_ids, recorded_as from time_batch where entity = %(entity)s and %(apart)s
        ), chosen as (
          select t.connection, t.source_id, {minutes} as minutes, {_AS} as recorded_as from time_entry t
          where t.entity = %(entity)s and {condition}
            and (t.connection, t.source_id) not in (select unnest(connections), unnest(source_ids) from frozen)
            and t.person not in (select split_part(unnest(recorded_as), '|', 2) from frozen)
          order by t.person, t.source_id limit %(size)s
        )
        insert into time_batch (name, entity, connections, source_ids, minutes, recorded_as)
        select %(entity)s || '-' || %(kind)s || '-' || to_char(nextval('delivery_batch'), 'FM0000000000'), %(entity)s,
               array_agg(connection), array_agg(source_id), array_agg(minutes), array_agg(recorded_as)
        from (select * from chosen order by source_id, connection) chosen having count(*) > 0 returning name
        """,  # noqa: S608 - literals of this module
        {"entity": entity, "kind": kind, "size": size, "apart": apart},
    )
    return found["name"] if found else None


def _forming() -> int:
    """The advisory locks under which batches are formed, one for each legal entity."""
    return 7317


async def batch(tx: Tx, name: str, erp: str = "") -> list[dict[str, Any]]:
    """The frozen entries of a batch, always in the same order: minutes, the task, person and day that they are recorded under,
    the ERP's work for it."""
    return await rows(
        tx,
        f"""
        select m.connection, m.source_id, m.minutes, split_part(m.recorded_as, '|', 1) as task,
               split_part(m.recorded_as, '|', 2) as person, split_part(m.recorded_as, '|', 3) as work_date, t.notes,
               t.delivered_id, t.deliveries, (
                 select record_id from crosswalk x
                 where x.kind = 'task' and x.key = split_part(m.recorded_as, '|', 1) and x.connection = %s and not x.alias
               ) as work
        from (select * from time_batch where name = %s) b {_MEMBERS}
        join time_entry t on t.connection = m.connection and t.source_id = m.source_id order by m.position
        """,  # noqa: S608 - literals of this module
        (erp, name),
    )


async def split_batch(tx: Tx, name: str) -> None:
    """Halves a batch that was refused as a whole, so that the bad record is found."""
    await tx.execute(
        """
        with gone as (delete from time_batch where name = %s returning *, cardinality(source_ids) / 2 as half)
        insert into time_batch
        select name || 'a', entity, connections[:half], source_ids[:half], minutes[:half], recorded_as[:half] from gone
        union all
        select name || 'b', entity, connections[half + 1:], source_ids[half + 1:], minutes[half + 1:], recorded_as[half + 1:] from gone
        """,
        (name,),
    )


async def refused(tx: Tx, name: str, quote: str) -> None:
    """The one entry of this batch waits for a person, with what the ERP said."""
    await tx.execute(
        """
        with gone as (delete from time_batch where name = %s returning *)
        update time_entry t set problem = 'target.refused', quote = %s from gone
        where t.connection = gone.connections[1] and t.source_id = gone.source_ids[1]
        """,
        (name, quote[:500]),
    )


async def delivered(tx: Tx, name: str, lines: Sequence[str | None]) -> None:
    """A batch is confirmed: the ERP's own line per entry, in the order of the batch. What has none is delivered anew."""
    await tx.execute(
        """
        with gone as (delete from time_batch where name = %(name)s returning *)
        update time_entry t set delivered_id = m.line, delivered_minutes = m.minutes, delivered_as = m.recorded_as,
               deliveries = deliveries + 1
        from gone b cross join unnest(b.connections, b.source_ids, b.minutes, b.recorded_as, %(lines)s::text[])
          m(connection, source_id, minutes, recorded_as, line)
        where t.connection = m.connection and t.source_id = m.source_id and m.line is not null
        """,
        {"name": name, "lines": list(lines)},
    )


async def corrected(tx: Tx, name: str) -> None:
    """A batch of corrections is confirmed; an entry that the ERP no longer has can be delivered anew."""
    await tx.execute(
        f"""
        with gone as (delete from time_batch where name = %s returning *)
        update time_entry t set delivered_minutes = m.minutes,
               delivered_id = case when m.minutes = 0 then '' else delivered_id end
        from gone b {_MEMBERS} where t.connection = m.connection and t.source_id = m.source_id
        """,  # noqa: S608 - literals of this module
        (name,),
    )


async def to_deliver(tx: Tx) -> list[str]:
    """Entities whose ERP does not have what was approved."""
    found = await rows(
        tx,
        f"""
        select code as entity from legal_entity where exists (
          select from time_batch where entity = code
        ) or exists (
          select from time_entry t where t.entity = code and t.delivered_id = '' and {_WANTED} > 0 and {_DELIVERABLE}
        ) or exists (
          select from time_entry t where t.entity = code and {_TO_CORRECT}
        ) order by code
        """,  # noqa: S608
    )
    return [each["entity"] for each in found]
