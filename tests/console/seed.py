"""A believable day at Kestrel Advisory, told to the store by its own functions: what the console's tests look at."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.engagement import Contract, ContractLine, ContractVersion, Engagement
from tieout.domain.documents.package import PackageTask, RateCard, RateCardVersion, ServicePackage
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.firm import ApprovalRule, ConnectionSettings, Firm, LegalEntity, TableRow, ValueTable
from tieout.domain.identity import Ref, business_key
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.rating import Work, price
from tieout.store import crosswalk, documents, effects, firm, holds, invoices, messages, projects, runs, time
from tieout.store.database import Database, Tx

NOW = datetime(2026, 11, 16, 9, 12, tzinfo=UTC)
FLOW = "opportunity_to_project"
RATES = {"Principal": Decimal("350.00"), "Senior Consultant": Decimal("252.50"), "Consultant": Decimal("180.00"),
         "Data Engineer": Decimal("217.25")}  # fmt: skip

KESTREL = Firm(
    name="Kestrel Advisory Group",
    entities=(
        LegalEntity(code="US", name="Kestrel Advisory Inc.", currency="USD"),
        LegalEntity(code="DE", name="Kestrel Advisory GmbH", currency="EUR"),
    ),
    connections={
        "salesforce": ConnectionSettings(kind="salesforce", role="crm", owner="revops@kestrel.example"),
        "kantata": ConnectionSettings(kind="kantata", role="psa", owner="delivery-ops@kestrel.example"),
        "erp-us": ConnectionSettings(kind="tryton", role="erp", entity="US", owner="carlos.mendes@kestrel.example"),
        "erp-de": ConnectionSettings(kind="tryton", role="erp", entity="DE", owner="anna.fischer@kestrel.example"),
    },
    approvals=ApprovalRule(amount_above={"USD": Decimal(200000), "EUR": Decimal(150000)}, payment_days_above=30),
    payment_terms={"Net 14": 14, "Net 30": 30, "Net 60": 60},
    owners={"finance master data": "anna.fischer@kestrel.example", "sales operations": "revops@kestrel.example"},
    packages=(
        ServicePackage(
            key="DATA-FOUNDATION",
            name="Data Foundation",
            practice="Data & AI",
            tasks=(PackageTask(name="Data model", role="Senior Consultant", hours=Decimal(120)),),
        ),
    ),
    rate_cards=(
        RateCard(
            key="US-2026",
            name="US 2026",
            entity="US",
            currency="USD",
            versions=(RateCardVersion(version=2, valid_from=date(2026, 10, 15), rates=RATES),),
        ),
        RateCard(
            key="DE-2026",
            name="DE 2026",
            entity="DE",
            currency="EUR",
            versions=(RateCardVersion(version=1, valid_from=date(2026, 1, 1), rates=RATES),),
        ),
    ),
    tables=(
        ValueTable(
            name="practice_department",
            purpose="department",
            rows=tuple(
                TableRow(key=key, value=value)
                for key, value in (("Data & AI", "410"), ("Cloud Platforms", "420"), ("Finance Transformation", "430"))
            ),
        ),
        ValueTable(name="service_line_tax_class", purpose="tax class", four_eyes=True, rows=()),
    ),
)


@dataclass
class Seeded:
    """What the tests need to know of the day."""

    holds: dict[str, int] = field(default_factory=dict)
    engagements: dict[str, str] = field(default_factory=dict)
    invoices: list[str] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)
    approvals: list[int] = field(default_factory=list)


class Day:
    """Tells the story deal by deal; `at` moves by itself, so that events stand in order."""

    def __init__(self, tx: Tx, now: datetime, canary: str = "") -> None:
        self.tx = tx
        self.now = now
        self.canary = canary
        self.seeded = Seeded()

    async def firm(self) -> None:
        names = [(each.code, each.name, each.currency) for each in KESTREL.entities]
        connections = [(name, each.kind, each.role, each.entity) for name, each in KESTREL.connections.items()]
        at = self.now - timedelta(days=40)
        await firm.apply(self.tx, content={"firm": "kestrel"}, entities=names, connections=connections,
                         actor="margaret.osei@kestrel.example", now=at)  # fmt: skip
        for row in KESTREL.shipped_rows("margaret.osei@kestrel.example"):
            await firm.set_value(self.tx, row, now=at)
        health: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
            "salesforce": (
                "answers in 42 ms",
                "integration@kestrel.example",
                {"API requests left": "98,412 of 100,000"},
            ),
            "kantata": ("answers in 61 ms", "Tieout (account 4100)", {"requests left this minute": "388 of 400"}),
            "erp-us": ("answers in 18 ms", "tieout_us", {}),
            "erp-de": ("answers in 19 ms", "tieout_de", {}),
        }
        for name, (detail, user, limits) in health.items():
            payments = (
                [{"id": f"{key}-1", "paid_on": through + timedelta(days=9), "amount": received}] if received else []
            )
        told = {"state": state, "number": number, "invoice_date": through, "due_date": through + timedelta(days=14),
                "tax": tax, "total": total, "open_amount": total - received, "payments": payments}  # fmt: skip
        await invoices.decided(self.tx, key, told, self.now - timedelta(days=1))
        record = {
            "reference": key,
            "lines": [{"description": each.description, "amount": str(each.amount)} for each in lines],
        }
        arrival = messages.Arrival(erp, "invoice", stored["record_id"], f"{through}T12:00:00Z#1", stored["currency"],
                                   int(total * 100), record)  # fmt: skip
        await messages.record(self.tx, [arrival], via="sweep", now=self.now - timedelta(days=1))


def hash_of(text: str) -> int:
    """The same number for the same text in every process, unlike `hash`."""
    return zlib.crc32(text.encode()) * 7919 + len(text)


def missing_value(value: str, entity: str, table: str = "practice_department") -> Problem:
    return Problem("value.missing", {"table": table, "value": value, "entity": entity, "purpose": "department"})


def link(ref: Ref) -> str:
    return {"salesforce": f"https://kestrel.my.salesforce.example/{ref.id}"}.get(ref.connection, "")


async def seed(database: Database, now: datetime = NOW, canary: str = "") -> Seeded:
    """The whole day in one transaction."""
    async with database.transaction() as tx:
        day = Day(tx, now, canary)
        await day.firm()
        await _delivered(day)
        await _held(day)
        await _waiting(day)
        await _unknown(day)
        await _resolved(day)
        return day.seeded


async def _delivered(day: Day) -> None:
    """Three deals that went through: work, invoices, money."""
    october = [date(2026, 10, each) for each in (19, 20, 21, 22, 23, 26, 27, 28, 29, 30)]
    november = [date(2026, 11, each) for each in (2, 3, 4, 5, 6, 9, 10)]
    globex = await day.deal("Globex Data Platform", "Globex Corporation", "US", "184000.00", won=timedelta(days=38))
    project = await day.set_up(globex, at=day.now - timedelta(days=38))
    await day.work(project, october)
    await day.invoice(globex, project, date(2026, 10, 31), "US-2026-0041", "paid", "all")
    await day.work(project, november)
    initech = await day.deal("Initech Cloud Migration", "Initech LLC", "US", "96200.00", won=timedelta(days=33))
    project = await day.set_up(initech, at=day.now - timedelta(days=33))
    await day.work(project, october[2:])
    await day.invoice(initech, project, date(2026, 10, 31), "US-2026-0042", "partly_paid", "12000.00")
    await day.work(project, november[-2:], state="submitted")
    bergmann = await day.deal(
        "Bergmann Close Accelerator", "Bergmann Maschinenbau AG", "DE", "61400.00", won=timedelta(days=31)
    )
    project = await day.set_up(bergmann, at=day.now - timedelta(days=31))
    await day.work(project, october[4:])
    await day.invoice(bergmann, project, date(2026, 10, 31), "DE-2026-0007", "posted")
    await day.work(project, november)
    await day.invoice(bergmann, project, date(2026, 11, 15), "", "draft")


async def _held(day: Day) -> None:
    """Seven holds of four kinds; three deals wait for the same practice."""
    change = [
        ("Nordwind Change Sprint", "Nordwind Logistik GmbH", "DE", "48600.00", timedelta(hours=6)),
        ("Bergmann Change Sprint", "Bergmann Maschinenbau AG", "DE", "31250.00", timedelta(hours=26)),
        ("Umbra Labs Change Sprint", "Umbra Labs", "US", "27500.00", timedelta(hours=2)),
    ]
    for name, customer, entity, amount, since in change:
        deal = await day.deal(
            name, customer, entity, amount, practice="People & Change", won=since + timedelta(minutes=1)
        )
        await day.held(deal, missing_value("People & Change" + day.canary, entity), since=since)
    foundation = await day.deal(
        "Bergmann Data Foundation", "Bergmann Maschinenbau AG", "DE", "112000.00", won=timedelta(days=4)
    )
    facts = {"deal": foundation.name, "amount": "112,000.00 EUR", "link": "https://kestrel.my.salesforce.example/006X"}
    await day.held(
        foundation,
        Problem("deal.field_missing", {**facts, "label": "The expected end date", "field": "Project_End__c"}),
        Problem("deal.field_missing", {**facts, "label": "The project manager", "field": "Project_Manager__c"}),
        Problem("billing.po_missing", facts),
        since=timedelta(days=4),
    )
    twin = await day.deal("Umbra Health Pipelines", "Umbra Health Systems", "US", "73900.00", won=timedelta(hours=3))
    known = '{"same:1187": "Umbra Health Systems (UMBRA, tax id 46-2231187)", "same:1190": "Umbra Health Inc. (1190, tax id none)"}'
    await day.held(
        twin,
        Problem("customer.possible_duplicate", {
            "customer": twin.customer.name, "about": twin.customer.key, "link": link(Ref("salesforce", "engagement", twin.source_id)),
            "candidates": "Umbra Health Systems (UMBRA, tax id 46-2231187); Umbra Health Inc. (1190, tax id none)",
            "choices": known}),
        since=timedelta(hours=3),
    )  # fmt: skip
    refused = await day.deal("Globex Reporting", "Globex Corporation", "US", "18400.00", won=timedelta(hours=20))
    await day.held(
        refused,
        Problem("target.refused", {"system": "erp-us", "action": "create the project", "subject": "PRJ-G10BEX99",
                                   "amount": "18,400.00 USD", "link": ""},
                quote="The value for field “Analytic Account” in “Project” is not valid." + day.canary),
        since=timedelta(hours=20),
    )  # fmt: skip


async def _waiting(day: Day) -> None:
    """Terms that wait for finance: one that anybody may answer, one that margaret asked for, one answered."""
    for name, customer, amount, asked in (
        ("Umbra Health Close Accelerator", "Umbra Health Systems", "212400.00", "margaret.osei@kestrel.example"),
        ("Globex Phase Two", "Globex Corporation", "268000.00", "carlos.mendes@kestrel.example"),
    ):
        deal = await day.deal(name, customer, "US", amount, won=timedelta(hours=9))
        run = await runs.get(day.tx, day.seeded.runs[name])
        assert run is not None
        terms = [
            f"Amount {Money(Decimal(amount), 'USD')} is above 200,000.00 USD",
            "Payment terms Net 60 are longer than 30 days",
        ]
        made = await holds.request_approval(
            day.tx, run, title=f"Finance accepts the terms of {deal.name}", terms=terms, terms_hash=name,
            amount=Money(Decimal(amount), "USD"), requested_by=asked, now=day.now - timedelta(hours=9),
        )  # fmt: skip
        await runs.end(day.tx, run["id"], "waiting", f"approval A-{made['id']}", day.now - timedelta(hours=9))
        day.seeded.approvals.append(made["id"])


async def _unknown(day: Day) -> None:
    """An answer was lost: nobody knows whether the PSA made the project."""
    deal = await day.deal("Initech Landing Zone", "Initech LLC", "US", "44100.00", won=timedelta(minutes=12))
    await day.set_up(deal, at=day.now - timedelta(minutes=11), done=False)
    at = day.now - timedelta(minutes=10)
    await day.effect(deal, "kantata", "project.create", "D", deal.key.replace("ENG", "PRJ"), "", at=at, state="unknown")
    facts = {"system": "kantata", "action": "create the project", "subject": deal.key.replace("ENG", "PRJ"), "link": ""}
    await day.held(deal, Problem("target.unknown", facts), since=timedelta(minutes=10))
    await firm.set_connection_state(day.tx, "erp-de", "paused", "certificate is being renewed, back at noon")


async def _resolved(day: Day) -> None:
    """A hold that ended because its source was corrected, and one that sleeps."""
    deal = await day.deal("Nordwind Data Foundation", "Nordwind Logistik GmbH", "DE", "39900.00", won=timedelta(days=2))
    facts = {
        "deal": deal.name,
        "amount": "39,900.00 EUR",
        "link": "",
        "label": "The payment terms",
        "field": "Terms__c",
    }
    await day.held(deal, Problem("deal.field_missing", facts), since=timedelta(days=2))
    run = await runs.get(day.tx, day.seeded.runs["Nordwind Data Foundation"])
    assert run is not None
    await holds.close_holds(day.tx, run["flow"], run["subject"], by="source", resolution="the source was corrected",
                            now=day.now - timedelta(days=1))  # fmt: skip
    await day.set_up(deal, at=day.now - timedelta(days=1))
    sleeping = day.seeded.holds["Globex Reporting/target.refused"]
    await holds.snooze(day.tx, sleeping, 3, "carlos.mendes@kestrel.example", day.now - timedelta(hours=1))
    await holds.assign(day.tx, day.seeded.holds["Umbra Labs Change Sprint/value.missing"], "carlos.mendes@kestrel.example",
                       "anna.fischer@kestrel.example", day.now - timedelta(hours=1))  # fmt: skip
