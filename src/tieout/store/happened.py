"""What a month must be able to contain, looked for in the books: each case with the documents that prove it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, rows

# Posted invoices, the newest documents, and what was billed where. An invoice is called by the ERP's number.
_WITH: LiteralString = """
  with newest as (
    select distinct on (kind, key) kind, key, entity, engagement, body from document
    where kind in ('engagement', 'contract', 'change_order') order by kind, key, version desc
  ), posted as (
    select *, case when corrects is null then 'invoice ' else 'credit note ' end || number as told
    from invoice where state in ('posted', 'partly_paid', 'paid')
  ), billed as (
    select i.key as invoice, i.told, i.entity, i.engagement, i.currency, i.through, i.proposed_at, i.corrects, e.kind, e.connection,
      e.source_id, e.connection || '/' || e.source_id as ref, e.work_date, e.entry_version, e.contract_version, e.sold, e.minutes,
      e.amount, e.worth, e.why, e.basis
    from posted i join evidence e on e.invoice = i.key
  )"""

# Every statement: entity, engagement, documents (what they are and what they are called), told (the case in a few words).
_CASES: Mapping[str, LiteralString] = {
    "a package sold through a quote": """
      select c.entity, c.engagement, array['quote ' || q.quote, 'contract ' || c.key || ', version 1', min(b.told)] as documents,
        string_agg(distinct package ->> 'id', ', ') as told
      from jsonb_to_recordset(%(quotes)s) q(quote text, deal text)
      join newest d on d.kind = 'engagement' and d.body ->> 'source_id' = q.deal
      join newest c on c.kind = 'contract' and c.engagement = d.key
      cross join jsonb_array_elements(c.body #> '{versions,0,sold}') package
      join billed b on b.engagement = c.engagement and b.sold = package ->> 'id' and b.amount > 0
      group by c.entity, c.engagement, c.key, q.quote
    """,
    "a change order in the middle of a month": """
      select c.entity, c.engagement, array['change order ' || (o.body ->> 'name'),
          'contract ' || c.key || ', version ' || (v ->> 'version'), b.told] as documents,
        'from ' || (v ->> 'effective_from') as told
      from newest c cross join jsonb_array_elements(c.body -> 'versions') v
      join newest o on o.kind = 'change_order' and o.key = v ->> 'order' and o.body ->> 'state' = 'approved'
      join billed b on b.engagement = c.engagement and b.contract_version = (v ->> 'version')::integer and b.amount > 0
      where c.kind = 'contract' and extract(day from (v ->> 'effective_from')::date) > 1
      group by c.entity, c.engagement, c.key, o.body, v, b.told
    """,
    "a cap that splits an entry": """
      select b.entity, b.engagement, array['time entry ' || b.ref, b.told] as documents,
        format('%%s minutes billed, %%s above %%s', sum(b.minutes), min(p.minutes), p.why) as told
      from billed b join piece p on p.kind = 'time' and p.fate = 'over_cap' and p.minutes > 0
        and (p.connection, p.source_id) = (b.connection, b.source_id)
      where b.kind = 'time' group by b.entity, b.engagement, b.ref, b.told, p.why having sum(b.minutes) > 0
    """,
    "a retainer with overage": """
      select o.entity, o.engagement, array_agg(distinct x.told order by x.told) as documents,
        format('%%s minutes beyond the block', o.minutes) as told
      from (
        select entity, engagement, sold, sum(minutes) as minutes from billed where why = 'overage' group by 1, 2, 3
      ) o join billed x on x.engagement = o.engagement and x.sold = o.sold and (x.kind = 'fee' or x.why = 'overage')
      where exists (select from piece p where p.engagement = o.engagement and p.sold = o.sold and p.fate = 'drawn')
      group by o.entity, o.engagement, o.minutes
    """,
    "a milestone": """
      select entity, engagement, array['fee ' || ref, told] as documents,
        format('%%s, accepted on %%s', basis ->> 'milestone', basis ->> 'accepted_on') as told
      from billed where kind = 'fee' and amount > 0 and basis ? 'milestone'
    """,
    "an expense in a third currency": """
      select b.entity, b.engagement, array[b.ref, b.told] as documents,
        format('%%s %%s, billed as %%s %%s', b.basis ->> 'receipt_amount', b.basis ->> 'receipt_currency', b.amount, b.currency) as told
      from billed b
      where b.kind = 'expense' and b.amount > 0 and b.basis ->> 'receipt_currency' not in (select currency from legal_entity)
    """,
    "an approval revoked after billing": """
      select b.entity, b.engagement, array['time entry ' || b.ref, b.told, back.told] as documents,
        format('%%s minutes billed, taken back with the next cut-off', b.minutes) as told
      from billed b
      join billed back on back.ref = b.ref and back.minutes < 0 and back.corrects is null and back.proposed_at > b.proposed_at
      where b.kind = 'time' and b.minutes > 0 and exists (
        select from time_entry_version v where v.connection = b.connection and v.source_id = b.source_id
          and v.version collate "C" > b.entry_version collate "C" and v.seen_at > b.proposed_at
          and v.body ->> 'state' <> 'approved'
      )
    """,
    "a partial credit, billed again": """
      select note.entity, note.engagement,
        array[note.told, min(b.told), min(again.told)] as documents,
        format('%%s of %%s %%s', -note.net, min(original.net), note.currency) as told
      from posted note join posted original on original.key = note.corrects and -note.net < original.net
      join billed back on back.invoice = note.key and back.minutes < 0
      join billed b on b.invoice = original.key and b.ref = back.ref
      join billed again on again.ref = back.ref and again.minutes > 0 and again.proposed_at > note.proposed_at
      where note.rebill = 'yes' group by note.key, note.entity, note.engagement, note.told, note.net, note.currency
    """,
    "a late entry for a closed period": """
      select b.entity, b.engagement, array['time entry ' || b.ref, b.told] as documents,
        format('%%s minutes of %%s', b.minutes, b.work_date) as told
      from billed b join jsonb_to_recordset(%(closed)s) c(entity text, month date)
        on c.entity = b.entity and date_trunc('month', b.work_date) = c.month
      where b.kind = 'time' and b.minutes > 0 and exists (
        select from posted before where before.engagement = b.engagement and before.through between b.work_date and b.through - 1
          and before.proposed_at < (select min(v.seen_at) from time_entry_version v
            where v.connection = b.connection and v.source_id = b.source_id)
      )
    """,
}
CASES: Sequence[str] = tuple(_CASES)


async def happened(
    tx: Tx, *, quotes: Sequence[Mapping[str, str]], closed: Sequence[Mapping[str, str]]
) -> dict[str, list[dict[str, Any]]]:
    """Every time that each case happened: entity, engagement, documents and told; a case that did not has no rows.

    What the hub does not know is told to it: `quotes` that a deal was won by (quote, deal: the CRM's id of it) and the months
    that are `closed` in the ledger (entity, month: its first day). A case counts once finance has posted what it led to.
    """
    told = {"quotes": Jsonb(list(quotes)), "closed": Jsonb(list(closed))}
    order: LiteralString = " order by entity, engagement, documents"
    return {name: await rows(tx, _WITH + statement + order, told) for name, statement in _CASES.items()}
