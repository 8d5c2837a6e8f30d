"""How long the lineage of an invoice line takes, what a time entry became, and what is to be billed, on full books."""

from __future__ import annotations

import random
from datetime import date

from tieout.store import lineage, time
from tieout.store.database import Tx, row, rows
from tieout.store.entry_story import entry_story
from tieout.testing.null_erp import NullErp

from .ground import Ground, ground
from .looking import compared, fill
from .measuring import Figure
from .timesheets import book

PROJECTS, LINES, ENTRIES, PEOPLE = 100, 4, 25, 5000
LOOKS = 300
_SEED = 2026

# Every project is billed in as many periods as the entries make, four lines each, 25 entries beneath a line.
_INVOICES = """
    insert into invoice (key, engagement, project, entity, customer, currency, through, state, number, invoice_date, due_date,
                         net, tax, total, open_amount, connection, record_id, proposed_at, changed_at)
    select p.engagement || '-2026-' || to_char(n, 'FM0000'), p.engagement, p.key, 'US', p.customer, 'USD', '2026-10-31', 'posted',
           'INV-' || (row_number() over ())::text, '2026-11-03', '2026-12-03', 10000, 800, 10800, 10800, 'erp-us',
           (row_number() over ())::text, now(), now()
    from project p cross join generate_series(1, %(periods)s) n
"""
_INVOICE_LINES = """
    insert into invoice_line (invoice, line, position, task, role, description, quantity, unit_price, amount, rounding)
    select i.key, to_char(n, 'FM00'), n, i.project || '/' || to_char(n, 'FM00'), 'Consultant', i.key || ' ' || n, 25, 100, 2500, 0
    from invoice i cross join generate_series(1, %(lines)s) n
"""
_TIME_ENTRIES = """
    insert into time_entry (connection, source_id, version, project_ref, task_ref, project, task, person, work_date, minutes,
                            billable_minutes, rate, currency, state, approved_by, approved_at, mapping, entity, engagement, role,
                            agreed_rate, rate_card, rate_card_version, contract_version, changed_at)
    select 'kantata', (row_number() over ())::text, '2026-10-12T08:00:00Z#1', '', '', i.project, l.task, 'K004', '2026-10-05',
           60, 60, 100, 'USD', 'approved', 'K002', now(), 'kantata.time_entry@1', 'US', i.engagement, l.role, 100, 'US 2026', 1, 1,
           now()
    from invoice_line l join invoice i on i.key = l.invoice cross join generate_series(1, %(entries)s)
    order by l.invoice, l.line
"""
_VERSIONS = """
    insert into time_entry_version (connection, source_id, version, body, seen_at)
    select connection, source_id, version,
           jsonb_build_object('source_id', source_id, 'person_name', 'Tomas Herrera', 'notes', 'workshop ' || source_id,
             'minutes', minutes, 'rate', rate::text, 'state', state, 'approved_by', approved_by, 'work_date', work_date), now()
    from time_entry
"""
_EVIDENCE = """
    insert into evidence (invoice, line, connection, source_id, entry_version, minutes, amount, rate, person, task, work_date,
                          approved_by, approved_at, contract_version, rate_card, rate_card_version, mapping, worth, agreed)
    select l.invoice, l.line, t.connection, t.source_id, t.version, t.minutes, 100, 100, t.person, t.task, t.work_date,
           t.approved_by, t.approved_at, 1, t.rate_card, 1, t.mapping, 100, 100
    from (select *, row_number() over (order by invoice, line) as n from invoice_line) l
    join time_entry t on (t.source_id::bigint - 1) / %(entries)s + 1 = l.n
"""
_READ_BACK = """
    insert into message (connection, kind, record_id, version, day, currency, amount_minor, via, payload, received_at, state)
    select 'erp-us', 'invoice', i.record_id, '2026-11-03T08:00:00Z#1', '2026-11-03'::date, 'USD', 1080000, 'sweep',
           jsonb_build_object('lines', jsonb_agg(jsonb_build_object('description', l.description, 'amount', '2500'))), now(), 'done'
    from invoice i join invoice_line l on l.invoice = i.key group by 1, 2, 3, 4, 5, 6, 7, 8, i.record_id
"""


