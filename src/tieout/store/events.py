"""Everything that is billed beside hours, event by event: what it is worth, how much of it is billed, and how it stands."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, LiteralString, get_args

from tieout.store.database import Tx, rows

Kind = Literal["fee", "milestone", "expense", "usage"]
# It waits for a person; nobody has judged it yet; something of it is still to be billed or taken back; all of it is billed;
# what is not billed is set aside by the contract.
State = Literal["waits", "not_judged", "open", "billed", "set_aside"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STATES: tuple[State, ...] = get_args(State)

# As the last decision knew them, and beside those the expenses and the months of usage that came since.
_EVENTS: LiteralString = """
  with known as (
    select connection, source_id, kind, engagement, entity, project, currency, sold, day, worth, contract_version, name, basis
    from billable_event
    union all
    select e.connection, 'expense/' || e.source_id, 'expense', coalesce(e.engagement, ''), coalesce(e.entity, ''), e.project,
      coalesce(e.project_currency, e.claim_currency), '', e.day, null, coalesce(e.contract_version, 0),
      concat_ws(', ', e.category, e.day, nullif(e.notes, '')), '{}'
    from expense e where e.state = 'approved' and e.treatment is distinct from 'non_billable' and not exists (
      select from billable_event b where b.connection = e.connection and b.source_id = 'expense/' || e.source_id)
    union all
    select month.connection, month.source_id, 'usage', month.engagement, month.entity, month.project, p.currency, month.sold,
      month.day, null, month.contract_version, month.name, '{}'
    from (
      select split_part(sold, '/', 1) as connection,
        substr(sold, strpos(sold, '/') + 1) || '/' || to_char(day, 'YYYY-MM') as source_id, engagement, entity, project, sold,
        max(day) as day, max(contract_version) as contract_version,
        trim_scale(sum(quantity)) || ' ' || min(unit) || ' in ' || to_char(day, 'YYYY-MM') as name
      from usage_reading where sold <> '' and quantity > 0 group by 1, 2, 3, 4, 5, 6, to_char(day, 'YYYY-MM')
    ) month join project p on p.key = month.project
    where not exists (
      select from billable_event b where b.connection = month.connection
        and (b.source_id = month.source_id or b.source_id like month.source_id || '/v%%'))
  ), stands as (
    select k.*, coalesce(billed.worth, 0) as billed, coalesce(aside.worth, 0) as set_aside, coalesce(waits.problem, '') as problem
    from known k
    left join lateral (
      select sum(e.worth) as worth from evidence e join invoice i on i.key = e.invoice and i.state <> 'cancelled'
      where e.connection = k.connection and e.source_id = k.source_id and e.kind = k.kind
    ) billed on true
    left join lateral (
      select sum(p.worth) as worth from piece p
      where p.connection = k.connection and p.source_id = k.source_id and p.kind = k.kind
    ) aside on true
    left join lateral (
      select x.problem from expense x
      where k.kind = 'expense' and x.connection = k.connection and 'expense/' || x.source_id = k.source_id and x.problem <> ''
      union all
      select r.problem from usage_reading r
      where k.kind = 'usage' and r.engagement = k.engagement and r.sold = k.sold and r.problem <> ''
        and to_char(r.day, 'YYYY-MM') = to_char(k.day, 'YYYY-MM')
      limit 1
    ) waits on true
  ), event as (
    select s.*, case when kind = 'fee' and basis ? 'milestone' then 'milestone' else kind end as shown_kind,
      case when problem <> '' then 'waits' when worth is null then 'not_judged' when worth <> billed + set_aside then 'open'
        when set_aside <> 0 then 'set_aside' else 'billed' end as state
    from stands s
  )"""


async def page(
    tx: Tx,
    *,
    engagement: str = "",
    entity: str = "",
    kind: str = "",
    state: str = "",
    after: tuple[date, str, str] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """The latest day first; an empty text does not filter. `worth` is None while nobody has judged an event.

    What is `billed` is at agreed worth; what is `set_aside` the contract has decided not to bill.
    """
    day, connection, source_id = after or (None, "", "")
    return await rows(
        tx,
        f"""{_EVENTS}
        select * from event
        where (%(engagement)s = '' or engagement = %(engagement)s) and (%(entity)s = '' or entity = %(entity)s)
          and (%(kind)s = '' or shown_kind = %(kind)s) and (%(state)s = '' or state = %(state)s)
          and (%(day)s::date is null or day < %(day)s
            or (day = %(day)s and (connection, source_id) > (%(connection)s, %(source_id)s)))
        order by day desc, connection, source_id limit %(limit)s""",  # noqa: S608 - a literal of this module
        {
            "engagement": engagement, "entity": entity, "kind": kind, "state": state, "day": day, "connection": connection,
            "source_id": source_id, "limit": limit,
        },
    )  # fmt: skip
