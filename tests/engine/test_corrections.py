"""Credits and write-offs in the books: per entry, with a reason, and by those who may (T14, T16, T42)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.charging.billing import agreement_of, decide
from tieout.domain.documents.engagement import ContractVersion
from tieout.engine.deeds import Refused, Unknown
from tieout.engine.operator import Operator
from tieout.store import charging, invoices, lineage, time
from tieout.store.database import rows
from tieout.store.entry_story import entry_story
from tieout.store.figures import figures
from tieout.systems.credits import Credits
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
OCTOBER = date(2026, 10, 31)
ANNA = "anna.fischer@kestrel.example"


async def posted(books: Books) -> tuple[Deal, dict[str, Any]]:
    """An invoice of two hours and one, and its row."""
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 120)])
    await books.time(deal, [("T2", 1, 60)], work_date="2026-10-06")
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    (row,) = await read(books, "select * from invoice")
    return deal, row


async def read(books: Books, sql: Any, *values: Any) -> list[dict[str, Any]]:
    async with books.database.transaction() as tx:
        return await rows(tx, sql, values)


async def credit(books: Books, row: dict[str, Any], hours: str, record: str = "9001") -> str:
    """Finance credits so many hours of the first line in the ERP, and the hub reads it back; the note's key."""
    (line,) = await read(books, "select * from invoice_line where invoice = %s", row["key"])
    amount = (line["unit_price"] * Decimal(hours)).quantize(Decimal("0.01"))
    told = {
        "state": "posted", "number": f"CN-{record}", "invoice_date": "2026-11-03", "due_date": None, "net": str(-amount), "tax": "0",
        "total": str(-amount), "open_amount": str(-amount), "payments": [],
        "lines": [
            {"description": line["description"], "quantity": f"-{hours}", "unit_price": str(line["unit_price"]),
             "amount": str(-amount)}
        ],
    }  # fmt: skip
    key = f"{row['key']}-C{record}"
    found = await Credits(books.database, books.now).note(row, key, record, told)
    assert found.unmatched == []
    return key


async def unbilled(books: Books, deal: Deal) -> dict[str, int]:
    async with books.database.transaction() as tx:
        return {each["source_id"]: each["minutes"] for each in await time.unbilled(tx, deal.engagement, OCTOBER)}


async def waiting(books: Books, deal: Deal) -> set[str]:
    async with books.database.transaction() as tx:
        return set((await charging.ledger(tx, deal.engagement, OCTOBER)).waiting)


async def to_bill(books: Books, deal: Deal) -> list[tuple[str, int]]:
    """What the next cut-off would put on an invoice: source id and minutes."""
    agreed = ContractVersion(version=1, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=())
    async with books.database.transaction() as tx:
        ledger = await charging.ledger(tx, deal.engagement, OCTOBER)
    decision = decide(agreement_of(agreed, elsewhere={}), ledger, lambda rows: (None, []))
    return [(each.ref.split("/")[1], each.minutes) for each in decision.pieces if each.fate == "bill"]


async def test_t16_a_partial_credit_opens_the_entries_that_it_took_back_and_no_others(books: Books) -> None:
    deal, row = await posted(books)
    assert await unbilled(books, deal) == {}
    await credit(books, row, "1.50")
    assert await unbilled(books, deal) == {"T2": 60, "T1": 30}
    await credit(books, row, "0.50", record="9002")
    assert await unbilled(books, deal) == {"T2": 60, "T1": 60}
    found = await figures(books.database)
    assert [each for each in found.differences if each.amount] == []
    (us,) = [each for each in found.totals if each.entity == "US"]
    assert (us.billed_net, us.unbilled) == (Decimal("340.00"), Decimal("680.00"))


async def test_a_credit_note_that_is_read_twice_takes_back_once(books: Books) -> None:
    deal, row = await posted(books)
    for _ in range(2):
        await credit(books, row, "1.50")
    assert await unbilled(books, deal) == {"T2": 60, "T1": 30}


async def test_credited_work_waits_until_finance_says_what_becomes_of_it(books: Books) -> None:
    deal, row = await posted(books)
    key = await credit(books, row, "1.00")
    assert await waiting(books, deal) == {"kantata/T2"}
    assert await to_bill(books, deal) == []
    credits = Credits(books.database, books.now)
    assert await credits.settle(key, rebill=True, actor=ANNA, reason="wrong text only")
    assert await waiting(books, deal) == set()
    assert await to_bill(books, deal) == [("T2", 60)]
    assert not await credits.settle(key, rebill=False, actor=ANNA, reason="and again")


