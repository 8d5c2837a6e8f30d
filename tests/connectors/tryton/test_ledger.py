"""What finance decides in the real ERP comes back: posted, paid in part, paid, credited, and nothing is passed over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import anyio
import pytest

from tieout.connectors.contract import Change, Write
from tieout.connectors.tryton import ledger
from tieout.connectors.tryton.connector import Tryton
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.tenancy import Login

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
DAY = date(2026, 11, 2)


async def sweep(connector: Tryton, since: str | None) -> tuple[dict[str, Change], str]:
    """Every page, as intake reads them; one record must not come twice in a sweep."""
    found: dict[str, Change] = {}
    while True:
        page = await connector.changes("invoice", since)
        assert not found.keys() & {each.ref.id for each in page.changes}
        found |= {each.ref.id: each for each in page.changes}
        since = page.cursor
        if not page.more:
            return found, since


async def test_an_invoice_tells_its_life_in_versions_that_rise(us: Tryton, clerk: FinanceClerk, propose: Any) -> None:
    receipt, invoice = await propose()
    id, told = int(receipt.id), []

    async def look() -> dict[str, Any]:
        change = await us.look(Ref(us.name, "invoice", receipt.id))
        assert change is not None
        assert change.record is not None
        told.append(change.version)
        assert change.amount == Money(Decimal("3763.80"), "USD")
        return dict(change.record)

    draft = await look()
    assert draft == {
        "reference": invoice.key, "number": "", "state": "draft", "type": "invoice", "invoice_date": None,
        "due_date": None, "currency": "USD", "net": "3485.00", "tax": "278.80", "total": "3763.80",
        "open_amount": "3763.80", "payments": [], "disputed": "", "customer": invoice.customer, "taxes": ["Sales tax 8%"],
        "lines": [{"description": "Discovery, October", "quantity": "10.25", "unit_price": "340.00", "amount": "3485.00"}],
    }  # fmt: skip
    posted = await clerk.post(id, DAY)
    changed = {"number": posted.number, "state": "posted", "invoice_date": "2026-11-02", "due_date": "2026-12-02"}
    assert await look() == draft | changed
    await clerk.pay(id, Decimal("1000"), date(2026, 11, 20))
    partly = await look()
    first = {"id": partly["payments"][0]["id"], "paid_on": "2026-11-20", "amount": "1000"}
    changed |= {"state": "partly_paid", "open_amount": "2763.80", "payments": [first]}
    assert partly == draft | changed
    await clerk.pay(id, Decimal("2763.80"), date(2026, 11, 24))
    paid = await look()
    assert (paid["state"], paid["open_amount"]) == ("paid", "0")
    assert [Decimal(each["amount"]) for each in paid["payments"]] == [Decimal(1000), Decimal("2763.80")]
    assert told == sorted(set(told))


async def test_t51_a_dispute_is_told_with_the_invoice_until_it_is_settled(
    us: Tryton, clerk: FinanceClerk, propose: Any
) -> None:
    receipt, _ = await propose()
    posted = await clerk.post(int(receipt.id), DAY)
    _, cursor = await sweep(us, None)
    await clerk.dispute(posted.id, "the workshop on 6 October never happened")
    found, cursor = await sweep(us, cursor)
    assert found[receipt.id].record is not None
    assert found[receipt.id].record["disputed"] == "the workshop on 6 October never happened"
    await clerk.settle_dispute(posted.id, "it did")
    found, _ = await sweep(us, cursor)
    assert found[receipt.id].record["disputed"] == ""
    change = await us.look(Ref(us.name, "invoice", receipt.id))
    assert change is not None
    assert change.record == found[receipt.id].record


async def test_a_credited_invoice_is_cancelled_and_its_credit_note_is_told_apart(
    us: Tryton, clerk: FinanceClerk, propose: Any
) -> None:
    receipt, _ = await propose()
    await clerk.post(int(receipt.id), DAY)
    credit = await clerk.credit(int(receipt.id), DAY)
    assert (credit.state, credit.total) == ("paid", Decimal("-3763.80"))
    found, _ = await sweep(us, None)
    invoice, note = found[receipt.id].record, found[str(credit.id)].record
    assert invoice is not None
    assert note is not None
    assert (invoice["type"], invoice["state"], invoice["open_amount"]) == ("invoice", "cancelled", "0")
    assert (note["type"], note["total"]) == ("credit_note", "-3763.80")


async def test_t51_a_credit_note_that_pays_for_an_invoice_is_not_open_beside_it(
    us: Tryton, clerk: FinanceClerk, propose: Any
) -> None:
    receipt, _ = await propose()
    posted = await clerk.post(int(receipt.id), DAY)
    (line,) = await clerk.lines(posted.id)
    credit = await clerk.credit_partly(posted.id, {line.id: Decimal(1)}, DAY, "one hour too many")
    assert credit.open_amount == Decimal("-367.20"), "Tryton calls it open until the rest has come in"
    found, _ = await sweep(us, None)
    told = {name: found[each].record for name, each in (("invoice", receipt.id), ("note", str(credit.id)))}
    assert all(told.values())
    assert {name: Decimal(each["open_amount"]) for name, each in told.items() if each} == {
        "invoice": Decimal("3396.60"), "note": 0,
    }  # fmt: skip
    await clerk.pay(posted.id, Decimal("3396.60"), DAY)
    found, _ = await sweep(us, None)
    assert [Decimal((found[each].record or {})["open_amount"]) for each in (receipt.id, str(credit.id))] == [0, 0]


async def test_a_sweep_goes_on_from_the_cursor_and_reads_open_invoices_again(
    us: Tryton, clerk: FinanceClerk, propose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_OVERLAP", ledger._OVERLAP * 0)  # so that a test need not wait minutes
    paid, _ = await propose()
    open_, _ = await propose()
    await clerk.post(int(paid.id), DAY)
    await clerk.pay(int(paid.id), Decimal("3763.80"), DAY)
    await clerk.post(int(open_.id), DAY)
    found, cursor = await sweep(us, None)
    assert {paid.id, open_.id} <= found.keys()
    draft, _ = await propose()
    again, later = await sweep(us, cursor)
    assert paid.id not in again
    assert again[open_.id] == found[open_.id]
    assert draft.id in again
    assert later > cursor


async def test_pages_are_read_to_the_end_and_what_changes_meanwhile_comes_with_the_next_sweep(
    us: Tryton, clerk: FinanceClerk, propose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_PAGE", 2)
    monkeypatch.setattr(ledger, "_OVERLAP", ledger._OVERLAP * 0)
    early, *_ = drafts = [(await propose())[0] for _ in range(3)]
    newest = (await us.look(Ref(us.name, "invoice", drafts[-1].id))).version.partition("#")[0]  # type: ignore[union-attr]
    first = await us.changes("invoice", None)
    assert first.more
    assert len(first.changes) == 2
    await clerk.post(int(early.id), DAY)  # after its page may have been read
    found, cursor = await sweep(us, first.cursor)
    assert {each.id for each in drafts[1:]} <= found.keys()
    assert cursor == newest
    again, _ = await sweep(us, cursor)
    record = again[early.id].record
    assert record is not None
    assert record["state"] == "posted"


async def test_the_same_state_has_the_same_version(us: Tryton, propose: Any) -> None:
    receipt, _ = await propose()
    ref = Ref(us.name, "invoice", receipt.id)
    assert await us.look(ref) == await us.look(ref)


async def test_only_invoices_are_told(us: Tryton) -> None:
    with pytest.raises(LookupError, match="no kind 'party'"):
        await us.changes("party", None)
    with pytest.raises(LookupError, match="by changes"):
        await us.read(Ref(us.name, "invoice", "1"))


async def test_clerks_at_the_same_moment_get_different_numbers_without_a_gap(
    us: Tryton, erp: Any, propose: Any
) -> None:
    login: Login = erp.tenancy.clerk("US")
    drafts = [int((await propose())[0].id) for _ in range(4)]
    clerks = [FinanceClerk.at(erp.url, login) for _ in drafts]
    numbers: list[str] = []

    async def post(clerk: FinanceClerk, id: int) -> None:
        numbers.append((await clerk.post(id, DAY)).number)

    async with anyio.create_task_group() as group:
        for clerk, id in zip(clerks, drafts, strict=True):
            group.start_soon(post, clerk, id)
    for clerk in clerks:
        await clerk.close()
    counted = sorted(int(each.rpartition("-")[2]) for each in numbers)
    assert counted == list(range(counted[0], counted[0] + 4))


async def test_an_invoice_posted_behind_a_later_one_is_refused_and_stays_a_draft(
    de: Tryton, german_clerk: FinanceClerk, papers: Any, perform: Callable[..., Any]
) -> None:
    customer = papers.customer()
    party = await perform(de, Write("customer.create", customer.key, "1", customer.body()))
    ids: list[int] = []
    for number in (1, 2):
        invoice = papers.invoice(key=f"ENG-{papers.number}-{number}", currency="EUR", legal_entity="DE")
        write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": party.id})
        ids.append(int((await perform(de, write)).id))
    await german_clerk.post(ids[0], date(2026, 11, 10))
    with pytest.raises(Exception, match="you must set an invoice date after"):
        await german_clerk.post(ids[1], date(2026, 11, 9))
    assert (await german_clerk.invoice(ids[1])).state == "draft"
    assert ids[1] in {each.id for each in await german_clerk.drafts()}
    await german_clerk.discard(ids[1])
    assert ids[1] not in {each.id for each in await german_clerk.drafts()}
    assert ids[0] in {each.id for each in await german_clerk.unpaid()}
