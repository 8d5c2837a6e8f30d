"""What happened under an engagement, what was decided of it, and the pieces that are not on any invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from psycopg.types.json import Jsonb

from tieout.domain.charging.billing import Ledger
from tieout.domain.charging.fees import Due
from tieout.domain.charging.pieces import LASTING, Piece
from tieout.domain.documents.project import Project
from tieout.store.database import Tx, rows


async def ledger(tx: Tx, engagement: str, through: date, but: Sequence[str] = ()) -> Ledger:
    """Everything there is to decide with. Entries of later days wait, those with a problem or whose newest state cannot be
    read, and what was credited and not settled. The invoices of `but` are left out, as if nobody had proposed them.
    """
    entries = await rows(
        tx,
        """
        select t.connection, t.source_id, t.version, t.task, t.role, t.agreed_rate, t.billable_minutes as minutes, t.person,
          t.work_date, t.approved_by, t.approved_at, coalesce(nullif(t.contract_version, 0), p.contract_version) as contract_version,
          t.rate_card, t.rate_card_version, t.mapping, t.entity, t.project, t.currency, coalesce(k.sold, '') as sold,
          (t.problem <> '' or t.work_date > %s or (t.connection, t.source_id) in (
            select m.connection, m.record_id from connection c join message m on m.connection = c.name
            where m.kind = 'time_entry' and m.state = 'held' and m.reason = 'time.unreadable')) as waits
        from time_entry t left join lateral (select sold, billable from project_task where key = t.task offset 0) k on true
        left join lateral (select contract_version from project where key = t.project offset 0) p on true
        where t.engagement = %s and t.state = 'approved' and t.billable_minutes <> 0 and coalesce(k.billable, true)
          and coalesce(p.contract_version, 1) > 0 and (t.agreed_rate is not null or t.problem <> '')
        order by t.work_date, t.connection, t.source_id
        """,
        (through, engagement),
    )
    evidence = await rows(
        tx,
        """
        select e.*, l.role, i.entity, i.project, i.currency, i.customer, i.net
        from evidence e join invoice i on i.key = e.invoice join invoice_line l on l.invoice = e.invoice and l.line = e.line
        where i.engagement = %s and i.state <> 'cancelled' and i.key <> all(%s)
        order by i.proposed_at, i.key, e.line, e.connection, e.source_id
        """,
        (engagement, list(but)),
    )
    pieces = await rows(
        tx, "select * from piece where engagement = %s and fate = any(%s) order by id", (engagement, list(LASTING))
    )
    rounding = await rows(
        tx,
        """
        select sold, sum(rounding) as rounding from (
          select distinct l.invoice, l.line, l.rounding, e.sold
          from invoice i join invoice_line l on l.invoice = i.key join evidence e on e.invoice = l.invoice and e.line = l.line
          where i.engagement = %s and i.state <> 'cancelled' and i.key <> all(%s)
        ) line group by sold
        """,
        (engagement, list(but)),
    )
    unsettled = await rows(
        tx,
        """
        select distinct e.connection || '/' || e.source_id as ref from evidence e join invoice i on i.key = e.invoice
        where i.engagement = %s and i.rebill = 'ask' and i.state <> 'cancelled'
        """,
        (engagement,),
    )
    waiting = frozenset(each["ref"] for each in unsettled)
    return Ledger(entries, evidence, pieces, {each["sold"]: each["rounding"] for each in rounding}, waiting=waiting)


async def engagements_with_fees(tx: Tx, entity: str, period: str) -> list[str]:
    """Engagements that owe more than their hours and were not asked for this period yet (2026-10)."""
    found = await rows(
        tx,
        """
        select distinct p.engagement from project p
        where p.entity = %s and p.state = 'active' and p.contract_version > 0 and exists (
          select from document d where d.kind = 'contract' and d.engagement = p.engagement
            and d.body @? '$.versions[*].sold[*].terms.kind ? (@ != "time")'
        ) and not exists (
          select from run r where r.flow = 'time_to_invoice' and r.subject = p.engagement || '/' || %s
        ) order by 1
        """,
        (entity, period),
    )
    return [each["engagement"] for each in found]


async def engagements_with_expenses(tx: Tx, entity: str, through: date, period: str) -> list[str]:
    """Engagements with an expense up to a day that stands on no invoice, and that were not asked for this period yet."""
    found = await rows(
        tx,
        """
        select distinct e.engagement from expense e join project p on p.key = e.project
        where p.entity = %(entity)s and p.state = 'active' and p.contract_version > 0
          and e.state = 'approved' and e.problem = '' and e.day <= %(through)s and e.treatment in ('recharge', 'disbursement')
          and not exists (
            select from evidence v join invoice i on i.key = v.invoice and i.state <> 'cancelled'
            where v.kind = 'expense' and v.connection = e.connection and v.source_id = 'expense/' || e.source_id)
          and not exists (
            select from run r where r.flow = 'time_to_invoice' and r.subject = e.engagement || '/' || %(period)s)
        order by 1
        """,
        {"entity": entity, "through": through, "period": period},
    )
    return [each["engagement"] for each in found]


async def know(tx: Tx, project: Project, dues: Sequence[Due], now: datetime) -> None:
    """What is due beside hours, as the decision has it; what is due no more is forgotten, and its evidence stays.

    Each thing is its own project's; what names none is of the `project`.
    """
    await tx.execute("delete from billable_event where engagement = %s", (project.engagement,))
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into billable_event (connection, source_id, kind, engagement, entity, project, currency, sold, day, worth,
                                        contract_version, name, basis, decided_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (*each.event.ref.split("/", 1), each.event.kind, project.engagement, project.legal_entity,
                 each.project or project.key, project.currency, each.event.sold, each.event.day, each.event.worth.amount,
                 each.contract_version, each.name, Jsonb(dict(each.basis)), now)
                for each in dues
            ],
        )  # fmt: skip


async def decided(
    tx: Tx, engagement: str, pieces: Sequence[Piece], *, entity: str, currency: str, now: datetime
) -> None:
    """Writes down what became of what is not billed: lasting pieces stay, the others are those of this decision alone."""
    await tx.execute("delete from piece where engagement = %s and not fate = any(%s)", (engagement, list(LASTING)))
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate,
                               minutes, worth, agreed, rate, why, whole, decided_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (engagement, entity, currency, *each.ref.split("/", 1), each.kind, each.sold, each.task, each.role, each.day,
                 each.fate, each.minutes, each.worth.amount, each.agreed, each.rate, each.why, each.whole, now)
                for each in pieces if each.fate != "bill"
            ],
        )  # fmt: skip
