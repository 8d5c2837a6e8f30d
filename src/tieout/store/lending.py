"""Lent work: what it is expected to cost, by who lends it, and the bills that it was matched with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, row, rows

# Every lent entry with what of it no bill stands for. A company's work costs a share of what it is worth to the customer, a
# vendor's its worked minutes at the person's rate (T25); `cost` is null as long as nobody has said a price.
_OPEN: LiteralString = """
  with entry as (
    select t.connection, t.source_id, t.lender_kind as kind, t.lender, coalesce(t.entity, '') as entity, t.person, t.project,
      t.work_date, case when t.state = 'approved' then t.minutes else 0 end as minutes,
      case when t.lender_kind = 'vendor' then p.currency else t.currency end as currency,
      case when t.state <> 'approved' then 0
           when t.lender_kind = 'vendor' then entry_amount(t.minutes, p.amount, p.currency)
           else round(entry_amount(t.billable_minutes, t.agreed_rate, t.currency) * p.amount, minor_digits(t.currency)) end as cost
    from time_entry t left join lateral (
      select amount, currency from jsonb_to_recordset(%(prices)s::jsonb -> (t.lender_kind || ' ' ||
          case when t.lender_kind = 'vendor' then lower(btrim(t.person)) else lower(t.lender || '/' || t.entity) end))
        as price(amount numeric, currency text, valid_from date, position integer)
      where valid_from <= t.work_date order by valid_from desc, position desc limit 1
    ) p on true
    where t.lender <> '' and t.delivered_id = '' and %(lender)s in ('', t.lender)
      and t.work_date <= coalesce(%(through)s::date, 'infinity')
  ), matched as (
    select connection, source_id, sum(minutes) as minutes, sum(cost) as cost, min(currency) as currency
    from lender_bill_entry where %(lender)s in ('', lender) group by 1, 2
  ), open as (
    select e.connection, e.source_id, e.kind, e.lender, e.entity, e.person, e.project, e.work_date,
      coalesce(e.currency, m.currency, '') as currency, (e.minutes - coalesce(m.minutes, 0))::integer as minutes,
      e.cost - coalesce(m.cost, 0) as cost
    from entry e left join matched m on m.connection = e.connection and m.source_id = e.source_id
    where e.minutes <> coalesce(m.minutes, 0) or e.cost is distinct from coalesce(m.cost, 0)
  )
"""


async def expected(
    tx: Tx, prices: Mapping[str, Any], *, lender: str = "", through: date | None = None
) -> list[dict[str, Any]]:
    """What no bill stands for yet, by lender, company of the project, person and currency; `unpriced` minutes have no price."""
    return await rows(
        tx,
        _OPEN  # noqa: S608 - all of it is written here
        + """
        select kind, lender, entity, person, currency, count(*)::integer as entries, sum(minutes)::integer as minutes,
          coalesce(sum(minutes) filter (where cost is null), 0)::integer as unpriced, coalesce(sum(cost), 0) as cost,
          min(work_date) as first_day, max(work_date) as last_day
        from open group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
        """,
        {"prices": Jsonb(dict(prices)), "lender": lender, "through": through},
    )


async def bill(tx: Tx, kind: str, lender: str, number: str) -> dict[str, Any] | None:
    return await row(
        tx, "select * from lender_bill where kind = %s and lender = %s and number = %s", (kind, lender, number)
    )


async def match(
    tx: Tx,
    prices: Mapping[str, Any],
    *,
    kind: str,
    lender: str,
    number: str,
    through: date,
    currency: str,
    amount: Decimal | None,
    actor: str,
    now: datetime,
) -> dict[str, Any] | None:
    """Writes down that a bill stands for all that is open of a lender in its currency, up to a day; None where nothing is."""
    await tx.execute("select pg_advisory_xact_lock(7319, hashtext(%s))", (f"{kind}/{lender}",))
    return await row(
        tx,
        _OPEN  # noqa: S608 - all of it is written here
        + """
        , chosen as (
          select * from open where kind = %(kind)s and currency = %(currency)s and cost is not null
        ), made as (
          insert into lender_bill (kind, lender, number, through, currency, expected, amount, minutes, matched_by, matched_at)
          select %(kind)s, %(lender)s, %(number)s, %(through)s, %(currency)s, sum(cost), %(amount)s, sum(minutes)::integer,
            %(actor)s, %(now)s
          from chosen having count(*) > 0 returning *
        ), kept as (
          insert into lender_bill_entry (kind, lender, number, connection, source_id, minutes, cost, currency)
          select made.kind, made.lender, made.number, c.connection, c.source_id, c.minutes, c.cost, c.currency from chosen c cross join made
        )
        select * from made
        """,
        {
            "prices": Jsonb(dict(prices)), "lender": lender, "through": through, "kind": kind, "number": number,
            "currency": currency, "amount": amount, "actor": actor, "now": now,
        },
    )  # fmt: skip


async def bills(tx: Tx) -> list[dict[str, Any]]:
    """The bills that were matched last, the newest first: each with what it should have come to and what it says."""
    return await rows(tx, "select * from lender_bill order by matched_at desc, lender, number limit 100")
