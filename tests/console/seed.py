"""A believable day at Kestrel Advisory, told to the store by its own functions: what the console's tests look at."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.console.seed_limits import CAPS, PAYERS, caps_of, seed_lent
from tests.console.seed_plans import seed_plans
from tests.console.seed_usage import seed_usage

from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.engagement import Contract, ContractLine, ContractVersion, Engagement
from tieout.domain.documents.package import PackageTask, RateCard, RateCardVersion, ServicePackage
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.firm import ApprovalRule, ConnectionSettings, Firm, LegalEntity, TableRow, ValueTable
from tieout.domain.identity import Ref, business_key
from tieout.domain.metering import UsageRule
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.rating import Work, price
from tieout.store import (
    crosswalk,
    cursors,
    documents,
    effects,
    firm,
    holds,
    invoices,
    journal,
    messages,
    overrides,
    projects,
    runs,
    talk,
    time,
    together,
)
from tieout.store.database import Database, Tx
from tieout.store.journal import Claim

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
    caps=CAPS,
    payers=PAYERS,
    usage=UsageRule(sources=("metering",)),
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
    entries: list[str] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)
    approvals: list[int] = field(default_factory=list)
    questions: list[int] = field(default_factory=list)
    overrides: list[int] = field(default_factory=list)
    plans: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)


class Day:
    """Tells the story deal by deal; `at` moves by itself, so that events stand in order."""

    def __init__(self, tx: Tx, now: datetime, canary: str = "") -> None:
        self.tx = tx
        self.now = now
        self.canary = canary
        self.seeded = Seeded()
        self.deals: dict[str, Engagement] = {}

    async def firm(self) -> None:
        names = [(each.code, each.name, each.currency) for each in KESTREL.entities]
        connections = [(name, each.kind, each.role, each.entity) for name, each in KESTREL.connections.items()]
        at = self.now - timedelta(days=40)
        await firm.apply(self.tx, content=KESTREL.model_dump(mode="json"), entities=names, connections=connections,
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
            told = {"ok": True, "detail": detail, "user": user, "version": "8.0", "limits": dict(limits)}
            await firm.record_health(self.tx, name, told, self.now - timedelta(minutes=2))
        for name, kind, ago in (("salesforce", "opportunity", 1), ("salesforce", "account_merge", 1),
                                ("kantata", "time_entry", 130), ("erp-us", "invoice", 2), ("erp-de", "invoice", 2)):  # fmt: skip
            moment = self.now - timedelta(minutes=ago)
            await cursors.advance(self.tx, name, kind, f"{moment:%Y-%m-%dT%H:%M:%SZ}", moment)

    async def deal(
        self, name: str, customer: str, entity: str, amount: str, *, practice: str = "Data & AI", won: timedelta,
        agreed: bool = True,
    ) -> Engagement:  # fmt: skip
        """A won opportunity arrives: its message, its run and its document."""
        source = f"006Kx{hash_of(name):010d}"[:15]
        currency = "USD" if entity == "US" else "EUR"
        company = Customer(
            key=business_key("CUS", Ref("salesforce", "customer", customer)),
            name=customer + self.canary,
            address=Address(street="500 Market Street", city="Springfield", postal_code="94105", country=entity),
            tax_id=TaxId(type="us_ein", code="91-1144442"),
            payment_terms="Net 30",
            source_id=f"001Kx{hash_of(customer):010d}"[:15],
        )
        engagement = Engagement(
            key=business_key("ENG", Ref("salesforce", "engagement", source)), name=name + self.canary, stage="won",
            customer=company, legal_entity=entity, currency=currency, amount=Decimal(amount),
            practice=practice + self.canary, package="DATA-FOUNDATION", start=date(2026, 10, 5), end=date(2027, 3, 31),
            booked_at=self.now - won, payment_terms="Net 30", project_manager="david.lindqvist@kestrel.example",
            owner="margaret.osei@kestrel.example", source_id=source,
            lines=(ContractLine(id="1", description="Data model", hours=Decimal(120), rate=RATES["Senior Consultant"],
                                amount=Decimal(amount)),),
        )  # fmt: skip
        at = self.now - won
        arrival = messages.Arrival("salesforce", "opportunity", source, f"{at:%Y-%m-%dT%H:%M:%S.000Z}#1", currency,
                                   int(Decimal(amount) * 100), {"Id": source, "Name": name})  # fmt: skip
        stored = await messages.record(self.tx, [arrival], via="doorbell", now=at)
        run_id = f"{FLOW}:salesforce/opportunity/{source}:{arrival.version}"
        await runs.queue(self.tx, run_id, flow=FLOW, subject=f"salesforce/opportunity/{source}", version=arrival.version,
                         lane=source, now=at, engagement=engagement.key)  # fmt: skip
        await messages.assign(self.tx, [each["id"] for each in stored], run_id)
        await together.tell(self.tx, [(run_id, entity, engagement.key)])
        await runs.start(self.tx, [(run_id, 1)], "worker-1", at + timedelta(seconds=1))
        fields = {"name": "Name", "amount": "Amount", "practice": "Practice__c", "legal_entity": "Legal_Entity__c",
                  "customer.name": "Account.Name", "start": "Start__c", "owner": "Owner.Email"}  # fmt: skip
        trail = {field: {"source": source, "mapping": "salesforce.engagement@3"} for field, source in fields.items()}
        for document in (company, engagement) if agreed else ():
            await documents.save(self.tx, document, entity=entity, engagement=engagement.key, trail=trail, now=at)
        if agreed:
            await self.link("engagement", engagement.key, "salesforce", source, at)
            await self.link("customer", company.key, "salesforce", company.source_id, at)
        self.seeded.engagements[name] = engagement.key
        self.deals[name] = engagement
        self.seeded.runs[name] = run_id
        return engagement

    def name_of(self, deal: Engagement) -> str:
        return deal.name.removesuffix(self.canary) if self.canary else deal.name

    async def held(self, deal: Engagement, *problems: Problem, since: timedelta) -> None:
        """The deal's run ends and waits, with a hold per problem."""
        at, run_id = self.now - since, self.seeded.runs[self.name_of(deal)]
        run = await runs.get(self.tx, run_id)
        assert run is not None
        await self.steps(run_id, ("read the deal", "check what it lacks"), at - timedelta(seconds=2))
        await runs.end(self.tx, run_id, "held", f"{len(problems)} problems", at)
        await messages.settle_run(self.tx, run_id, "held", "waits for a person", at)
        amount = Money(deal.amount or Decimal(0), deal.currency)
        await holds.open_holds(self.tx, run, problems, title=deal.name, amount=amount, now=at)
        for each in await holds.listed(self.tx):
            if each["run_id"] == run_id:
                self.seeded.holds.setdefault(f"{self.name_of(deal)}/{each['code']}", each["id"])

    async def steps(self, run_id: str, titles: Sequence[str], at: datetime) -> None:
        story = [
            runs.Step(title, at + timedelta(milliseconds=120 * i), at + timedelta(milliseconds=120 * i + 85), "done")
            for i, title in enumerate(titles)
        ]
        await runs.steps(self.tx, run_id, 1, story)

    async def effect(
        self, deal: Engagement, connection: str, operation: str, guarantee: str, subject: str, record: str, *,
        at: datetime, state: str = "done",
    ) -> None:  # fmt: skip
        run_id = self.seeded.runs[self.name_of(deal)]
        key = f"{hash_of(connection + operation + subject):064x}"
        claim = Claim(
            key,
            connection=connection,
            operation=operation,
            guarantee=guarantee,
            subject=subject,
            version="1",
            run_id=run_id,
            entity=deal.legal_entity,
            engagement=deal.key,
            state="sent",
            now=at,
            request=b'{"method": "POST", "path": "/model", "body": {"name": "' + subject.encode() + b'"}}',
        )
        await journal.claim(self.tx, [claim])
        receipt = {"id": record, "parts": {}, "answer": {}} if state == "done" else None
        detail = "" if state == "done" else "the connection was cut after the request had been sent"
        await effects.settled(self.tx, key, state, now=at + timedelta(milliseconds=80), receipt=receipt, detail=detail)

    async def set_up(self, deal: Engagement, *, at: datetime, done: bool = True) -> Project:
        """Customer, contract and project exist in ERP and PSA; the run is over."""
        run_id = self.seeded.runs[self.name_of(deal)]
        key, erp = deal.key.replace("ENG", "PRJ"), f"erp-{deal.legal_entity.lower()}"
        card = "US 2026" if deal.legal_entity == "US" else "DE 2026"
        named = (
            ("Discovery", "Principal", 40),
            ("Data model", "Senior Consultant", 120),
            ("Pipelines", "Data Engineer", 200),
        )
        tasks = tuple(
            ProjectTask(key=f"{key}/{i:02}", name=name, role=role, hours=Decimal(hours), rate=RATES[role])
            for i, (name, role, hours) in enumerate(named, 1)
        )
        project = Project(
            key=key, engagement=deal.key, name=deal.name, customer=deal.customer.key, legal_entity=deal.legal_entity,
            currency=deal.currency, department="410", contract_version=1, budget=deal.amount or Decimal(0), rate_card=card,
            start=deal.start, end=deal.end, project_manager=deal.project_manager, tasks=tasks,
        )  # fmt: skip
        version = ContractVersion(version=1, effective_from=date(2026, 10, 5), amount=deal.amount or Decimal(0),
                                  currency=deal.currency, lines=deal.lines, payment_terms="Net 30", rate_card=card,
                                  caps=caps_of(deal.name, deal.amount or Decimal(0)))  # fmt: skip
        contract = Contract(key=deal.key, engagement=deal.key, customer=deal.customer.key,
                            legal_entity=deal.legal_entity, versions=(version,))  # fmt: skip
        for document in (contract, project):
            await documents.save(self.tx, document, entity=deal.legal_entity, engagement=deal.key, trail={}, now=at)
        await projects.save(self.tx, project)
        number = hash_of(deal.name) % 9000 + 1000
        await self.link("customer", deal.customer.key, erp, str(number), at)
        await self.effect(deal, erp, "customer.create", "C", f"{deal.customer.key} of {key}", str(number), at=at)
        await self.link("project", key, erp, str(number + 1), at)
        await self.effect(deal, erp, "project.create", "C", key, str(number + 1), at=at + timedelta(seconds=1))
        if done:
            await self._set_up_in_psa(deal, project, number, at)
            shown = [
                (deal.key, "" if each == "salesforce" else key, each, 1, at) for each in ("salesforce", "kantata", erp)
            ]
            await together.shown(self.tx, shown)
            await self.steps(run_id, ("read the deal", "check what it lacks", "customer in the ERP", "project in the ERP",
                                      "project in the PSA", "write back to the CRM"), at)  # fmt: skip
            await runs.end(self.tx, run_id, "done", "", at + timedelta(seconds=4))
            await messages.settle_run(self.tx, run_id, "done", "", at + timedelta(seconds=4))
        return project

    async def _set_up_in_psa(self, deal: Engagement, project: Project, number: int, at: datetime) -> None:
        for i, task in enumerate(project.tasks):
            await self.link("task", task.key, "kantata", f"{number}{i}", at)
        record = str(number + 40000)
        await self.link("project", project.key, "kantata", record, at)
        await self.effect(deal, "kantata", "project.create", "D", project.key, record, at=at + timedelta(seconds=2))
        await self.effect(
            deal, "salesforce", "opportunity.update", "B", deal.key, deal.source_id, at=at + timedelta(milliseconds=620)
        )

    async def link(self, kind: str, key: str, connection: str, record: str, at: datetime) -> None:
        if await crosswalk.record_id(self.tx, kind, key, connection) is None:
            await crosswalk.link(self.tx, kind, key, connection, record, at)

    async def work(self, project: Project, days: Sequence[date], *, state: str = "approved") -> None:
        """Two people book on a task each on every day."""
        psa = await crosswalk.record_id(self.tx, "project", project.key, "kantata")
        entries: list[dict[str, Any]] = []
        for day in days:
            for task, person, name, minutes in ((1, "K003", "Priya Raman", 450), (2, "K005", "Aisha Bello", 405)):
                planned, approved = project.tasks[task], state == "approved"
                entries.append({
                    "source_id": f"{hash_of(project.key) % 90000 + 10000}{day:%m%d}{task}",
                    "source_version": f"{day}T18:00:00Z#1", "project": psa, "person": person, "person_name": name + self.canary,
                    "task": await crosswalk.record_id(self.tx, "task", planned.key, "kantata"),
                    "work_date": day.isoformat(), "minutes": minutes, "billable_minutes": minutes, "rate": str(planned.rate),
                    "currency": project.currency, "state": state, "mapping": "kantata.time_entry@1",
                    "approved_by": "david.lindqvist@kestrel.example" if approved else "",
                    "approved_at": f"{day}T19:00:00Z" if approved else None,
                    "notes": f"{planned.name} for the first wave" + self.canary,
                })  # fmt: skip
        self.seeded.entries += [each["source_id"] for each in entries]
        await time.save_page(self.tx, "kantata", entries, self.now - timedelta(hours=2))
        rates = [
            {
                "card": card.name,
                "role": role,
                "version": each.version,
                "valid_from": str(each.valid_from),
                "rate": str(rate),
            }
            for card in KESTREL.rate_cards
            for each in card.versions
            for role, rate in each.rates.items()
        ]
        await time.resolve(self.tx, "kantata", [each["source_id"] for each in entries], rates)

    async def invoice(
        self, deal: Engagement, project: Project, through: date, number: str, state: str, paid: str = ""
    ) -> None:
        """Everything unbilled up to a day becomes an invoice, as the ERP then says it is."""
        entries = await time.unbilled(self.tx, deal.key, through)
        key, currency = f"INV-{project.key[4:]}-{through:%Y%m%d}", project.currency
        lines: list[InvoiceLine] = []
        evidence: list[dict[str, Any]] = []
        rounding: dict[str, Decimal] = {}
        same = ("connection", "source_id", "minutes", "person", "task", "work_date", "approved_by", "approved_at",
                "contract_version", "rate_card", "rate_card_version", "mapping")  # fmt: skip
        for task in project.tasks:
            mine = [each for each in entries if each["task"] == task.key]
            if not mine:
                continue
            priced = price([Work(each["source_id"], int(each["minutes"]), Money(task.rate, currency)) for each in mine])
            line, worth = task.key.split("/")[1], dict(priced.parts)
            rounding[line] = priced.rounding.amount
            lines.append(
                InvoiceLine(key=line, task=task.key, role=task.role, description=f"{task.name}, {through:%B %Y}",
                            quantity=priced.quantity, unit_price=task.rate, amount=priced.line.amount, department="410")
            )  # fmt: skip
            evidence += [
                {name: each[name] for name in same}
                | {
                    "line": line,
                    "entry_version": each["version"],
                    "rate": task.rate,
                    "amount": worth[each["source_id"]].amount,
                    "sold": "",
                    "kind": "time",
                    "basis": {},
                    "worth": worth[each["source_id"]].amount,
                    "agreed": task.rate,
                    "why": "",
                }
                for each in mine
            ]
        net = sum((each.amount for each in lines), Decimal(0))
        proposal = Invoice(key=key, engagement=deal.key, project=project.key, customer=deal.customer.key,
                           legal_entity=project.legal_entity, currency=currency, through=through, invoice_date=through,
                           lines=tuple(lines), net=net)  # fmt: skip
        at, erp = self.now - timedelta(days=5), f"erp-{project.legal_entity.lower()}"
        await documents.save(self.tx, proposal, entity=project.legal_entity, engagement=deal.key, trail={}, now=at)
        await invoices.propose(self.tx, proposal, rounding, evidence, at)
        await invoices.drafted(self.tx, key, erp, str(hash_of(key) % 900 + 100), at)
        if state != "draft":
            await self.read_back(proposal, number, state, paid, erp)
        self.seeded.invoices.append(key)

    async def read_back(self, proposal: Invoice, number: str, state: str, paid: str, erp: str) -> None:
        """The ERP posted it, computed its tax, and received what was paid."""
        key, through = proposal.key, proposal.through
        stored = await invoices.get(self.tx, key)
        assert stored is not None
        tax = (proposal.net * Decimal("0.08")).quantize(Decimal("0.01"))
        total = proposal.net + tax
        received = total if paid == "all" else Decimal(paid or 0)
        payments = [{"id": f"{key}-1", "paid_on": through + timedelta(days=9), "amount": received}] if received else []
        told = {"state": state, "number": number, "invoice_date": through, "due_date": through + timedelta(days=14),
                "tax": tax, "total": total, "open_amount": total - received, "payments": payments}  # fmt: skip
        await invoices.decided(self.tx, key, told, self.now - timedelta(days=1))
        record = {
            "reference": key,
            "lines": [{"description": each.description, "amount": str(each.amount)} for each in proposal.lines],
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
        await _talk(day)
        await seed_plans(day)
        for name in ("Globex Data Platform", "Bergmann Close Accelerator"):
            await seed_usage(day, name)
        await seed_lent(day, "Globex Data Platform", "Iberia Data")
        await seed_lent(day, "Bergmann Close Accelerator", "Nordlicht Beratung")
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
            name, customer, entity, amount, practice="People & Change", won=since + timedelta(minutes=1), agreed=False
        )
        await day.held(deal, missing_value("People & Change" + day.canary, entity), since=since)
    foundation = await day.deal(
        "Bergmann Data Foundation", "Bergmann Maschinenbau AG", "DE", "112000.00", won=timedelta(days=4), agreed=False
    )
    facts = {"deal": foundation.name, "amount": "112,000.00 EUR", "link": "https://kestrel.my.salesforce.example/006X"}
    await day.held(
        foundation,
        Problem("deal.field_missing", {**facts, "label": "The expected end date", "field": "Project_End__c"}),
        Problem("deal.field_missing", {**facts, "label": "The project manager", "field": "Project_Manager__c"}),
        Problem("billing.po_missing", facts),
        since=timedelta(days=4),
    )
    twin = await day.deal(
        "Umbra Health Pipelines", "Umbra Health Systems", "US", "73900.00", won=timedelta(hours=3), agreed=False
    )
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
        await day.deal(name, customer, "US", amount, won=timedelta(hours=9), agreed=name != "Globex Phase Two")
        run = await runs.get(day.tx, day.seeded.runs[name])
        assert run is not None
        terms = [
            f"Amount {Money(Decimal(amount), 'USD')} is above 200,000.00 USD",
            "Payment terms Net 60 are longer than 30 days",
        ]
        made = await holds.request_approval(
            day.tx, run, title="Finance accepts the terms", terms=terms, terms_hash=name,
            amount=Money(Decimal(amount), "USD"), requested_by=asked, now=day.now - timedelta(hours=9),
        )  # fmt: skip
        await runs.end(day.tx, run["id"], "waiting", f"approval A-{made['id']}", day.now - timedelta(hours=9))
        day.seeded.approvals.append(made["id"])


