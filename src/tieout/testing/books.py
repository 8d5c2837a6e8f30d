"""Believable books written through the store: deals, projects, time, invoices and payments, without running a flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.person import Person
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.upcast import load
from tieout.domain.identity import Ref, business_key
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import Proposal, propose
from tieout.domain.spelling import case_suffix
from tieout.store import (
    crosswalk,
    cursors,
    documents,
    firm,
    holds,
    invoices,
    messages,
    projects,
    runs,
    time,
    together,
)
from tieout.store.database import Database, Tx

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ENTITIES = (("US", "Kestrel Advisory Inc.", "USD"), ("DE", "Kestrel Advisory GmbH", "EUR"))
CONNECTIONS = (
    ("salesforce", "salesforce", "crm", None),
    ("kantata", "kantata", "psa", None),
    ("erp-us", "tryton", "erp", "US"),
    ("erp-de", "tryton", "erp", "DE"),
)
_READS = {"crm": "opportunity", "psa": "time_entry", "erp": "invoice"}
_CURRENCY = {code: currency for code, _, currency in ENTITIES}
_TAX = {"US": Decimal("0.08"), "DE": Decimal("0.19")}
_RATES = {"Principal": "340.00", "Consultant": "175.25"}
_CARD_VERSION = {"version": 1, "valid_from": "2026-01-01", "rates": _RATES}
_CARDS = [
    {"key": f"{code}-2026", "name": "2026", "entity": code, "currency": currency, "versions": [_CARD_VERSION]}
    for code, _, currency in ENTITIES
]


@dataclass(frozen=True, slots=True)
class Deal:
    """The keys and record ids of one engagement in the books."""

    engagement: str
    project: str
    customer: str
    entity: str
    opportunity: str
    workspace: str

    def task(self, number: int) -> str:
        return f"{self.project}/{number:02}"

    @property
    def erp(self) -> str:
        return f"erp-{self.entity.lower()}"


class Books:
    """Writes books; every verb is one transaction and moves the clock on by a minute."""

    def __init__(self, database: Database, now: datetime = NOON) -> None:
        self.database = database
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def _tick(self) -> datetime:
        self.moment += timedelta(minutes=1)
        return self.moment

    async def open(self) -> None:
        """Two legal entities and four connections."""
        async with self.database.transaction() as tx:
            await firm.apply(
                tx,
                content={"name": "Kestrel", "rate_cards": _CARDS},
                entities=ENTITIES,
                connections=CONNECTIONS,
                actor="setup",
                now=self._tick(),
            )
            for connection, _, role, _ in CONNECTIONS:
                await cursors.advance(tx, connection, _READS[role], "2026-11-01T00:00:00Z", self.moment)
            for number, name in (("K003", "Priya Raman"), ("K103", "Jürgen Weiß")):
                person = Person(
                    key=number, name=name, email=f"{number}@kestrel.example", legal_entity="US", role="Consultant"
                )
                await documents.save(tx, person, entity=None, engagement=None, trail={}, now=self.moment)

    async def deal(self, number: int, *, entity: str = "US", amount: str = "50000.00", name: str = "") -> Deal:
        """A won deal with its contract, its project of two tasks, and its records in every system."""
        short = f"006Hs00000aBc{number:02}"
        opportunity = short + case_suffix(short)
        ref = Ref("salesforce", "opportunity", opportunity)
        payer = business_key("CUS", Ref("salesforce", "account", f"001{number}"))
        deal = Deal(business_key("ENG", ref), business_key("PRJ", ref), payer, entity, opportunity, f"9{number:04}")
        name = name or f"Data Foundation {number}"
        now = self._tick()
        async with self.database.transaction() as tx:
            for document in self._documents(deal, name, Decimal(amount)):
                owner = None if document.kind == "customer" else deal.engagement
                trail = {"name": {"source": "Name", "mapping": "salesforce.opportunity@1"}}
                await documents.save(tx, document, entity=entity, engagement=owner, trail=trail, now=now)
                if isinstance(document, Project):
                    await projects.save(tx, document)
            for kind, key, connection, record in (
                ("engagement", deal.engagement, "salesforce", opportunity),
                ("customer", payer, "salesforce", f"001Hs00000aCc{number:02}AAA"),
                ("customer", payer, deal.erp, str(100 + number)),
                ("project", deal.project, deal.erp, str(500 + number)),
                ("project", deal.project, "kantata", deal.workspace),
                ("task", deal.task(1), "kantata", f"{deal.workspace}1"),
                ("task", deal.task(2), "kantata", f"{deal.workspace}2"),
            ):
                await crosswalk.link(tx, kind, key, connection, record, now)
            await _shown(tx, deal, ("salesforce", "kantata", deal.erp), 1, now)
        return deal

    def _documents(self, deal: Deal, name: str, amount: Decimal) -> tuple[Customer, Engagement, Contract, Project]:
        currency = _CURRENCY[deal.entity]
        customer = Customer(key=deal.customer, name=f"Customer of {name}", source_id="001")
        engagement = Engagement(
            key=deal.engagement, name=name, stage="won", customer=customer, legal_entity=deal.entity, currency=currency,
            amount=amount, owner="margaret.osei@kestrel.example", source_id=deal.opportunity,
        )  # fmt: skip
        version = ContractVersion(
            version=1, effective_from=date(2026, 10, 1), amount=amount, currency=currency, lines=(), rate_card="2026"
        )
        contract = Contract(
            key=deal.engagement,
            engagement=deal.engagement,
            customer=deal.customer,
            legal_entity=deal.entity,
            versions=(version,),
        )
        tasks = tuple(
            ProjectTask(key=deal.task(n), name=task, role=role, hours=Decimal(40), rate=Decimal(_RATES[role]))
            for n, (task, role) in enumerate((("Discovery", "Principal"), ("Reporting", "Consultant")), 1)
        )
        project = Project(
            key=deal.project, engagement=deal.engagement, name=name, customer=deal.customer, legal_entity=deal.entity,
            currency=currency, department="410", contract_version=1, budget=amount, rate_card="2026", tasks=tasks,
        )  # fmt: skip
        return customer, engagement, contract, project

    async def changed(self, deal: Deal, *, more: str = "2450.00", shown: Sequence[str] = ()) -> None:
        """A change order made version 2 of its contract; only the `shown` connections show it yet."""
        async with self.database.transaction() as tx:
            stored = {
                kind: await documents.latest(tx, kind, key)
                for kind, key in (("contract", deal.engagement), ("project", deal.project))
            }
            contract, project = (load(kind, 1, found["body"]) for kind, found in stored.items() if found)
            assert isinstance(contract, Contract)
            assert isinstance(project, Project)
            now, first = self._tick(), contract.current
            told = {
                "version": 2,
                "effective_from": date(2026, 10, 15),
                "amount": first.amount + Decimal(more),
                "order": "CHG-00000001",
            }
            contract = contract.model_copy(update={"versions": (first, first.model_copy(update=told))})
            project = project.model_copy(update={"contract_version": 2})
            for document in (contract, project):
                await documents.save(tx, document, entity=deal.entity, engagement=deal.engagement, trail={}, now=now)
            await projects.save(tx, project)
            await _shown(tx, deal, shown, 2, now)

    async def time(self, deal: Deal, entries: Sequence[tuple[str, int, int]], **fields: Any) -> None:
        """Entries as (source id, task number, minutes), approved unless `fields` say otherwise, priced from the rate card."""
        now = self._tick()
        page = [
            {
                "source_id": source_id, "source_version": f"{now.isoformat()}#{source_id}", "project": deal.workspace,
                "task": f"{deal.workspace}{task}", "person": "K003", "person_name": "Priya Raman",
                "work_date": "2026-10-05", "minutes": minutes, "billable_minutes": minutes,
                "rate": _RATES["Principal" if task == 1 else "Consultant"], "currency": _CURRENCY[deal.entity],
                "state": "approved", "approved_by": "david.lindqvist@kestrel.example", "approved_at": now.isoformat(),
                "notes": "workshop", "mapping": "kantata.time_entry@1", **fields,
            }
            for source_id, task, minutes in entries
        ]  # fmt: skip
        rates = [
            {"card": "2026", "role": role, "version": 1, "valid_from": "2026-01-01", "rate": rate}
            for role, rate in _RATES.items()
        ]
        async with self.database.transaction() as tx:
            await time.save_page(tx, "kantata", page, now)
            await time.resolve(tx, "kantata", [source_id for source_id, _, _ in entries], rates)

    async def proposal(self, deal: Deal, period: str = "2026-10") -> Proposal:
        """Everything unbilled of a month on a proposal, with its evidence."""
        now = self._tick()
        async with self.database.transaction() as tx:
            engagement = await documents.latest(tx, "engagement", deal.engagement)
            project = await documents.latest(tx, "project", deal.project)
            assert engagement is not None
            assert project is not None
            entries = await time.unbilled(tx, deal.engagement, date(2026, 12, 31))
            proposed, problems = propose(
                Engagement.model_validate(engagement["body"]), Project.model_validate(project["body"]), entries,
                period=period, today=date(2026, 11, 2),
            )  # fmt: skip
            assert proposed is not None, problems
            await documents.save(
                tx, proposed.invoice, entity=deal.entity, engagement=deal.engagement, trail={}, now=now
            )
            await invoices.propose(tx, proposed.invoice, proposed.rounding, proposed.evidence, now)
        return proposed

    async def posted(self, deal: Deal, proposal: Proposal, number: str, *, paid: str = "0.00") -> dict[str, Any]:
        """Finance posted the invoice in the ERP and the ERP's record came back; returns that record."""
        now, invoice = self._tick(), proposal.invoice
        tax = Money(invoice.net * _TAX[deal.entity], invoice.currency).rounded().amount
        total, came = invoice.net + tax, Decimal(paid)
        record = str(7000 + sum(map(ord, invoice.key)))
        told = {
            "reference": invoice.key, "number": number, "state": "paid" if came == total else "partly_paid" if came else "posted",
            "invoice_date": "2026-11-02", "due_date": "2026-12-02", "net": str(invoice.net), "tax": str(tax),
            "total": str(total), "open_amount": str(total - came), "currency": invoice.currency,
            "payments": [{"id": "P1", "paid_on": "2026-11-20", "amount": paid}] if came else [],
            "lines": [
                {name: str(getattr(each, name)) for name in ("description", "quantity", "unit_price", "amount")}
                for each in invoice.lines
            ],
        }  # fmt: skip
        arrival = messages.Arrival(
            deal.erp,
            "invoice",
            record,
            f"{now.isoformat()}#1",
            invoice.currency,
            Money(total, invoice.currency).minor,
            told,
        )
        async with self.database.transaction() as tx:
            await invoices.drafted(tx, invoice.key, deal.erp, record, now)
            await invoices.decided(tx, invoice.key, told, now)
            stored = await messages.record(tx, [arrival], via="sweep", now=now)
            await messages.settle(tx, [each["id"] for each in stored], "done", "", now)
        return told

    async def held(
        self, record_id: str, problems: Sequence[Problem], *, amount: str = "100.00", entity: str = "US"
    ) -> str:
        """A deal that arrived and waits for a person; returns its run's id."""
        now, subject = self._tick(), f"salesforce/opportunity/{record_id}"
        run_id = f"opportunity_to_project:{subject}:1"
        value = Money(Decimal(amount), _CURRENCY[entity])
        arrival = messages.Arrival("salesforce", "opportunity", record_id, "1", value.currency, value.minor)
        async with self.database.transaction() as tx:
            await runs.queue(
                tx, run_id, flow="opportunity_to_project", subject=subject, version="1", lane=subject, now=now
            )
            stored = await messages.record(tx, [arrival], via="sweep", now=now)
            await messages.assign(tx, [each["id"] for each in stored], run_id)
            (run,) = await runs.start(tx, [(run_id, 1)], "worker", now)
            await together.tell(tx, [(run_id, entity, None)])
            await _wait(tx, {**run, "entity": entity}, problems, value, now)
        return run_id

    async def approval(self, deal: Deal, terms: Sequence[str], *, requested_by: str) -> int:
        """Terms that wait for somebody else's word; returns the approval's number."""
        now = self._tick()
        run = {
            "flow": "opportunity_to_project", "subject": f"salesforce/opportunity/{deal.opportunity}", "entity": deal.entity,
            "engagement": deal.engagement,
        }  # fmt: skip
        async with self.database.transaction() as tx:
            asked = await holds.request_approval(
                tx, run, title="Finance accepts the terms", terms=terms, terms_hash="-".join(terms), amount=None,
                requested_by=requested_by, now=now,
            )  # fmt: skip
        return asked["id"]


async def _wait(tx: Tx, run: dict[str, Any], problems: Sequence[Problem], value: Money, now: datetime) -> None:
    await runs.end(tx, run["id"], "held", "waits for a person", now)
    await messages.settle_run(tx, run["id"], "held", "waits for a person", now)
    await holds.open_holds(tx, run, problems, title="A deal", amount=value, now=now)


async def _shown(tx: Tx, deal: Deal, connections: Iterable[str], version: int, now: datetime) -> None:
    """The CRM shows a version of the engagement, the others of its project."""
    of = {each: "" if each == "salesforce" else deal.project for each in connections}
    await together.shown(tx, [(deal.engagement, project, each, version, now) for each, project in of.items()])