_PEOPLE = """
    insert into document (kind, key, version, schema_version, fingerprint, body, created_at)
    select 'person', 'K' || n, v, 1, n || '/' || v, jsonb_build_object('name', 'Person ' || n), now()
    from generate_series(1, %(people)s) n cross join generate_series(1, 2) v
"""
# As the runs of the month leave them.
_ASKED = """
    insert into run (id, flow, subject, version, lane, state, not_before, created_at)
    select 'time_to_invoice:' || engagement || '/2026-10:1', 'time_to_invoice', engagement || '/2026-10', '1', engagement, 'done',
           now(), now()
    from project
"""


async def measure(entries: int = 100_000) -> list[Figure]:
    """With so many entries, all of them billed. A whole number of periods is filled."""
    periods = max(1, entries // (PROJECTS * LINES * ENTRIES))
    async with ground() as on:
        await book(on.database, NullErp("erp-us", []), "US", PROJECTS)
        statements = [_INVOICES, _INVOICE_LINES, _TIME_ENTRIES, _VERSIONS, _EVIDENCE, _READ_BACK, _PEOPLE]
        await fill(on, statements, {"periods": periods, "lines": LINES, "entries": ENTRIES, "people": PEOPLE})
        figures = [await _line(on, periods), await _entry(on, periods)]
        return figures + await _due(on, periods)


async def _line(on: Ground, periods: int) -> Figure:
    chance = random.Random(_SEED)  # noqa: S311 - which lines are looked at is no secret
    asked = [(f"INV-{chance.randint(1, PROJECTS * periods)}", f"{chance.randint(1, LINES):02}") for _ in range(LOOKS)]

    async def look(tx: Tx, number: str, line: str) -> None:
        (told,) = await lineage.of_invoice(tx, number, entries_of=[line])
        (mine,) = [each for each in told.lines if each.line == line]
        assert len(mine.evidence) == ENTRIES
        assert mine.verdict == "ties out"

    async def bare(tx: Tx, number: str, line: str) -> None:
        sql = "select e.* from evidence e join invoice i on i.key = e.invoice where i.number = %s and e.line = %s"
        assert len(await rows(tx, sql, (number, line))) == ENTRIES

    name = f"lineage of an invoice line, {_entries(periods):,} rows of evidence, p95"
    return await compared(on, name, asked, look, bare, "its evidence rows alone, by one indexed select")


async def _entry(on: Ground, periods: int) -> Figure:
    chance = random.Random(_SEED)  # noqa: S311
    asked = [(str(chance.randint(1, _entries(periods))),) for _ in range(LOOKS)]

    async def look(tx: Tx, entry: str) -> None:
        told = await entry_story(tx, "kantata", entry)
        assert told is not None
        assert len(told.chapters) == 1

    async def bare(tx: Tx, entry: str) -> None:
        assert await row(tx, "select * from time_entry where connection = 'kantata' and source_id = %s", (entry,))

    name = f"what a time entry became, of {_entries(periods):,}, p95"
    return await compared(on, name, asked, look, bare, "the entry's own row, by its key")


def _entries(periods: int) -> int:
    return PROJECTS * periods * LINES * ENTRIES


async def _due(on: Ground, periods: int) -> list[Figure]:
    """Asked with every sweep, for every legal entity, whether anything is to be billed; here everything is billed."""

    async def look(tx: Tx) -> None:
        assert await time.engagements_to_bill(tx, "US", date(2026, 10, 31), "2026-10") == []

    async def bare(tx: Tx) -> None:
        assert await row(tx, "select count(*) as n from time_entry where state = 'approved'")

    async def asked() -> Figure:
        return await compared(on, f"{name}, p95", [()] * 10, look, bare, "a count of the approved entries")

    name = f"what is to be billed, {_entries(periods):,} entries that all are billed"
    first = await asked()
    async with on.database.transaction() as tx:
        await tx.execute(_ASKED)
    name += ", of which all were asked"
    return [first, await asked()]
