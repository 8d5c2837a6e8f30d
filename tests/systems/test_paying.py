"""Several payers in the books: an invoice of each, the same entries beneath them, credits and rebills of one alone (T41, T42)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tieout.domain.charging.billing import Decision, agreement_of, decide
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.paying import Payer, SplitBilling, proposed
from tieout.store import lineage
from tieout.store.database import rows
from tieout.store.entry_story import entry_story
from tieout.store.figures import figures
from tieout.systems.credits import Credits
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
OCTOBER = date(2026, 10, 31)
PARENT = "CUS-PPPPPPPP"


def split(deal: Deal) -> SplitBilling:
    payers = (Payer(customer=deal.customer, share=Decimal("0.4")), Payer(customer=PARENT, share=Decimal("0.6")))
    return SplitBilling(engagement=deal.engagement, payers=payers, rest=deal.customer)


async def cut_off(books: Books, deal: Deal, period: str = "2026-10") -> Decision:
    """As the flow does it, without the ERP."""
    hub = Register(books.database, books.now)
    project, engagement = await hub.latest(Project, deal.project), await hub.latest(Engagement, deal.engagement)
    contract = await hub.contract(deal.engagement)
    assert project is not None
    assert engagement is not None
    assert contract is not None
    ledger = await hub.ledger(deal.engagement, OCTOBER)
    proposing = partial(
        proposed, split(deal), engagement, [project], ledger.evidence, period=period, today=OCTOBER, rounding="half_up", corrects={}
    )  # fmt: skip
    made = decide(agreement_of(*contract.versions, elsewhere={}), ledger, proposing)
    assert await hub.decide(project, made, ())
    return made


async def read(books: Books, sql: Any, *values: Any) -> list[dict[str, Any]]:
    async with books.database.transaction() as tx:
        return await rows(tx, sql, values)


async def test_t41_each_payer_is_billed_for_its_share_of_the_same_entries_and_the_books_tie_out(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 125), ("T2", 2, 50)])
    made = await cut_off(books, deal)
    assert made.proposal is not None
    key = f"{deal.engagement}-2026-10"
    assert [(each.invoice.key, each.invoice.customer, each.invoice.net) for each in made.proposal.every] == [
        (key, deal.customer, Decimal("340.03")),
        (f"{key}-PPPPPPPPP", PARENT, Decimal("512.63")),
    ]
    assert made.proposal.net == Decimal("852.66"), "2.08 h at 340.00 and 0.83 h at 175.25: as one payer would be billed"
    assert (await figures(books.database)).ties_out
    async with books.database.transaction() as tx:
        story = await entry_story(tx, "kantata", "T1")
        found = [line for each in made.proposal.every for line in await lineage.of_invoice(tx, each.invoice.key)]
    assert story is not None
    assert {(each.what, each.invoice) for each in story.chapters} >= {("billed", key), ("billed", f"{key}-PPPPPPPPP")}
    assert sum((line.difference for each in found for line in each.lines), Decimal(0)) == 0
    assert (await cut_off(books, deal)).proposal is None, "asking again finds nothing"


async def test_t42_one_payer_s_invoice_is_taken_back_and_billed_to_that_payer_again(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 125), ("T2", 2, 50)])
    made = await cut_off(books, deal)
    assert made.proposal is not None
    parent = made.proposal.others[0]
    await books.posted(deal, parent, "2026/0002")
    await Credits(books.database, books.now).take_back(parent.invoice, "2026/0002", f"{parent.invoice.key}-R")
    assert (await figures(books.database)).ties_out
    again = await cut_off(books, deal, "2026-11")
    assert again.proposal is not None
    assert [(each.invoice.customer, each.invoice.net) for each in again.proposal.every] == [
        (PARENT, parent.invoice.net)
    ]
    assert (await figures(books.database)).ties_out


async def test_t16_a_partial_credit_of_one_payer_s_invoice_takes_back_of_that_payer_alone(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 125)])
    made = await cut_off(books, deal)
    assert made.proposal is not None
    parent: Invoice = made.proposal.others[0].invoice
    await books.posted(deal, made.proposal.others[0], "2026/0002")
    (row,) = await read(books, "select * from invoice where key = %s", parent.key)
    line = parent.lines[0]
    told = {
        "state": "posted", "number": "CN-1", "invoice_date": "2026-11-03", "due_date": None, "net": "-170.00", "tax": "0",
        "total": "-170.00", "open_amount": "-170.00", "payments": [],
        "lines": [{"description": line.description, "quantity": "-0.50", "unit_price": str(line.unit_price), "amount": "-170.00"}],
    }  # fmt: skip
    credits = Credits(books.database, books.now)
    found = await credits.note(row, f"{parent.key}-C9", "9", told)
    assert [(each["source_id"], each["minutes"]) for each in found.evidence] == [("T1", -30)]
    await credits.settle(f"{parent.key}-C9", rebill=True, actor="anna", reason="again")
    again = await cut_off(books, deal, "2026-11")
    assert again.proposal is not None
    assert [(each.invoice.customer, each.invoice.net) for each in again.proposal.every] == [(PARENT, Decimal("170.00"))]
    assert (await figures(books.database)).ties_out
