"""Expenses in sets, as time: a page is stored and judged in a few statements, and the bad ones wait alone (T31-T33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx, rows


async def save_page(tx: Tx, connection: str, expenses: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Stores expenses as the source tells them; an older version never overwrites a newer one (T57).

    Every version is kept (T32). Each has the names of the table's columns, with `project` and `task` as the source's own ids.
    """
    await tx.execute(
        """
        with page as (
          select * from rows from (jsonb_to_recordset(%(expenses)s) as (source_id text, source_version text, project text,
            task text, person text, day date, category text, notes text, receipt_amount numeric, receipt_currency text,
            claim_amount numeric, claim_currency text, rate numeric, rate_date date, has_receipt boolean, billable boolean,
            taxable boolean, input_tax numeric, state text, approved_by text, approved_at timestamptz, mapping text))
          with ordinality
        ), history as (
          insert into expense_version (connection, source_id, version, body, seen_at)
          select %(connection)s, source_id, source_version, to_jsonb(page) - 'ordinality', %(now)s from page on conflict do nothing
        )
        insert into expense (connection, source_id, version, project_ref, task_ref, person, day, category, notes, receipt_amount,
                             receipt_currency, claim_amount, claim_currency, rate, rate_date, has_receipt, billable, taxable,
                             input_tax, state, approved_by, approved_at, mapping, changed_at)
        select %(connection)s, source_id, source_version, project, coalesce(task, ''), person, day, category, coalesce(notes, ''),
               receipt_amount, receipt_currency, claim_amount, claim_currency, rate, rate_date, has_receipt, billable, taxable,
               input_tax, state, coalesce(approved_by, ''), approved_at, mapping, %(now)s
        from (select distinct on (source_id) * from page
              order by source_id, split_part(source_version, '#', 1) collate "C" desc, ordinality desc) newest
        on conflict (connection, source_id) do update
        set version = excluded.version, project_ref = excluded.project_ref, task_ref = excluded.task_ref,
            person = excluded.person, day = excluded.day, category = excluded.category, notes = excluded.notes,
            receipt_amount = excluded.receipt_amount, receipt_currency = excluded.receipt_currency,
            claim_amount = excluded.claim_amount, claim_currency = excluded.claim_currency, rate = excluded.rate,
            rate_date = excluded.rate_date, has_receipt = excluded.has_receipt, billable = excluded.billable,
            taxable = excluded.taxable, input_tax = excluded.input_tax, state = excluded.state,
            approved_by = excluded.approved_by, approved_at = excluded.approved_at, mapping = excluded.mapping,
            changed_at = excluded.changed_at
        where split_part(expense.version, '#', 1) collate "C" < split_part(excluded.version, '#', 1) collate "C"
          or split_part(expense.version, '#', 1) = split_part(excluded.version, '#', 1) and expense.state <> 'deleted'
        """,
        {"expenses": Jsonb(list(expenses)), "connection": connection, "now": now},
    )


async def mark_deleted(tx: Tx, connection: str, versions: Mapping[str, str], now: datetime) -> None:
    """Expenses that vanished at their source (T29): they stay with us, and nothing of them is approved any more."""
    await tx.execute(
        """
        update expense e set state = 'deleted', version = d.value, problem = '', changed_at = %s
        from jsonb_each_text(%s) d where e.connection = %s and e.source_id = d.key and e.state <> 'deleted'
          and split_part(e.version, '#', 1) collate "C" <= split_part(d.value, '#', 1) collate "C"
        """,
        (now, Jsonb(dict(versions)), connection),
    )