async def test_work_that_is_written_off_after_a_credit_is_open_no_more_and_never_billed(books: Books) -> None:
    deal, row = await posted(books)
    key = await credit(books, row, "1.00")
    await Credits(books.database, books.now).settle(key, rebill=False, actor=ANNA, reason="goodwill")
    assert await unbilled(books, deal) == {}
    assert await to_bill(books, deal) == []
    (piece,) = await read(books, "select * from piece")
    assert (piece["fate"], piece["source_id"], piece["minutes"], piece["worth"]) == ("written_off", "T2", 60, 340)
    assert (piece["decided_by"], piece["reason"]) == (ANNA, "goodwill")
    assert [each for each in (await figures(books.database)).differences if each.amount] == []


async def test_t44_a_story_tells_billed_credited_and_billed_again_with_the_documents(books: Books) -> None:
    deal, row = await posted(books)
    key = await credit(books, row, "1.00")
    await Credits(books.database, books.now).settle(key, rebill=True, actor=ANNA, reason="wrong text")
    again = await books.proposal(deal, "2026-11")
    async with books.database.transaction() as tx:
        story = await entry_story(tx, "kantata", "T2")
        (note,) = await lineage.of_invoice(tx, key)
    assert story is not None
    assert [(each.what, each.invoice) for each in story.chapters] == [
        ("billed", row["key"]),
        ("credited", key),
        ("billed again", again.invoice.key),
    ]
    assert [each.amount for each in note.lines] == [Decimal("-340.00")]
    assert note.lines[0].difference == 0


async def test_an_invoice_that_is_cancelled_whole_makes_its_partial_credit_part_of_that(books: Books) -> None:
    deal, row = await posted(books)
    await credit(books, row, "1.00")
    told = {
        "state": "cancelled", "number": "2026/0001", "invoice_date": None, "due_date": None, "tax": 0, "total": 0,
        "open_amount": 0, "payments": [],
    }  # fmt: skip
    async with books.database.transaction() as tx:
        await invoices.decided(tx, row["key"], told, books.now())
    assert await unbilled(books, deal) == {"T1": 120, "T2": 60}


async def test_t42_a_whole_invoice_is_taken_back_and_its_work_is_open_for_the_payer_of_that_day(books: Books) -> None:
    from tieout.domain.documents.billing import Invoice
    from tieout.store import documents

    deal, row = await posted(books)
    async with books.database.transaction() as tx:
        stored = await documents.latest(tx, "invoice", row["key"])
    assert stored is not None
    note = await Credits(books.database, books.now).take_back(
        Invoice.model_validate(stored["body"]), "2026/0001", f"{row['key']}-R"
    )
    assert (note.corrects, note.customer, note.net) == (("2026/0001",), row["customer"], -row["net"])
    assert [(each.quantity, each.amount) for each in note.lines] == [(Decimal("-3.00"), Decimal("-1020.00"))]
    assert await unbilled(books, deal) == {"T1": 120, "T2": 60}
    assert await waiting(books, deal) == set()
    assert [each for each in (await figures(books.database)).differences if each.amount] == []


async def test_t42_only_a_posted_invoice_is_credited_once_and_with_a_reason(books: Books) -> None:
    deal, row = await posted(books)
    corrections = Operator(books.database, books.now).corrections
    with pytest.raises(Refused, match="Say why"):
        await corrections.credit("2026/0001", reason=" ", actor=ANNA)
    with pytest.raises(Unknown):
        await corrections.credit("2026/0009", reason="wrong payer", actor=ANNA)
    run = await corrections.credit("2026/0001", reason="wrong payer", actor=ANNA)
    assert run == f"credit_and_rebill:{row['key']}:1"
    assert [each["engagement"] for each in await read(books, "select * from run")] == [deal.engagement]
    await credit(books, row, "1.00")
    with pytest.raises(Refused, match="credited before"):
        await corrections.credit("2026/0001", reason="wrong payer", actor=ANNA)
    (told,) = await read(books, "select * from audit where action = 'credit.ask'")
    assert (told["actor"], told["object"], told["detail"]) == (ANNA, row["key"], {"reason": "wrong payer"})


async def above_a_limit(books: Books) -> Deal:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.approval(deal, ["x"], requested_by="nobody")
    for fate, why in (("write_off", "PKG/cap"), ("over_cap", "contract/cap")):
        await read(
            books,
            """
            insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate,
                               minutes, worth, agreed, rate, why, decided_at)
            values (%s, 'US', 'USD', 'kantata', 'T1', 'time', '', %s, 'Principal', '2026-10-05', %s, 30, 170, 340, 340, %s, now())
            returning id
            """,
            deal.engagement, deal.task(1), fate, why,
        )  # fmt: skip
    return deal


