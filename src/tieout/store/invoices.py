"""Invoices with their lines and the evidence beneath each: proposed here, decided by the ERP, read back to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tieout.domain.documents.billing import Invoice
from tieout.domain.invoice_status import written_off
from tieout.store.database import Tx, row, rows, table


async def propose(
    tx: Tx, invoice: Invoice, rounding: Mapping[str, Decimal], evidence: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Writes a proposal with all its evidence; from here on its entries are not unbilled any more.

    `rounding` is each line's residue by line key. `evidence` rows have the names of the table's columns.
    """
    await tx.execute(
        """
        insert into invoice (key, engagement, project, entity, customer, currency, through, state, net, invoice_date,
                             po_number, proposed_at, changed_at)
        values (%s, %s, %s, %s, %s, %s, %s, 'proposed', %s, %s, %s, %s, %s)
        """,
        (
            invoice.key, invoice.engagement, invoice.project, invoice.legal_entity, invoice.customer, invoice.currency,
            invoice.through, invoice.net, invoice.invoice_date, invoice.po_number.strip(), now, now,
        ),
    )  # fmt: skip
    lines = [
        {"line": each.key, "position": position, "kind": each.kind, "product": each.product, "task": each.task, "role": each.role,
         "description": each.description, "quantity": each.quantity, "unit_price": each.unit_price, "amount": each.amount,
         "rounding": rounding[each.key]}
        for position, each in enumerate(invoice.lines, 1)
    ]  # fmt: skip
    await tx.execute(
        """
        insert into invoice_line (invoice, line, position, kind, product, task, role, description, quantity, unit_price, amount,
                                  rounding)
        select %s, l.* from jsonb_to_recordset(%s) as l(line text, position integer, kind text, product text, task text, role text,
          description text, quantity numeric, unit_price numeric, amount numeric, rounding numeric)
        """,
        (invoice.key, table(lines)),
    )
    await tx.execute(
        """
        insert into evidence (invoice, line, connection, source_id, entry_version, minutes, amount, rate, person, task,
                              work_date, approved_by, approved_at, contract_version, rate_card, rate_card_version, mapping,
                              sold, worth, agreed, why, kind, basis)
        select %s, e.* from jsonb_to_recordset(%s) as e(line text, connection text, source_id text, entry_version text,
          minutes integer, amount numeric, rate numeric, person text, task text, work_date date, approved_by text,
          approved_at timestamptz, contract_version integer, rate_card text, rate_card_version integer, mapping text, sold text,
          worth numeric, agreed numeric, why text, kind text, basis jsonb)
        """,
        (invoice.key, table(evidence)),
    )


async def get(tx: Tx, key: str) -> dict[str, Any] | None:
    return await row(tx, "select * from invoice where key = %s", (key,))


async def named(tx: Tx, number_or_key: str) -> list[dict[str, Any]]:
    """By our key or by the ERP's number, which is unique within a legal entity only; of a document of several, all on it."""
    return await rows(
        tx,
        """
        select * from invoice where key = %(id)s or (number = %(id)s and number <> '')
          or (consolidated = %(id)s and corrects is null) order by key
        """,
        {"id": number_or_key},
    )


async def told(tx: Tx, key: str) -> dict[str, Any] | None:
    """An invoice as the ERP told it last, in its words: number, state, dates and amounts as texts, and payments."""
    return await row(
        tx,
        """
        select i.number, i.state, i.invoice_date::text, i.due_date::text, i.net::text, i.tax::text, i.total::text,
          i.open_amount::text, i.disputed, i.corrects, i.connection, i.record_id, (
          select coalesce(jsonb_agg(jsonb_build_object('id', id, 'paid_on', paid_on, 'amount', amount::text) order by paid_on, id), '[]')
          from payment where invoice = i.key
        ) as payments
        from invoice i where i.key = %s
        """,
        (key,),
    )


async def of_engagement(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from invoice where engagement = %s order by proposed_at, key", (engagement,))


async def with_payments(tx: Tx) -> list[dict[str, Any]]:
    """Every invoice and credit note that was not withdrawn, each with its `payments`: id, date and amount."""
    return await rows(
        tx,
        """
        select i.*, (
          select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'date', p.paid_on, 'amount', p.amount) order by p.id), '[]')
          from payment p where p.invoice = i.key
        ) as payments
        from invoice i where i.state <> 'cancelled' order by i.entity, i.number, i.key
        """,
    )


async def drafted(tx: Tx, key: str, connection: str, record_id: str, now: datetime) -> None:
    """The ERP has the proposal as a draft."""
    await tx.execute(
        """
        update invoice set state = case when state = 'proposed' then 'draft' else state end, connection = %s, record_id = %s,
               changed_at = %s
        where key = %s
        """,
        (connection, record_id, now, key),
    )


async def decided(tx: Tx, key: str, told: Mapping[str, Any], now: datetime) -> None:
    """What the ERP says of an invoice: number, state, dates, amounts and payments, as they are there now."""
    await tx.execute(
        """
        update invoice set state = %(state)s, number = coalesce(%(number)s, ''), invoice_date = %(invoice_date)s,
               due_date = %(due_date)s, tax = %(tax)s, total = %(total)s, open_amount = %(open_amount)s,
               written_off = %(written_off)s, disputed = %(disputed)s, changed_at = %(now)s
        where key = %(key)s
        """,
        {**told, "key": key, "now": now, "written_off": _given_up(told), "disputed": told.get("disputed", "")},
    )
    if told["state"] == "cancelled":  # credited whole: what was credited of it before is no more than a part of that
        await tx.execute("update invoice set state = 'cancelled', changed_at = %s where corrects = %s", (now, key))
    await tx.execute("delete from payment where invoice = %s", (key,))
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "insert into payment (invoice, id, paid_on, amount) values (%s, %s, %s, %s)",
            [(key, each["id"], each["paid_on"], each["amount"]) for each in told["payments"]],
        )