async def resolve(
    tx: Tx,
    connection: str,
    ids: Sequence[str],
    *,
    categories: Sequence[Mapping[str, Any]],
    receipts: Sequence[Mapping[str, Any]],
    values: Sequence[Mapping[str, Any]],
    products: bool,
) -> None:
    """Finds project, amounts, treatment and product of these expenses and of those that had a problem, and says what lacks.

    `categories` are the firm's {category, treatment, markup}, which the version of the contract that is in force on the day may
    replace for itself; a receipt is demanded above each of `receipts`, {currency, amount}. `values` are rows {name, key, entity,
    value, valid_from, position} of the value tables `expense_product` (looked up where `products`), `exchange_rate`,
    `person_entity` (who is not in it works for the company of the project) and `transfer_price` (T49), with
    keys in small letters. An amount is converted only by a rate of the day: without one it stays unknown, and the expense
    waits (T33).
    """
    await tx.execute(
        """
        with firm as (
          select * from jsonb_to_recordset(%(categories)s) as f(category text, treatment text, markup numeric)
        ), demanded as (
          select * from jsonb_to_recordset(%(receipts)s) as r(currency text, amount numeric)
        ), value as (
          select * from jsonb_to_recordset(%(values)s)
            as v(name text, key text, entity text, value text, valid_from date, position integer)
        ), wanted as (
          select unnest(%(ids)s::text[]) as source_id
          union select source_id from expense where connection = %(connection)s and problem not in ('', 'target.refused')
        ), known as (
          select e.source_id, coalesce(p.key, '') as project, coalesce(k.key, '') as task, p.entity, p.engagement,
                 coalesce(c.version, p.contract_version) as contract_version, p.currency as project_currency, b.currency as book_currency,
                 case when e.billable then coalesce(c.terms ->> 'treatment', f.treatment) else 'non_billable' end as treatment,
                 case when e.billable then coalesce((c.terms ->> 'markup')::numeric, f.markup) else 0 end as markup,
                 case when p.currency = e.claim_currency then 1 else to_project.rate end as project_rate,
                 case when b.currency = e.claim_currency then 1 else to_books.rate end as book_rate,
                 coalesce(product.value, '') as product, d.amount as receipt_above,
                 coalesce(employer.value, p.entity) as person_entity, transfer.value as transfer_price
          from wanted join expense e on e.connection = %(connection)s and e.source_id = wanted.source_id
          left join crosswalk xp on xp.kind = 'project' and xp.connection = e.connection and xp.record_id = e.project_ref
          left join project p on p.key = xp.key
          left join legal_entity b on b.code = p.entity
          left join crosswalk xt on xt.kind = 'task' and xt.connection = e.connection and xt.record_id = e.task_ref
          left join project_task k on k.key = xt.key and k.project = p.key
          left join firm f on f.category = lower(btrim(e.category))
          left join lateral (
            select v.value -> 'expenses' -> lower(btrim(e.category)) as terms, (v.value ->> 'version')::integer as version
            from (
              select body from document where kind = 'contract' and engagement = p.engagement order by version desc limit 1
            ) contract cross join jsonb_array_elements(contract.body -> 'versions') v
            cross join lateral (select (v.value ->> 'effective_from')::date > e.day as later) begins
            order by later, (v.value ->> 'version')::integer * case when later then 1 else -1 end limit 1
          ) c on true
          left join demanded d on d.currency = e.claim_currency
          left join lateral (
            select nullif(value, '') as value from value where name = 'expense_product' and key = lower(btrim(e.category))
              and entity in (p.entity, '*') and valid_from <= e.day
            order by entity = '*', valid_from desc, position desc limit 1
          ) product on true
          left join lateral (
            select nullif(value, '') as value from value where name = 'person_entity' and key = lower(btrim(e.person))
              and valid_from <= e.day
            order by valid_from desc, position desc limit 1
          ) employer on true
          left join lateral (
            select nullif(value, '') as value from value
            where name = 'transfer_price' and key = lower(employer.value || '/' || p.entity) and valid_from <= e.day
            order by valid_from desc, position desc limit 1
          ) transfer on true
          left join lateral (
            select case when value ~ '^[0-9]+([.][0-9]+)?$' then value::numeric end as rate from value
            where name = 'exchange_rate' and key = lower(e.claim_currency || '/' || p.currency)
              and entity in (p.entity, '*') and valid_from <= e.day
            order by entity = '*', valid_from desc, position desc limit 1
          ) to_project on true
          left join lateral (
            select case when value ~ '^[0-9]+([.][0-9]+)?$' then value::numeric end as rate from value
            where name = 'exchange_rate' and key = lower(e.claim_currency || '/' || b.currency)
              and entity in (p.entity, '*') and valid_from <= e.day
            order by entity = '*', valid_from desc, position desc limit 1
          ) to_books on true
        ), judged as (
          select k.*, case
              when e.state <> 'approved' then ''
              when k.project = '' then 'expense.project_unknown'
              when k.person_entity <> k.entity and k.transfer_price is null then 'expense.entity_differs'
              when k.project_rate is null or k.book_rate is null then 'expense.rate_missing'
              when k.treatment = 'non_billable' then ''
              when k.treatment is null then 'expense.category_unknown'
              when not e.has_receipt and (k.treatment = 'disbursement' or e.claim_amount > k.receipt_above)
                then 'expense.receipt_missing'
              when k.treatment = 'disbursement' and e.taxable then 'expense.tax_contradicts'
              when %(products)s and k.product = '' then 'value.missing'
              else '' end as problem
          from known k join expense e on e.connection = %(connection)s and e.source_id = k.source_id
        )
        update expense e
        set project = k.project, task = k.task, entity = k.entity, engagement = k.engagement,
            person_entity = k.person_entity, contract_version = k.contract_version, treatment = k.treatment,
            markup = k.markup, product = k.product,
            project_amount = round(e.claim_amount * k.project_rate, minor_digits(k.project_currency)),
            project_currency = k.project_currency, project_rate = k.project_rate,
            project_rate_date = case when k.project_rate is not null then e.day end,
            book_amount = round(e.claim_amount * k.book_rate, minor_digits(k.book_currency)),
            book_currency = k.book_currency, book_rate = k.book_rate,
            book_rate_date = case when k.book_rate is not null then e.day end,
            quote = '', problem = k.problem
        from judged k where e.connection = %(connection)s and e.source_id = k.source_id
        """,
        {
            "connection": connection, "ids": list(ids), "categories": Jsonb(list(categories)),
            "receipts": Jsonb(list(receipts)), "values": Jsonb(list(values)), "products": products,
        },
    )  # fmt: skip


