"""Documents that gather the proposals of several engagements: which are on them, in which version, and how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tieout.domain.consolidating import Asked, Head
from tieout.store.database import Tx, row, rows


async def join(tx: Tx, head: Head, invoice: str, now: datetime) -> str:
    """Puts a proposal on the document of its head, and says which; the document's next version has it.

    A document that finance has, or that is off, is left alone: then it is the next part. Whoever joins at the same moment
    waits for this transaction.
    """
    while True:
        found = await row(
            tx,
            """
            select * from consolidated_invoice where key like %s order by part desc limit 1 for update
            """,
            (f"{head.key(1)}%",),
        )
        assert found is None or head_of(found) == head, "two heads never meet under one key"
        if found is not None and found["state"] in ("proposed", "draft"):
            break
        await _open(tx, head, found["part"] + 1 if found else 1, now)
    await _take_in(tx, found["key"], [invoice], now)
    return found["key"]


async def _open(tx: Tx, head: Head, part: int, now: datetime) -> None:
    """A document without anything on it; another one may have been faster."""
    await tx.execute(
        """
        insert into consolidated_invoice (key, entity, customer, currency, payment_terms, tax_class, po_number, period,
                                          engagement, part, opened_at, changed_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do nothing
        """,
        (
            head.key(part), head.legal_entity, head.customer, head.currency, head.payment_terms, head.tax_class,
            head.po_number, head.period, head.engagement, part, now, now,
        ),
    )  # fmt: skip


async def _take_in(tx: Tx, key: str, invoices: Sequence[str], now: datetime) -> None:
    await tx.execute("update consolidated_invoice set version = frozen + 1, changed_at = %s where key = %s", (now, key))
    await tx.execute(
        """
        update invoice set consolidated = %(key)s, consolidated_since = (select version from consolidated_invoice where key = %(key)s)
        where key = any(%(invoices)s)
        """,
        {"key": key, "invoices": list(invoices)},
    )


def head_of(stored: dict[str, Any]) -> Head:
    return Head(
        stored["entity"], stored["customer"], stored["currency"], stored["payment_terms"], stored["tax_class"],
        stored["po_number"], stored["period"], stored["engagement"],
    )  # fmt: skip


async def get(tx: Tx, key: str, *, lock: bool = False) -> dict[str, Any] | None:
    if lock:
        return await row(tx, "select * from consolidated_invoice where key = %s for update", (key,))
    return await row(tx, "select * from consolidated_invoice where key = %s", (key,))


async def named(tx: Tx, connection: str, reference: str) -> dict[str, Any] | None:
    """The document of a ledger by its number or by our key."""
    return await row(
        tx,
        """
        select * from consolidated_invoice
        where (key = %(reference)s or (number = %(reference)s and number <> ''))
          and (connection = %(connection)s or connection is null)
        """,
        {"connection": connection, "reference": reference},
    )


async def freeze(tx: Tx, key: str, version: int) -> dict[str, Any] | None:
    """Settles what a version has: whoever joins afterwards is in the next one. None where there is a newer one already."""
    return await row(
        tx,
        "update consolidated_invoice set frozen = version where key = %s and version = %s returning *",
        (key, version),
    )


async def members(tx: Tx, key: str, version: int) -> list[dict[str, Any]]:
    """The proposals on a version of the document, in the order of its lines; those that were withdrawn left out."""
    return await rows(
        tx,
        """
        select * from invoice
        where consolidated = %s and consolidated_since <= %s and corrects is null and state <> 'cancelled' order by key
        """,
        (key, version),
    )


async def unsettled(tx: Tx, key: str, version: str) -> str | None:
    """An earlier version, as effects have it, of which nobody knows yet whether the ERP has it."""
    found = await row(
        tx,
        """
        select max(version) as version from effect
        where operation = 'invoice.propose' and subject = %s and state in ('sent', 'unknown') and version < %s
        """,
        (key, version),
    )
    return found["version"] if found else None


async def drafted(tx: Tx, key: str, version: int, connection: str, record_id: str, now: datetime) -> None:
    """The ERP has a version as a draft, and with it every proposal that is on it."""
    await tx.execute(
        """
        update consolidated_invoice set drafted = greatest(drafted, %s), connection = %s, record_id = %s, changed_at = %s,
               state = case when state = 'proposed' then 'draft' else state end
        where key = %s
        """,
        (version, connection, record_id, now, key),
    )
    await tx.execute(
        """
        update invoice set state = case when state = 'proposed' then 'draft' else state end, connection = %s, record_id = %s,
               changed_at = %s
        where consolidated = %s and consolidated_since <= %s and corrects is null and state <> 'cancelled'
        """,
        (connection, record_id, now, key, version),
    )


async def taken_back(tx: Tx, key: str, now: datetime) -> None:
    """The ERP has no draft of it any more; a next version is drafted in its place.

    Whether a late request made a second draft is asked after the next version: it has the same reference.
    """
    await tx.execute(
        """
        update effect set look_again_at = null
        where operation = 'invoice.propose' and subject = %s and look_again_at is not null
        """,
        (key,),
    )
    await tx.execute(
        """
        update consolidated_invoice set state = 'proposed', drafted = 0, record_id = '', changed_at = %s
        where key = %s and state = 'draft'
        """,
        (now, key),
    )
    await tx.execute(
        """
        update invoice set state = 'proposed', record_id = '', changed_at = %s
        where consolidated = %s and corrects is null and state = 'draft'
        """,
        (now, key),
    )


async def stands(tx: Tx, key: str, state: str, number: str, record_id: str, connection: str, now: datetime) -> None:
    """What the ERP says of the document itself."""
    await tx.execute(
        """
        update consolidated_invoice set state = %s, number = %s, record_id = %s, connection = %s, changed_at = %s where key = %s
        """,
        (state, number, record_id, connection, now, key),
    )


async def move_on(tx: Tx, key: str, now: datetime) -> str | None:
    """Those that the ERP's document does not have go on the next part, because finance has this one: its key."""
    found = await get(tx, key, lock=True)
    if found is None or found["version"] <= found["drafted"]:
        return None
    late = await rows(
        tx,
        "select key from invoice where consolidated = %s and consolidated_since > %s and state = 'proposed' order by key",
        (key, found["drafted"]),
    )
    await tx.execute(
        "update consolidated_invoice set frozen = drafted, version = drafted, changed_at = %s where key = %s",
        (now, key),
    )
    if not late:
        return None
    head, part = head_of(found), found["part"] + 1
    await _open(tx, head, part, now)
    await _take_in(tx, head.key(part), [each["key"] for each in late], now)
    return head.key(part)


async def withdraw(tx: Tx, key: str, now: datetime) -> None:
    """The document is off, and all that is on it: their work is unbilled again, their evidence stays as history."""
    await tx.execute(
        """
        update consolidated_invoice set state = 'cancelled', version = frozen, changed_at = %s where key = %s
        """,
        (now, key),
    )
    await tx.execute("update invoice set state = 'cancelled', changed_at = %s where consolidated = %s", (now, key))


async def drafts(tx: Tx, connection: str) -> list[dict[str, Any]]:
    """Documents that the ERP had as drafts when it was last asked, each with its net."""
    return await rows(
        tx,
        """
        select c.*, coalesce((select sum(net) from invoice i
                              where i.consolidated = c.key and i.consolidated_since <= c.drafted and i.corrects is null
                                and i.state <> 'cancelled'), 0) as net
        from consolidated_invoice c
        where c.connection = %s and c.record_id <> '' and c.state in ('draft', 'validated') order by c.key
        """,
        (connection,),
    )


async def wanted(tx: Tx) -> list[dict[str, Any]]:
    """Documents that may have to be drafted, or drafted anew, and that nobody works on; `incomplete` is the hold by which
    finance knows that somebody is left out of one."""
    return await rows(
        tx,
        """
        select c.*, (select max(id) from hold h where h.flow = 'consolidated_invoice' and h.subject = c.key
                       and h.code = 'invoice.incomplete' and h.state = 'open') as incomplete
        from consolidated_invoice c
        where c.state in ('proposed', 'draft') and c.version > 0
          and not exists (select from run r where r.flow = 'consolidated_invoice' and r.subject = c.key
                          and r.state in ('queued', 'running', 'retrying'))
        order by c.key
        """,
    )


async def asked(tx: Tx, period: str) -> list[Asked]:
    """Every engagement whose cut-off of a period is not decided, or waits for a person."""
    found = await rows(
        tx,
        """
        select r.engagement, r.state, coalesce(d.body ->> 'name', r.engagement) as name,
          coalesce(r.entity, d.body ->> 'legal_entity', '') as legal_entity, coalesce(d.body ->> 'currency', '') as currency,
          coalesce(d.body ->> 'payment_terms', '') as payment_terms, coalesce(d.body ->> 'po_number', '') as po_number,
          coalesce(c.key, d.body #>> '{customer,key}', '') as customer, coalesce(b.key, d.body #>> '{bill_to,key}', '') as bill_to
        from run r
        left join lateral (
          select body from document where kind = 'engagement' and key = r.engagement order by version desc limit 1) d on true
        left join lateral (
          select connection from crosswalk where kind = 'engagement' and key = r.engagement and not alias limit 1) x on true
        left join crosswalk c
          on c.connection = x.connection and c.kind = 'customer' and c.record_id = d.body #>> '{customer,source_id}'
        left join crosswalk b
          on b.connection = x.connection and b.kind = 'customer' and b.record_id = d.body #>> '{bill_to,source_id}'
        where r.flow = 'time_to_invoice' and r.state in ('queued', 'running', 'retrying', 'held', 'waiting')
          and r.subject = r.engagement || '/' || %s
        order by r.engagement
        """,
        (period,),
    )
    return [Asked(**each) for each in found]


async def shares_of(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Every proposal that is or was on a document, and its credit notes, with the names of project and deal, and what was paid."""
    return await rows(
        tx,
        """
        select i.*, coalesce((select sum(amount) from payment p where p.invoice = i.key), 0) as paid,
          coalesce((select body ->> 'name' from document d where d.kind = 'project' and d.key = i.project
                    order by version desc limit 1), i.project) as project_name,
          coalesce((select body ->> 'name' from document d where d.kind = 'engagement' and d.key = i.engagement
                    order by version desc limit 1), i.engagement) as deal_name,
          coalesce((select body ->> 'name' from document d where d.kind = 'customer' and d.key = i.customer
                    order by version desc limit 1), i.customer) as customer_name
        from invoice i where i.consolidated = %s order by coalesce(i.corrects, i.key), i.corrects nulls first, i.key
        """,
        (key,),
    )