async def _unknown(day: Day) -> None:
    """An answer was lost: nobody knows whether the PSA made the project."""
    deal = await day.deal("Initech Landing Zone", "Initech LLC", "US", "44100.00", won=timedelta(minutes=12))
    await day.set_up(deal, at=day.now - timedelta(minutes=11), done=False)
    at = day.now - timedelta(minutes=10)
    await day.effect(
        deal, "kantata", "project.announce", "E", deal.key.replace("ENG", "PRJ"), "", at=at, state="unknown"
    )
    facts = {"system": "kantata", "action": "create the project", "subject": deal.key.replace("ENG", "PRJ"), "link": ""}
    await day.held(deal, Problem("target.unknown", facts), since=timedelta(minutes=10))
    await firm.set_connection_state(day.tx, "erp-de", "paused", "certificate is being renewed, back at noon")


async def _talk(day: Day) -> None:
    """People talk about a hold, one is asked; somebody set a field in the hub."""
    hold = day.seeded.holds["Umbra Health Pipelines/customer.possible_duplicate"]
    anna, klaus, at = "anna.fischer@kestrel.example", "klaus.brandt@kestrel.example", day.now - timedelta(hours=2)
    await talk.say(
        day.tx, hold, "comment", anna, "Same address, other tax id: @klaus.brandt sold both." + day.canary, at
    )
    asked = await talk.ask(day.tx, hold, "Are these one company?" + day.canary, of=klaus, by=anna, now=at)
    await talk.say(day.tx, hold, "question", anna, f"asked {klaus}: Are these one company?", at)
    day.seeded.questions.append(asked)
    wanted = {
        "kind": "engagement", "key": day.seeded.engagements["Globex Data Platform"], "field": "project_manager",
        "value": "david.lindqvist@kestrel.example" + day.canary, "author": anna, "reason": "the CRM has his old address" + day.canary,
    }  # fmt: skip
    day.seeded.overrides.append(await overrides.add(day.tx, wanted, waiting=False, now=at))


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
    at = day.now - timedelta(hours=1)
    await holds.snooze(
        day.tx, sleeping, at + timedelta(days=3), on_change=False, actor="carlos.mendes@kestrel.example", now=at
    )
    await holds.assign(day.tx, day.seeded.holds["Umbra Labs Change Sprint/value.missing"], "carlos.mendes@kestrel.example",
                       "anna.fischer@kestrel.example", day.now - timedelta(hours=1))  # fmt: skip
