"""What a month had is found in the books with its documents, case by case, and what did not happen is missing."""

from __future__ import annotations

from datetime import date
from typing import Any, LiteralString

import pytest
from psycopg.types.json import Jsonb

from tieout.domain.documents.change_order import ChangeOrder
from tieout.store import documents
from tieout.store.happened import CASES, happened
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio

# Evidence of a copy of T2's, and pieces, as the flows write them.
_EVIDENCE: LiteralString = """
    insert into evidence select (jsonb_populate_record(e, %(told)s)).* from evidence e
    join invoice i on i.key = e.invoice where e.source_id = 'T2' and i.number = '2026/0001'
"""
_PIECE: LiteralString = """
    insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate, minutes,
                       worth, agreed, why, decided_at)
    values (%(engagement)s, 'US', 'USD', 'kantata', %(entry)s, 'time', 'SOLD-1', '', '', '2026-10-05', %(fate)s, 30, 10, 20,
            'SOLD-1/amount', now())
"""
_NOTE: LiteralString = """
    insert into invoice select (jsonb_populate_record(i, jsonb_build_object('key', i.key || '-C1', 'number', 'CN-1', 'net', -10,
      'corrects', i.key, 'rebill', 'yes', 'proposed_at', i.proposed_at + interval '1 second'))).*
    from invoice i where number = '2026/0001'
"""
CLOSED = [{"entity": "US", "month": "2026-10-01"}]


@pytest.fixture
async def deal(books: Books) -> Deal:
    """A month in which everything happened, billed in October and in November."""
    deal = await books.deal(1)
    key = f"{deal.engagement}-2026-10"
    await books.time(deal, [("T1", 1, 450), ("T2", 1, 100), ("T3", 2, 50)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    await books.changed(deal)
    order = ChangeOrder(
        key="CHG-00000001", name="CO-00001", engagement=deal.engagement, state="approved", effective_from=date(2026, 10, 15),
        source_id="a01",
    )  # fmt: skip
    fee = {"kind": "fee", "connection": "SOLD-1", "source_id": "FEE-1", "minutes": 0, "rate": None, "agreed": None}
    milestone = {"milestone": "Report accepted", "accepted_on": "2026-10-28"}
    spent = {"receipt_amount": "412.00", "receipt_currency": "GBP", "claim_currency": "USD"}
    async with books.database.transaction() as tx:
        await documents.save(tx, order, entity="US", engagement=deal.engagement, trail={}, now=books.now())
        await tx.execute(
            """update document set body = jsonb_set(body, '{versions,0,sold}', '[{"id": "SOLD-1"}]')
            where kind = 'contract' and key = %s""",
            (deal.engagement,),
        )
        await tx.execute("update evidence set sold = 'SOLD-1'")
        await tx.execute("update evidence set contract_version = 2 where source_id = 'T2'")
        await tx.execute("update evidence set why = 'overage' where source_id = 'T3'")
        await _write(tx, _EVIDENCE, {**fee, "basis": milestone})
        await _write(
            tx, _EVIDENCE, {**fee, "kind": "expense", "connection": "kantata", "source_id": "expense/7", "basis": spent}
        )
        await tx.execute(_NOTE)
    # T1's approval is taken back, T9 comes late; an hour of T2 is credited and billed again.
    await books.time(deal, [("T1", 1, 450)], state="rejected")
    await books.time(deal, [("T9", 2, 2000)], work_date="2026-10-29")
    later = await books.proposal(deal, "2026-11")
    await books.posted(deal, later, "2026/0002")
    async with books.database.transaction() as tx:
        for source, fate in (("T1", "over_cap"), ("T3", "drawn")):
            await tx.execute(_PIECE, {"engagement": deal.engagement, "entry": source, "fate": fate})
        await _write(tx, _EVIDENCE, {"invoice": f"{key}-C1", "minutes": -60, "amount": -10}, lines_of=f"{key}-C1")
        again = f"{deal.engagement}-2026-11"
        await _write(tx, _EVIDENCE, {"invoice": again, "minutes": 60, "amount": 10}, lines_of=again)
    return deal


async def _write(tx: Any, statement: LiteralString, told: dict[str, Any], *, lines_of: str = "") -> None:
    if lines_of:
        await tx.execute(
            """insert into invoice_line select (jsonb_populate_record(l, jsonb_build_object('invoice', %s::text))).*
            from invoice_line l join invoice i on i.key = l.invoice where i.number = '2026/0001' on conflict do nothing""",
            (lines_of,),
        )
    await tx.execute(statement, {"told": Jsonb(told)})


async def found(books: Books, deal: Deal, *, closed: Any = CLOSED) -> dict[str, list[dict[str, Any]]]:
    async with books.database.transaction() as tx:
        return await happened(tx, quotes=[{"quote": "Q-2", "deal": deal.opportunity}], closed=closed)


async def test_everything_that_happened_is_named_with_its_documents(books: Books, deal: Deal) -> None:
    told = await found(books, deal)
    contract = f"contract {deal.engagement}, version"
    first, second = "invoice 2026/0001", "invoice 2026/0002"
    assert {name: each[0]["documents"] for name, each in told.items() if each} == {
        "a package sold through a quote": ["quote Q-2", f"{contract} 1", first],
        "a change order in the middle of a month": ["change order CO-00001", f"{contract} 2", first],
        "a cap that splits an entry": ["time entry kantata/T1", first],
        "a retainer with overage": [first],
        "a milestone": ["fee SOLD-1/FEE-1", first],
        "an expense in a third currency": ["kantata/expense/7", first],
        "an approval revoked after billing": ["time entry kantata/T1", first, second],
        "a partial credit, billed again": ["credit note CN-1", first, second],
        "a late entry for a closed period": ["time entry kantata/T9", second],
    }
    assert {each["engagement"] for times in told.values() for each in times} == {deal.engagement}


UNDONE: dict[str, LiteralString] = {
    "a package sold through a quote": "update evidence set sold = ''",
    "a change order in the middle of a month": "update evidence set contract_version = 1",
    "a cap that splits an entry": "delete from piece where fate = 'over_cap'",
    "a retainer with overage": "update evidence set why = ''",
    "a milestone": "update evidence set basis = '{}' where kind = 'fee'",
    "an expense in a third currency": """update evidence set basis = '{"receipt_currency": "USD"}' where kind = 'expense'""",
    "an approval revoked after billing": "delete from evidence where source_id = 'T1' and minutes < 0",
    "a partial credit, billed again": "update invoice set rebill = 'no'",
    "a late entry for a closed period": "update time_entry_version set seen_at = '2026-10-30' where source_id = 'T9'",
}


async def test_what_is_undone_is_missing_and_nothing_else_is(books: Books, deal: Deal) -> None:
    for name in CASES:
        async with books.database.transaction() as tx, tx.transaction(force_rollback=True):
            await tx.execute(UNDONE[name])
            told = await happened(tx, quotes=[{"quote": "Q-2", "deal": deal.opportunity}], closed=CLOSED)
        # Of a retainer, the sale itself is what the overage stands on.
        more = {"a retainer with overage"} if name == "a package sold through a quote" else set[str]()
        assert {each for each in CASES if not told[each]} == {name} | more


async def test_an_invoice_that_finance_has_not_posted_proves_nothing_yet(books: Books, deal: Deal) -> None:
    async with books.database.transaction() as tx:
        await tx.execute("update invoice set state = 'draft'")
    assert not any((await found(books, deal)).values())


async def test_a_month_that_is_open_in_the_ledger_has_no_late_work(books: Books, deal: Deal) -> None:
    assert not (await found(books, deal, closed=[]))["a late entry for a closed period"]
