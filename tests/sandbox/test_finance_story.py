"""With the real ERP in the box: clerks post what is proposed, money comes in as customers pay, and nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import Opening, Write
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.connector import SPEC
from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.problems import Transient
from tieout.sandbox.box import Box, opened
from tieout.sandbox.options import Options

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton, pytest.mark.slow]

CACHE = Path(__file__).parents[2] / ".cache" / "tryton"
GLOBEX = Customer(
    key="CUS-1", name="Globex Corporation", source_id="001", payment_terms="Net 30", tax_id=TaxId(type="us_ein", code="91-1144442"),
    address=Address(street="500 Market Street", city="San Francisco", postal_code="94105", country="US"),
)  # fmt: skip


@asynccontextmanager
async def hub_in(box: Box) -> AsyncIterator[Any]:
    """The hub's connection to the American books, as the sandbox describes it."""
    config = TrytonConfig.model_validate(box.description["systems"]["erp-us"]["settings"])
    connector: Any = SPEC.open(Opening("erp-us", config))
    yield connector
    await connector.close()


async def perform(hub: Any, write: Write) -> str:
    return (await hub.send(write.operation, await hub.prepare(write))).id


async def propose(hub: Any, customer: str, number: int) -> str:
    line = InvoiceLine(
        key="1", task="PRJ-1/01", role="Principal", description="Discovery", quantity=Decimal(number),
        unit_price=Decimal("100.00"), amount=Decimal(100 * number), department="410",
    )  # fmt: skip
    invoice = Invoice(
        key=f"ENG-1-{number}", engagement="ENG-1", project="PRJ-1", customer=GLOBEX.key, legal_entity="US",
        currency="USD", through=date(2026, 9, 30), payment_terms="Net 30", lines=(line,), net=line.amount,
    )  # fmt: skip
    return await perform(hub, Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer}))


async def test_drafts_are_posted_and_paid_as_customers_pay_and_a_restart_repeats_nothing(tmp_path: Path) -> None:
    options = Options(tmp_path, erp_cache=CACHE)
    async with opened(options) as box, hub_in(box) as hub:
        customer = await perform(hub, Write("customer.create", GLOBEX.key, "1", GLOBEX.body()))
        for number in (1, 2, 3, 4):
            await propose(hub, customer, number)
        await box.story.advance(date(2026, 10, 1))
        posted = [each for each in box.story.journal.acts if each.did == "posted"]
        assert [each.what.split(", ")[1] for each in posted] == ["108.00 USD", "216.00 USD", "324.00 USD", "432.00 USD"]
        assert [each.who for each in posted] == ["Carlos Mendes"] * 4
        await box.story.advance(date(2026, 10, 8))
        received = [(each.at[:10], each.what.split()[0]) for each in box.story.journal.acts if each.did == "received"]
        assert received == [
            ("2026-10-05", "108.00"),
            ("2026-10-05", "86.40"),
            ("2026-10-07", "432.00"),
            ("2026-10-08", "129.60"),
        ]
        books = (await box.books())["entities"]
        ledger = books["US"]["erp"]
        assert (ledger["invoices"], ledger["drafts"], ledger["customers_invoiced"]) == (4, 0, 1)
        assert [ledger[each] for each in ("net", "tax", "total")] == ["1000.00", "80.00", "1080.00"]
        assert [ledger[each] for each in ("payments", "paid", "open")] == [4, "756.00", "324.00"]
        assert books["DE"]["erp"]["invoices"] == 0
    async with opened(options) as box:
        await box.story.advance(date(2026, 10, 9))
        assert {code: each["erp"] for code, each in (await box.books())["entities"].items()} == {
            code: each["erp"] for code, each in books.items()
        }
        await box.story.advance(date(2026, 11, 5))
        (objection,) = [each.what for each in box.story.journal.acts if each.did == "objected to"]
        (credited,) = [each.what for each in box.story.journal.acts if each.did == "credited"]
        assert credited.startswith(f"216.00 USD of {objection}")
        ledger = (await box.books())["entities"]["US"]["erp"]
        assert ledger["closed"] == ["2026-10-01"]
        notes = [each for each in ledger["documents"] if each["reference"] == objection]
        assert [(each["state"], each["total"], each["open"]) for each in notes] == [("posted", "-216.00", "0.00")]
        (invoice,) = [each for each in ledger["documents"] if each["number"] == objection]
        assert [each["amount"] for each in invoice["payments"]][-1] == "216.00"
        assert not [each for each in box.story.journal.acts if "could not" in each.did]


async def test_a_fault_is_on_one_entitys_line_and_clerks_do_not_notice(tmp_path: Path) -> None:
    async with opened(Options(tmp_path, erp_cache=CACHE)) as box, hub_in(box) as hub, httpx2.AsyncClient() as client:
        assert (await hub.check()).ok
        systems = box.description["systems"]
        rule = {"kind": "status", "status": 503, "times": None}
        assert (await client.post(systems["erp-us"]["faults"], json=rule)).status_code == 201
        with pytest.raises(Transient):
            await hub.check()
        assert (await client.get(systems["erp-de"]["faults"])).json() == {"rules": []}
        await box.story.advance(date(2026, 10, 1))
        assert not [each for each in box.story.journal.acts if "could not" in each.did]