async def test_work_above_a_limit_is_written_off_by_limit_with_a_reason_and_stays_so(books: Books) -> None:
    deal = await above_a_limit(books)
    corrections = Operator(books.database, books.now).corrections
    with pytest.raises(Refused, match="Say why"):
        await corrections.write_off(deal.engagement, reason="", actor=ANNA)
    (gone,) = await corrections.write_off(deal.engagement, limit="PKG/cap", reason="agreed in the contract", actor=ANNA)
    assert (gone["minutes"], gone["worth"]) == (30, Decimal(170))
    fates = await read(books, "select fate, decided_by, reason from piece order by id")
    assert fates[0] == {"fate": "written_off", "decided_by": ANNA, "reason": "agreed in the contract"}
    assert fates[1]["fate"] == "over_cap"
    with pytest.raises(Unknown):
        await corrections.write_off(deal.engagement, limit="PKG/cap", reason="again", actor=ANNA)
    async with books.database.transaction() as tx:
        ledger = await charging.ledger(tx, deal.engagement, OCTOBER)
    assert [each["fate"] for each in ledger.pieces] == ["written_off"]
    (audited,) = await read(books, "select detail from audit where action = 'work.write_off'")
    assert audited["detail"]["worth"] == "170"


async def test_nobody_writes_off_without_a_name_and_a_reason_not_even_by_the_database(books: Books) -> None:
    await above_a_limit(books)
    with pytest.raises(Exception, match="check constraint"):
        await read(books, "update piece set fate = 'written_off' returning id")


async def test_an_answer_that_moves_money_takes_the_right_of_finance_and_a_reason(books: Books) -> None:
    from tieout.domain.problems import Problem

    facts = {"project": "Data", "amount": "-340.00 USD", "link": ""}
    await books.held("006A", [Problem("billing.negative", facts)])
    (hold,) = await read(books, "select * from hold")
    operator = Operator(books.database, books.now)
    assert await operator.right_to_decide(hold["id"]) == "credit.decide"
    with pytest.raises(Refused, match="moves money"):
        await operator.decide(hold["id"], choice="credit_note", reason="", actor=ANNA)
    await operator.decide(hold["id"], choice="credit_note", reason="the hours were wrong", actor=ANNA)


async def test_t51_what_finance_writes_off_of_a_short_payment_ties_out_and_is_not_paid(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    told = await books.posted(deal, await books.proposal(deal), "2026/0001", paid="300.00")
    (row,) = await read(books, "select * from invoice")
    async with books.database.transaction() as tx:
        await invoices.decided(tx, row["key"], {**told, "state": "paid", "open_amount": "0.00"}, books.now())
        money = await invoices.money(tx, deal.engagement)
    (after,) = await read(books, "select written_off, total from invoice")
    assert (after["total"], after["written_off"]) == (Decimal("367.20"), Decimal("67.20"))
    assert money["paid"] == Decimal("300.00")
    assert [each for each in (await figures(books.database)).differences if each.amount] == []


async def test_t51_a_credit_note_that_is_used_as_a_payment_is_counted_once(books: Books) -> None:
    _, row = await posted(books)
    key = await credit(books, row, "1.00")
    (line,) = await read(books, "select * from invoice_line where invoice = %s", row["key"])
    used = {
        "state": "paid", "number": "CN-9001", "invoice_date": "2026-11-03", "due_date": None, "net": "-340.00", "tax": "0",
        "total": "-340.00", "open_amount": "0.00", "payments": [],
        "lines": [{"description": line["description"], "quantity": "-1.00", "unit_price": "340.00", "amount": "-340.00"}],
    }  # fmt: skip
    credits = Credits(books.database, books.now)
    assert (await credits.note(row, key, "9001", used)).unmatched == []
    assert await credits.credited(row["key"]) == Decimal("340.00")
    (payment,) = await read(books, "select id, amount from payment where invoice = %s", key)
    assert payment == {"id": "set-off", "amount": Decimal("-340.00")}
    assert [each for each in (await figures(books.database)).differences if each.amount] == []


async def test_t51_a_dispute_stands_with_the_invoice_until_it_is_settled(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    told = await books.posted(deal, await books.proposal(deal), "2026/0001")
    (row,) = await read(books, "select key from invoice")
    for disputed in ("it never happened", ""):
        async with books.database.transaction() as tx:
            await invoices.decided(tx, row["key"], {**told, "disputed": disputed}, books.now())
        assert await read(books, "select disputed from invoice") == [{"disputed": disputed}]