def _given_up(told: Mapping[str, Any]) -> Decimal:
    total, open_amount = (Decimal(str(told[name] or 0)) for name in ("total", "open_amount"))
    paid = sum((Decimal(str(each["amount"])) for each in told["payments"]), Decimal(0))
    return written_off(told["state"], total, paid, open_amount)


async def withdraw(tx: Tx, key: str, now: datetime) -> None:
    """The invoice is off: its entries are unbilled again, its evidence stays as history."""
    await tx.execute("update invoice set state = 'cancelled', changed_at = %s where key = %s", (now, key))


async def drafts(tx: Tx, connection: str) -> list[dict[str, Any]]:
    """Proposals that the ERP had as drafts of their own when it was last asked."""
    return await rows(
        tx,
        """
        select * from invoice where connection = %s and state in ('draft', 'validated') and consolidated is null order by key
        """,
        (connection,),
    )


async def outdated(tx: Tx, connection: str) -> list[dict[str, Any]]:
    """Cut-offs whose drafts, each of its own, are older than something beneath them, or leave work out: engagement, period
    (2026-10) and a mark of what there is, which changes with it.
    """
    return await rows(
        tx,
        """
        select i.engagement, i.period, md5(concat(work.open, changed.at)) as mark
        from (
          select engagement, through, to_char(through, 'YYYY-MM') as period, min(proposed_at) as proposed_at from invoice
          where connection = %s and state = 'draft' and consolidated is null and corrects is null group by 1, 2
        ) i
        cross join lateral (
          select string_agg(concat_ws(' ', connection, source_id, task, agreed_rate, minutes), ',' order by connection, source_id, task)
            as open
          from unbilled u where u.engagement = i.engagement and u.work_date <= i.through and u.problem = '' and u.minutes <> 0
        ) work
        cross join lateral (
          select max(at) as at from (
            select created_at as at from document d
            where d.engagement = i.engagement and kind in ('engagement', 'contract', 'project', 'milestone')
            union all select changed_at from expense e where e.engagement = i.engagement
            union all select changed_at from usage_reading r where r.engagement = i.engagement
            union all select changed_at from time_entry t where t.engagement = i.engagement
          ) anything where at > i.proposed_at
        ) changed
        where work.open is not null or changed.at is not null
        order by 1, 2
        """,
        (connection,),
    )


async def money(tx: Tx, engagement: str, project: str = "") -> dict[str, Decimal]:
    """What an engagement has come to so far, or one of its projects, in its currency: net billed, gross billed, paid and open,
    and net unbilled.
    """
    of = {"key": engagement, "project": project}
    billed = await row(
        tx,
        """
        select coalesce(sum(net), 0) as net, coalesce(sum(total), 0) as total, coalesce(sum(open_amount), 0) as open,
          coalesce(sum(written_off), 0) as written_off
        from invoice where engagement = %(key)s and state in ('posted', 'partly_paid', 'paid')
          and %(project)s in ('', project)
        """,
        of,
    )
    waiting = await row(
        tx,
        """
        select (select coalesce(sum(round(agreed_rate * minutes / 60, 2)), 0) from unbilled
                where engagement = %(key)s and %(project)s in ('', project))
             + (select coalesce(sum(unbilled), 0) from work_value w where engagement = %(key)s and rate is null
                  and (%(project)s = '' or exists (
                    select from billable_event b
                    where b.connection = w.connection and b.source_id = w.source_id and b.project = %(project)s))) as net
        """,
        of,
    )
    assert billed is not None
    assert waiting is not None
    return {
        "billed": billed["net"],
        "total": billed["total"],
        "open": billed["open"],
        "paid": billed["total"] - billed["open"] - billed["written_off"],
        "unbilled": waiting["net"],
    }


async def last_period(tx: Tx, engagement: str) -> date | None:
    found = await row(
        tx, "select max(through) as day from invoice where engagement = %s and state <> 'cancelled'", (engagement,)
    )
    return found["day"] if found else None
