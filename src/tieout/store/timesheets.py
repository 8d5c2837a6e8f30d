"""What goes to the ERP's timesheets: batches that are frozen before they are sent, and what an ERP refuses or does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows

# Work that began before its contract was signed goes to the ERP's timesheets once the ERP has the project.
_DELIVERABLE: LiteralString = """
  not exists (
    select from project r where r.key = t.project and r.tentative_until is not null and not exists (
      select from crosswalk x join connection c on c.name = x.connection and c.role = 'erp'
      where x.kind = 'project' and x.key = r.key))"""
_WANTED: LiteralString = "case when t.state = 'approved' and t.problem = '' then t.minutes else 0 end"
_AS: LiteralString = "entry_as(t.task, t.person, t.work_date)"
_TO_CORRECT: LiteralString = f"""
  t.delivered_id <> '' and t.problem <> 'target.refused' and ({_WANTED} <> t.delivered_minutes or t.delivered_as <> {_AS})"""


async def mark_problem(tx: Tx, connection: str, ids: Sequence[str], problem: str, quote: str) -> None:
    await tx.execute(
        "update time_entry set problem = %s, quote = %s, batch = '' where connection = %s and source_id = any(%s)",
        (problem, quote[:500], connection, list(ids)),
    )


async def unknown_people(
    tx: Tx, entity: str, people: Sequence[str], connection: str, ids: Sequence[str] | None
) -> None:
    """Of these entries, or of all, those of somebody whom the ERP does not employ wait, alone; they go on when it knows them.

    What the ERP's timesheets have already stays there, whoever leaves the firm.
    """
    # `in (select …)` within a case is a hash of the people whatever the plan: as a join, a prepared statement compares each
    # entry of a page with everybody.
    await tx.execute(
        f"""
        with looked_at as (
          select t.* from unnest(%(ids)s::text[]) as page(id)
          join time_entry t on t.connection = %(connection)s and t.source_id = page.id where t.entity = %(entity)s
          union all
          select * from time_entry where %(ids)s::text[] is null and problem = 'person.unknown' and entity = %(entity)s
          union all
          select * from time_entry t
          where %(ids)s::text[] is null and t.entity = %(entity)s and t.batch = '' and t.delivered_id = '' and {_WANTED} > 0
        ), judged as materialized (
          select connection, source_id, problem as was,
                 case when person in (select unnest(%(people)s::text[])) then '' else 'person.unknown' end as problem
          from looked_at t where problem = 'person.unknown' or t.batch = '' and t.delivered_id = '' and {_WANTED} > 0
        )
        update time_entry t set problem = j.problem from judged j
        where t.connection = j.connection and t.source_id = j.source_id and j.problem <> j.was
        """,  # noqa: S608 - literals of this module
        {
            "entity": entity, "people": list(people), "connection": connection, "ids": None if ids is None else list(ids),
        },
    )  # fmt: skip


async def ask_again(tx: Tx, entity: str) -> int:
    """What this entity's ERP refused is to be delivered once more: it may have changed over there. How many entries."""
    done = await tx.execute(
        "update time_entry set problem = '', quote = '' where problem = 'target.refused' and entity = %s and batch = ''",
        (entity,),
    )
    return done.rowcount


# `batch <> ''` stands beside each `batch = …` here: a prepared statement does not know otherwise that the index has what it asks.


async def batches(tx: Tx, entity: str) -> list[str]:
    """Batches that were formed and not confirmed, the oldest first."""
    found = await rows(
        tx, "select distinct batch from time_entry where entity = %s and batch <> '' order by batch", (entity,)
    )
    return [each["batch"] for each in found]