async def settle_messages(tx: Tx, connection: str, run_id: str, now: datetime) -> None:
    """What became of expenses becomes of their messages: of this run's, and of earlier ones that were held for an expense."""
    await tx.execute(
        """
        with open as (
          select id from message where run_id = %(run)s and state in ('in_flight', 'held')
          union select id from message where connection = %(connection)s and kind = 'expense' and state = 'held'
        ), outcome as (
          select m.id, case
              when split_part(m.version, '~', 1) <> split_part(e.version, '~', 1) then 'ignored'
              when e.problem <> '' then 'held'
              when e.state in ('draft', 'submitted') then 'ignored'
              else 'done' end as state,
            case
              when split_part(m.version, '~', 1) <> split_part(e.version, '~', 1) then 'superseded by a newer state'
              when e.problem <> '' then e.problem
              when e.state in ('draft', 'submitted') then 'not approved yet'
              else '' end as reason
          from open join message m using (id)
          join expense e on e.connection = m.connection and e.source_id = m.record_id
          where m.connection = %(connection)s and m.kind = 'expense' and m.reason <> 'expense.unreadable'
        )
        update message m set state = o.state, reason = o.reason,
               settled_at = case when o.state <> 'held' then %(now)s::timestamptz end
        from outcome o where m.id = o.id and (m.state, m.reason) <> (o.state, o.reason)
        """,
        {"connection": connection, "run": run_id, "now": now},
    )


