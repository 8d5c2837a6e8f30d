"""Milestones as the PSA tells them, and how far those that a contract names are accepted (T39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from tieout.domain.charging.fees import Accepted
from tieout.domain.documents.milestone import Milestone
from tieout.store.database import Tx, rows

# Each milestone that the contract in force names, with the record that it is in the PSA. Of several with the name the first
# that was made counts, and one that was deleted only where no other is left.
_AGREED: LiteralString = """
  with contract as (
    select body from document where kind = 'contract' and engagement = %(engagement)s order by version desc limit 1
  ), agreed as (
    select distinct found.value #>> '{}' as name from contract cross join lateral (
      select jsonb_path_query(body, '$.versions[last].sold[*].terms.instalments[*].milestone') as value
      union all select jsonb_path_query(body, '$.versions[last].sold[*].terms.released_with')
    ) found where found.value #>> '{}' <> ''
  ), told as (
    select m.* from project p
    join crosswalk x on x.kind = 'project' and x.key = p.key
    join milestone m on m.connection = x.connection and m.project_ref = x.record_id
    where p.engagement = %(engagement)s
  ), paired as (
    select distinct on (a.name) a.name as agreed, t.*,
      count(*) filter (where t.state <> 'deleted') over (partition by a.name) as alike
    from agreed a left join told t on lower(btrim(t.name)) = lower(btrim(a.name))
    order by a.name, t.state = 'deleted', length(t.source_id), t.source_id
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


async def accepted(tx: Tx, engagement: str) -> Mapping[str, Accepted]:
    """How far each milestone of the contract is accepted and since when, by its name in the contract; revoked is share 0.

    One that nobody ever accepted is not among them.
    """
    found = await rows(
        tx,
        f"{_AGREED} select agreed, share, since from paired where since is not null order by agreed",  # noqa: S608
        {"engagement": engagement},
    )
    return {each["agreed"]: Accepted(each["share"], each["since"]) for each in found}


async def of_contract(tx: Tx, engagement: str) -> Sequence[Mapping[str, Any]]:
    """Every milestone that the contract names, with its state in the PSA; without one where the PSA has none of the name.

    `alike` says how many the PSA has of the name.
    """
    return await rows(
        tx,
        f"""{_AGREED}
        select agreed, connection, source_id, version, state, share, since, accepted_by, alike from paired order by agreed""",  # noqa: S608
        {"engagement": engagement},
    )


async def accepted_beside(tx: Tx, engagement: str) -> list[str]:
    """The names of accepted milestones of its project that the contract does not name."""
    found = await rows(
        tx,
        f"""{_AGREED}
        select distinct name from told where share > 0 and lower(btrim(name)) not in (select lower(btrim(name)) from agreed)
        order by name""",  # noqa: S608
        {"engagement": engagement},
    )
    return [each["name"] for each in found]
