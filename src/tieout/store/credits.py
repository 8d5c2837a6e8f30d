"""Credit notes beside the invoices that they correct, and work that is given up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.crediting import Credited
from tieout.store.database import Tx, row, rows


async def answered(tx: Tx, subject: str, question: str) -> dict[str, Any] | None:
    """What a person answered, with who and why: {choice, reason, decided_by}."""
    return await row(
        tx, "select choice, reason, decided_by from decision where subject = %s and code = %s", (subject, question)
    )


async def original(tx: Tx, connection: str, reference: str) -> dict[str, Any] | None:
    """The invoice that a credit note of this ledger names, by its number or by our key; locked until the transaction ends."""
    return await row(
        tx,
        """
        select * from invoice where connection = %(connection)s and corrects is null and %(reference)s in (number, key)
          and %(reference)s <> '' for update
        """,
        {"connection": connection, "reference": reference},
    )


async def lines(tx: Tx, invoice: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from invoice_line where invoice = %s order by position, line", (invoice,))


async def evidence(tx: Tx, key: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from evidence where invoice = %s order by line, connection, source_id", (key,))


async def standing(tx: Tx, invoice: str, *, but: str = "") -> list[dict[str, Any]]:
    """What of each entry beneath an invoice was billed and not credited by now; one credit note may be left out."""
    return await rows(
        tx,
        """
        with paper as (
          select key from invoice where key = %(invoice)s or (corrects = %(invoice)s and key <> %(but)s and state <> 'cancelled')
        ), summed as (
          select line, connection, source_id, sum(minutes)::integer as minutes, sum(amount) as amount, sum(worth) as worth
          from evidence where invoice in (select key from paper) group by 1, 2, 3
        )
        select e.*, s.minutes, s.amount, s.worth from evidence e
        join summed s on s.line = e.line and s.connection = e.connection and s.source_id = e.source_id
        where e.invoice = %(invoice)s and (s.minutes <> 0 or s.amount <> 0)
        order by e.line, e.work_date, e.connection, e.source_id
        """,
        {"invoice": invoice, "but": but},
    )


async def noted(
    tx: Tx, of: Mapping[str, Any], key: str, record_id: str, net: Decimal, found: Credited, now: datetime
) -> bool:
    """Writes down a credit note that finance made in the ERP, with what it takes back; False when it is there already.

    What it frees waits until finance has said what becomes of it.
    """
    made = await row(
        tx,
        """
        insert into invoice (key, engagement, project, entity, customer, currency, through, state, net, connection, record_id,
                             corrects, rebill, po_number, consolidated, proposed_at, changed_at)
        values (%s, %s, %s, %s, %s, %s, %s, 'posted', %s, %s, %s, %s, 'ask', %s, %s, %s, %s) on conflict (key) do nothing returning key
        """,
        (
            key, of["engagement"], of["project"], of["entity"], of["customer"], of["currency"], of["through"], net,
            of["connection"], record_id, of["key"], of["po_number"], of["consolidated"], now, now,
        ),
    )  # fmt: skip
    if made is None:
        return False
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into invoice_line (invoice, line, position, kind, product, task, role, description, quantity, unit_price,
                                      amount, rounding)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (key, each["line"], each["position"], each["kind"], each["product"], each["task"], each["role"],
                 each["description"], each["quantity"], each["unit_price"], each["amount"], found.rounding[each["line"]])
                for each in found.lines
            ],
        )  # fmt: skip
    await tx.execute(
        """
        insert into evidence select (jsonb_populate_record(null::evidence, e || jsonb_build_object('invoice', %s::text))).*
        from jsonb_array_elements(%s) e
        """,
        (key, Jsonb([dict(each) for each in found.evidence])),
    )
    return True


async def correcting(tx: Tx, key: str, original: str) -> None:
    """The hub's own credit note of an invoice: that its work is billed again was agreed before."""
    await tx.execute("update invoice set corrects = %s, rebill = 'yes' where key = %s", (original, key))


async def settle(tx: Tx, key: str, *, rebill: bool, actor: str, reason: str, now: datetime) -> bool:
    """What becomes of the work that a credit note freed: it is open again, or written off. False when that was said before."""
    said = await row(
        tx,
        "update invoice set rebill = %s, changed_at = %s where key = %s and rebill = 'ask' returning key",
        ("yes" if rebill else "no", now, key),
    )
    if said is None or rebill:
        return said is not None
    await tx.execute(
        """
        insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate, minutes,
                           worth, agreed, rate, why, whole, decided_at, decided_by, reason)
        select i.engagement, i.entity, i.currency, e.connection, e.source_id, e.kind, e.sold, e.task, l.role, e.work_date,
               'written_off', -e.minutes, -e.worth, e.agreed, e.rate, '', (e.basis ->> 'whole')::numeric, %s, %s, %s
        from evidence e join invoice i on i.key = e.invoice join invoice_line l on l.invoice = e.invoice and l.line = e.line
        where e.invoice = %s
        """,
        (now, actor, reason, key),
    )
    return True


async def give_up(tx: Tx, engagement: str, *, why: str, actor: str, reason: str, now: datetime) -> list[dict[str, Any]]:
    """Writes off what waits above the limits of an engagement, or above one of them; what it was, per limit."""
    return await rows(
        tx,
        """
        with gone as (
          update piece set fate = 'written_off', decided_by = %(actor)s, reason = %(reason)s, decided_at = %(now)s
          where engagement = %(engagement)s and fate in ('write_off', 'over_cap') and %(why)s in ('', why)
          returning why, currency, minutes, worth, entity
        )
        select why, currency, entity, sum(minutes)::integer as minutes, sum(worth) as worth from gone
        group by why, currency, entity order by why
        """,
        {"engagement": engagement, "why": why, "actor": actor, "reason": reason, "now": now},
    )


async def waiting_above(tx: Tx, engagement: str) -> bool:
    found = await row(
        tx, "select 1 from piece where engagement = %s and fate in ('write_off', 'over_cap') limit 1", (engagement,)
    )
    return found is not None


async def of_invoice(tx: Tx, key: str) -> list[dict[str, Any]]:
    """The credit notes of an invoice, those that were cancelled left out."""
    return await rows(
        tx, "select * from invoice where corrects = %s and state <> 'cancelled' order by proposed_at, key", (key,)
    )