async def problems(tx: Tx, connection: str) -> list[dict[str, Any]]:
    """What lacks, one row per cause and currency: code, what it is about, what was claimed, one of the expenses."""
    return await rows(
        tx,
        """
        select problem, quote, entity, claim_currency as currency,
               case when problem = 'expense.project_unknown' then project_ref
                    when problem = 'expense.receipt_missing' then project else '' end as project,
               case when problem = 'expense.receipt_missing' then person else '' end as person,
               case when problem in ('expense.category_unknown', 'expense.tax_contradicts', 'value.missing')
                    then category else '' end as category,
               case when problem = 'expense.rate_missing' and project_rate is null then project_currency
                    when problem = 'expense.rate_missing' then book_currency else '' end as wanted,
               case when problem = 'expense.entity_differs' then person_entity else '' end as person_entity,
               min(person) as one_person, min(day) as first_day, count(*) as expenses, sum(claim_amount) as amount,
               min(source_id) as one_expense
        from expense where connection = %s and problem <> '' group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 5, 7, 6, 4
        """,
        (connection,),
    )


async def approved(tx: Tx, engagement: str, through: date) -> list[dict[str, Any]]:
    """Everything that was approved under an engagement and signed for, with all there is to decide with.

    `waits` is true for what has a problem, a later day than `through`, or a newest state that cannot be read. `amount` is
    gross, in the project's `currency`; it is None where there is no rate, and such an expense waits. `input_tax` is the part
    of it that the state gives back, None where the source does not tell. `invoice_of` says in whose name the supplier's
    invoice is: with a disbursement it is the customer's (T31).
    """
    return await rows(
        tx,
        """
        select e.connection, e.source_id, e.version, e.person, e.day, e.category, e.notes, e.receipt_amount, e.receipt_currency,
               e.claim_amount, e.claim_currency, e.rate, e.rate_date, e.project_amount as amount, e.project_currency as currency,
               e.project_rate, e.project_rate_date, e.book_amount, e.book_currency, e.book_rate, e.book_rate_date, e.treatment,
               e.markup, e.taxable, round(e.input_tax * e.project_rate, minor_digits(e.project_currency)) as input_tax,
               case when e.treatment = 'disbursement' then 'customer' else 'firm' end as invoice_of, e.has_receipt, e.product,
               e.approved_by, e.approved_at, e.task, e.project, e.entity, e.person_entity, coalesce(k.sold, p.sold) as sold,
               coalesce(nullif(e.contract_version, 0), p.contract_version) as contract_version, e.mapping,
               (e.problem <> '' or e.day > %s or (e.connection, e.source_id) in (
                 select connection, record_id from message
                 where kind = 'expense' and state = 'held' and reason = 'expense.unreadable')) as waits
        from expense e join project p on p.key = e.project left join project_task k on k.key = e.task
        where e.engagement = %s and e.state = 'approved' and p.contract_version > 0
        order by e.day, e.connection, e.source_id
        """,
        (through, engagement),
    )


async def versions(tx: Tx, connection: str, source_id: str) -> list[dict[str, Any]]:
    """Every state of an expense that the source told, the earliest first: what an adjustment is read from (T32)."""
    return await rows(
        tx,
        """
        select version, body, seen_at from expense_version where connection = %s and source_id = %s
        order by split_part(version, '#', 1) collate "C", seen_at
        """,
        (connection, source_id),
    )


async def early(tx: Tx, project: str) -> dict[str, list[str]]:
    """The expenses, by connection, that came before their project's contract, or before the hub knew the project."""
    found = await rows(
        tx,
        """
        select connection, source_id from expense where project = %(project)s and contract_version = 0
        union
        select e.connection, e.source_id from expense e
        join crosswalk x on x.kind = 'project' and x.connection = e.connection and x.record_id = e.project_ref
        where x.key = %(project)s and e.problem = 'expense.project_unknown' order by 1, 2
        """,
        {"project": project},
    )
    ids: dict[str, list[str]] = {}
    for each in found:
        ids.setdefault(each["connection"], []).append(each["source_id"])
    return ids