async def form_batch(tx: Tx, entity: str, *, kind: str, size: int) -> str | None:
    """Freezes the next entries to deliver (`new`) or to correct (`change`) under one name; None when there are none.

    What is frozen is sent as it is until the ERP has confirmed or refused it; an entry that changes meanwhile is
    corrected by a later batch.
    """
    if kind == "new":
        condition: LiteralString = f"t.delivered_id = '' and {_WANTED} > 0 and {_DELIVERABLE}"
        minutes: LiteralString = _WANTED
    else:
        condition = _TO_CORRECT
        minutes = f"case when t.delivered_as = {_AS} then {_WANTED} else 0 end"
    sequence = await row(tx, "select nextval('delivery_batch') as n")
    assert sequence is not None
    name = f"{entity}-{kind}-{sequence['n']:08}"
    found = await rows(
        tx,
        f"""
        update time_entry u set batch = %s, batch_minutes = chosen.minutes, batch_as = chosen.described from (
          select t.connection, t.source_id, {minutes} as minutes, {_AS} as described from time_entry t
          where t.entity = %s and t.batch = '' and {condition}
          order by t.work_date, t.source_id limit %s for update skip locked
        ) chosen where u.connection = chosen.connection and u.source_id = chosen.source_id returning u.source_id
        """,  # noqa: S608 - literals of this module
        (name, entity, size),
    )
    return name if found else None


async def batch(tx: Tx, name: str, erp: str = "") -> list[dict[str, Any]]:
    """The frozen entries of a batch: minutes, the task, person and day that they are recorded under, the ERP's work for it."""
    return await rows(
        tx,
        """
        select t.connection, t.source_id, t.batch_minutes as minutes, split_part(t.batch_as, '|', 1) as task,
               split_part(t.batch_as, '|', 2) as person, split_part(t.batch_as, '|', 3) as work_date, t.notes, t.delivered_id,
               t.deliveries, (
                 select record_id from crosswalk x
                 where x.kind = 'task' and x.key = split_part(t.batch_as, '|', 1) and x.connection = %s and not x.alias
               ) as work
        from time_entry t where t.batch = %s and t.batch <> '' order by t.source_id
        """,
        (erp, name),
    )


async def split_batch(tx: Tx, name: str) -> None:
    """Halves a batch that was refused as a whole, so that the bad record is found."""
    await tx.execute(
        """
        update time_entry t set batch = %(name)s || case when half.n %% 2 = 0 then 'a' else 'b' end
        from (select source_id, connection, row_number() over (order by source_id) as n from time_entry where batch = %(name)s) half
        where t.connection = half.connection and t.source_id = half.source_id
        """,
        {"name": name},
    )


async def delivered(tx: Tx, name: str, lines: Mapping[str, str]) -> None:
    """A batch is confirmed: the ERP's own line per entry."""
    await tx.execute(
        """
        update time_entry t set delivered_id = d.value, delivered_minutes = batch_minutes, delivered_as = batch_as, batch = '',
               deliveries = deliveries + 1
        from jsonb_each_text(%s) d where t.batch = %s and t.batch <> '' and t.source_id = d.key
        """,
        (Jsonb(dict(lines)), name),
    )


async def corrected(tx: Tx, name: str) -> None:
    """A batch of corrections is confirmed; an entry that the ERP no longer has can be delivered anew."""
    await tx.execute(
        """
        update time_entry set delivered_minutes = batch_minutes, batch = '',
               delivered_id = case when batch_minutes = 0 then '' else delivered_id end
        where batch = %s and batch <> ''
        """,
        (name,),
    )


async def to_deliver(tx: Tx) -> list[str]:
    """Entities whose ERP does not have what was approved."""
    found = await rows(
        tx,
        f"""
        select code as entity from legal_entity where exists (
          select from time_entry t where t.entity = code and t.batch <> ''
        ) or exists (
          select from time_entry t where t.entity = code and t.batch = '' and t.delivered_id = '' and {_WANTED} > 0
            and {_DELIVERABLE}
        ) or exists (
          select from time_entry t where t.entity = code
            and t.batch = '' and {_TO_CORRECT}
        ) order by code
        """,  # noqa: S608
    )
    return [each["entity"] for each in found]
