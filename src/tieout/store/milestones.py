"""Milestones as the PSA tells them, and how far those that a contract names are accepted (T39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from tieout.domain.charging.fees import Accepted
from tieout.domain.documents.milestone import Milestone
from tieout.store.database import Tx, rows

# Each milestone that the contract in force names, with the record that it is in the PSA: in the sale's own project (`own`, its
# key), or in that of the deal. Of several with the name the first that was made counts, and one that was deleted only where no
# other is left.
_AGREED: LiteralString = """
  with contract as (
    select body from document where kind = 'contract' and engagement = %(engagement)s order by version desc limit 1
  ), agreed as (
    select distinct found.value #>> '{}' as name, coalesce(package ->> 'project', '') as own,
      case when package ->> 'project' <> '' then package ->> 'description' else '' end as sale
    from contract cross join jsonb_path_query(body, '$.versions[last].sold[*]') package cross join lateral (
      select jsonb_path_query(package, '$.terms.instalments[*].milestone') as value
      union all select jsonb_path_query(package, '$.terms.released_with')
    ) found where found.value #>> '{}' <> ''
  ), told as (
    select m.*, case when p.sold <> '' then p.key else '' end as in_project from project p
    join crosswalk x on x.kind = 'project' and x.key = p.key
    join milestone m on m.connection = x.connection and m.project_ref = x.record_id
    where p.engagement = %(engagement)s
  ), paired as (
    select distinct on (a.name, a.own) a.name as agreed, a.own, a.sale, t.*,
      count(*) filter (where t.state <> 'deleted') over (partition by a.name, a.own) as alike
    from agreed a left join told t on lower(btrim(t.name)) = lower(btrim(a.name)) and t.in_project = a.own
    order by a.name, a.own, t.state = 'deleted', length(t.source_id), t.source_id
  )"""


async def save(tx: Tx, connection: str, milestone: Milestone, mapping: str, now: datetime) -> None:
    """Stores a milestone as the source tells it; an older version never overwrites a newer one (T57).

    On hold, nothing is decided: what was accepted before stands until the source says otherwise.
    """
    await tx.execute(
        """
        insert into milestone (connection, source_id, version, project_ref, name, state, share, since, accepted_by, mapping,
                               changed_at)
        values (%(connection)s, %(source_id)s, %(version)s, %(project_ref)s, %(name)s, %(state)s, %(share)s, %(since)s,
                %(accepted_by)s, %(mapping)s, %(now)s)
        on conflict (connection, source_id) do update
        set version = excluded.version, project_ref = excluded.project_ref, name = excluded.name, state = excluded.state,
            share = case when excluded.state = 'on_hold' then milestone.share else excluded.share end,
            since = case when excluded.state = 'on_hold' then milestone.since else excluded.since end,
            accepted_by = case when excluded.state = 'on_hold' then milestone.accepted_by else excluded.accepted_by end,
            mapping = excluded.mapping, changed_at = excluded.changed_at
        where split_part(milestone.version, '#', 1) collate "C" <= split_part(excluded.version, '#', 1) collate "C"
        """,
        {
            "connection": connection, "source_id": milestone.source_id, "version": milestone.source_version,
            "project_ref": milestone.project, "name": milestone.name, "state": milestone.state,
            "share": milestone.share, "since": milestone.since, "accepted_by": milestone.accepted_by,
            "mapping": mapping, "now": now,
        },
    )  # fmt: skip


async def accepted(tx: Tx, engagement: str, through: date | None = None) -> Mapping[str, Accepted]:
    """How far each milestone of the contract is accepted and since when, by its name in the contract; revoked is share 0.

    Before the name stands the project, as PRJ-7K3M9QXA/Go-live, where its sale has its own.

    One that nobody ever accepted is not among them. With `through` it is as it stood on that day, and not more than what
    stands now: a part that was accepted before stays due when the rest follows later, and what was taken back since is due no
    more.
    """
    found = await rows(
        tx,
        f"""{_AGREED}
        select p.agreed, p.own, p.share, p.since, before.share as share_before, before.since as since_before
        from paired p left join lateral (
          select (d.body ->> 'share')::numeric as share, (d.body ->> 'since')::date as since from document d
          where d.kind = 'milestone' and d.key = p.connection || '-' || p.source_id and d.body ->> 'state' <> 'on_hold'
            and (d.body ->> 'since')::date <= %(through)s
          order by d.version desc limit 1
        ) before on p.since > %(through)s
        where p.since is not null order by p.agreed, p.own""",  # noqa: S608
        {"engagement": engagement, "through": through or date.max},
    )
    return {f"{each['own']}/{each['agreed']}" if each["own"] else each["agreed"]: _as_it_stood(each) for each in found}


def _as_it_stood(row: Mapping[str, Any]) -> Accepted:
    if row["since_before"] is None:
        return Accepted(row["share"], row["since"])
    return Accepted(min(row["share"], row["share_before"]), row["since_before"])


async def of_contract(tx: Tx, engagement: str) -> Sequence[Mapping[str, Any]]:
    """Every milestone that the contract names, with its state in the PSA; without one where the PSA has none of the name.

    `alike` says how many the PSA has of the name, `own` and `sale` are the key of the project of its own and what was sold,
    where its sale has one. `invoice` and `invoice_state` are those of the newest invoice that its fee is
    on, as far as that was not credited.
    """
    return await rows(
        tx,
        f"""{_AGREED}, billed as (
          select part ->> 'milestone' as name, coalesce(package ->> 'project', '') as own,
            (array_agg(coalesce(nullif(i.number, ''), i.key) order by i.proposed_at desc))[1] as invoice,
            (array_agg(i.state order by i.proposed_at desc))[1] as invoice_state
          from contract cross join jsonb_path_query(body, '$.versions[last].sold[*]') package
          cross join jsonb_array_elements(package #> '{{terms,instalments}}') part
          join invoice i on i.engagement = %(engagement)s and i.state <> 'cancelled'
          join evidence e on e.invoice = i.key and e.connection || '/' || e.source_id = (package ->> 'id') || '/' || (part ->> 'key')
          group by 1, 2 having sum(e.amount) > 0
        )
        select p.agreed, p.own, p.sale, p.connection, p.source_id, p.version, p.state, p.share, p.since, p.accepted_by, p.alike, b.invoice,
          b.invoice_state
        from paired p left join billed b on b.name = p.agreed and b.own = p.own order by p.agreed, p.own""",  # noqa: S608
        {"engagement": engagement},
    )


async def accepted_beside(tx: Tx, engagement: str) -> list[str]:
    """The names of accepted milestones of its projects that the contract does not name."""
    found = await rows(
        tx,
        f"""{_AGREED}
        select distinct name from told where share > 0 and not exists (
          select from agreed a where lower(btrim(a.name)) = lower(btrim(told.name)) and a.own = told.in_project)
        order by name""",  # noqa: S608
        {"engagement": engagement},
    )
    return [each["name"] for each in found]
