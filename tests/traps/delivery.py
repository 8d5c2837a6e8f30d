"""Delivery at work: people of a firm in a Kantata account, and a hub that reads it, worked by hand on real books."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from tests.connectors.kantata.garbling import Garbling

from tieout import sandbox
from tieout.connectors.contract import (
    Change,
    Claim,
    Connector,
    Guarantee,
    Health,
    Opening,
    Operation,
    Page,
    Receipt,
    Write,
)
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC
from tieout.connectors.kantata.emulator import KantataAccount, KantataExchangeRate, KantataField, KantataUser
from tieout.domain.documents.engagement import Contract, ContractVersion
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.terms import FixedTerms, Instalment, Sold
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import Rounds, Start
from tieout.flows.catalogue import FLOWS
from tieout.folder.loading import load
from tieout.sandbox.psa import FIELDS
from tieout.store import crosswalk, documents, runs
from tieout.store.database import Database, Tx, rows
from tieout.systems.systems import systems_for
from tieout.testing.books import Books, Deal
from tieout.testing.hand import settle
from tieout.testing.null_erp import NullErp

KESTREL = Path(sandbox.__file__).parent / "firm" / "kestrel"
SHARE = "Accepted Share"
LEAD, CONSULTANT, GERMAN = (
    "david.lindqvist@kestrel.example",
    "priya.raman@kestrel.example",
    "juergen.weiss@kestrel.example",
)
_HUB = "hub@kestrel.example"
_USERS = [
    KantataUser(_HUB, "Tieout Hub", permission="administrator", token="hub"),
    KantataUser(LEAD, "David Lindqvist", "K002", "Principal", "administrator"),
    KantataUser(CONSULTANT, "Priya Raman", "K003", "Consultant"),
    KantataUser(GERMAN, "Jürgen Weiß", "K103", "Consultant"),
]
_RATES = [
    KantataExchangeRate("GBP", "USD", Decimal("1.3450"), date(2026, 1, 1)),
    KantataExchangeRate("CHF", "USD", Decimal("1.2510"), date(2026, 1, 1)),
]
# The CRM does not say whether it is written twice: an update that is the same when repeated.
_UPDATE = Operation(
    "opportunity.update",
    Guarantee.UPSERT,
    "update the deal",
    creates="",
    money=Claim.UNTOUCHED,
    undo="write the earlier facts",
)

_SHOW = Operation(
    "invoice.upsert", Guarantee.UPSERT, "show the invoice", creates="invoice", money=Claim.UNTOUCHED, undo="delete it"
)
_PROPOSE = Operation(
    "invoice.propose",
    Guarantee.UNIQUE,
    "draft the invoice",
    creates="invoice",
    money=Claim.DRAFTED,
    undo="delete the draft",
)


class Ledger(NullErp):
    """An ERP that drafts what is proposed, without any tax, and in which finance posts."""

    def __init__(self, name: str, people: Sequence[str]) -> None:
        super().__init__(name, people)
        self.drafts: dict[str, dict[str, Any]] = {}
        self._posted: dict[str, Change] = {}

    def post(self, key: str, number: str, day: date) -> None:
        """Finance posts a draft: it has a number from now on."""
        draft, record = self.drafts[key], f"I{1 + list(self.drafts).index(key)}"
        told = {
            "reference": key, "number": number, "type": "invoice", "state": "posted", "invoice_date": str(day),
            "due_date": str(day + timedelta(days=30)), "net": draft["net"], "tax": "0", "total": draft["net"],
            "open_amount": draft["net"], "currency": draft["currency"], "payments": [], "lines": draft["lines"],
        }  # fmt: skip
        self._posted[record] = Change(Ref(self.name, "invoice", record), f"{day}T12:00:00Z#{number}", told)

    async def changes(self, kind: str, since: str | None) -> Page:
        return Page(list(self._posted.values()), "all", more=False)

    async def look(self, ref: Ref) -> Change | None:
        return self._posted.get(ref.id)

    def operation(self, name: str) -> Operation:
        return _PROPOSE if name == _PROPOSE.name else super().operation(name)

    async def send(self, operation: str, request: bytes) -> Receipt:
        if operation != _PROPOSE.name:
            return await super().send(operation, request)
        invoice = json.loads(request)
        self.drafts[invoice["key"]] = invoice
        told = {"net": invoice["net"], "tax": "0", "total": invoice["net"]}
        return Receipt(f"I{len(self.drafts)}", answer=told)


class Crm:
    """A CRM that keeps what it is told about deals."""

    name = "salesforce"

    def __init__(self) -> None:
        self.deals: dict[str, dict[str, Any]] = {}

    async def check(self) -> Health:
        return Health(ok=True, detail="")

    async def changes(self, kind: str, since: str | None) -> Page:
        return Page((), since or "", more=False)

    def link(self, ref: Ref) -> str:
        return f"https://crm.test/{ref.id}"

    def operation(self, name: str) -> Operation:
        return {each.name: each for each in (_UPDATE, _SHOW)}[name]

    async def prepare(self, write: Write) -> bytes:
        return json.dumps([write.ids.get("record", write.subject), dict(write.body)]).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        record, facts = json.loads(request)
        self.deals.setdefault(record, {}).update(facts)
        return Receipt(record)

    async def find(self, write: Write) -> Receipt | None:
        return None


@dataclass
class Delivery:
    """One hub, one account; every deed is a person's, and a minute passes with it."""

    books: Books
    stack: AsyncExitStack
    crm: Crm = field(default_factory=Crm)
    ledger: Ledger = field(default_factory=lambda: Ledger("erp-us", ["K002", "K003"]))
    firm: Firm = field(default_factory=lambda: _with_a_fixed_fee(load(KESTREL)))
    # What reaches the hub in place of what people wrote, by collection and id.
    garbled: Mapping[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {"expenses": {}, "stories": {}})
    account: KantataAccount = field(init=False)
    rounds: Rounds = field(init=False)
    executor: Executor = field(init=False)
    _http: httpx2.AsyncClient = field(init=False)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def database(self) -> Database:
        return self.books.database

    def clock(self) -> Any:
        return self.books.now()

    async def open(self) -> None:
        self.account = KantataAccount(
            self.books.now,
            users=_USERS,
            exchange_rates=_RATES,
            custom_fields=[KantataField(SHARE, "number", "Story"), *(KantataField(*each) for each in FIELDS.items())],
            seed=7,
        )
        self.stack.callback(self.account.close)
        transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(self.account.asgi())
        self._http = await self.stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://kantata.test")
        )
        for collection, garbled in self.garbled.items():
            transport = Garbling(transport, garbled, collection)
        config = KantataConfig(url="http://kantata.test", token=SecretStr("hub"), accepted_share=SHARE)
        kantata: Any = SPEC.open(Opening("kantata", config, {}, transport))
        self.stack.push_async_callback(kantata.close)
        crm: Any = self.crm
        connections: dict[str, Connector] = {
            "kantata": kantata, "salesforce": crm, "erp-us": self.ledger,
            "erp-de": NullErp("erp-de", ["K103"]),
        }  # fmt: skip
        feeds = [
            Feed(kantata, each.starts_on[1], each)
            for each in FLOWS
            if each.starts_on is not None and each.starts_on[0] == "psa"
        ]
        feeds += [Feed(self.ledger, "invoice", each) for each in FLOWS if each.starts_on == ("erp", "invoice")]
        intake = Intake(self.database, self.books.now, feeds)
        systems = systems_for(connections, self.books.now)
        today = lambda: self.books.now().date()  # noqa: E731 - a calendar
        self.executor = Executor(self.database, self.books.now, today, FLOWS, systems, lambda: self.firm, "worker")
        self.rounds = Rounds(
            self.database, self.books.now, today, intake, connections, _nothing_due, every=timedelta(seconds=15)
        )

    async def settle(self) -> None:
        self.account.events.deliver()
        await settle(self)

    async def propose(self, deal: Deal, period: str) -> None:
        """The cut-off of a month comes for a deal."""
        subject = f"{deal.engagement}/{period}"
        run = f"time_to_invoice:{subject}:1"
        async with self.database.transaction() as tx:
            await runs.queue(
                tx,
                run,
                flow="time_to_invoice",
                subject=subject,
                version="1",
                lane=deal.engagement,
                now=self.books.now(),
            )
        await self.settle()

    async def rows(self, sql: Any, *values: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as tx:
            return await rows(tx, sql, values)

    async def holds(self) -> dict[str, Mapping[str, str]]:
        """The facts of what waits for a person, by code."""
        return {
            each["code"]: each["facts"]
            for each in await self.rows("select * from hold where state = 'open' order by id")
        }

    # -- people at their desks

    async def ask(self, who: str, method: str, path: str, body: Any = None, **params: Any) -> Any:
        self.books.moment += timedelta(minutes=1)
        headers = {"Authorization": f"Bearer {self.account.token(who)}"}
        answer = await self._http.request(method, f"/api/v1/{path}", json=body, params=params, headers=headers)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else {}

    async def create(self, who: str, collection: str, singular: str, **values: Any) -> str:
        made = await self.ask(who, "POST", collection, {singular: values})
        return made["results"][0]["id"]

    async def project(self, deal: Deal, currency: str = "USD") -> str:
        """The deal's project in the account, which everybody takes part in; the hub knows it."""
        ids = [row["id"] for row in self.account.records.all("users")]
        made = await self.create(
            LEAD, "workspaces", "workspace", title=deal.project, price=1, currency=currency,
            participations=[{"user_id": each} for each in ids], approver_ids=[self._user(LEAD)],
        )  # fmt: skip
        async with self.database.transaction() as tx:
            await tx.execute("delete from crosswalk where connection = 'kantata' and key = %s", (deal.project,))
            await crosswalk.link(tx, "project", deal.project, "kantata", made, self.books.now())
        return made

    async def milestone(self, project: str, name: str) -> str:
        return await self.create(LEAD, "stories", "story", workspace_id=project, title=name, story_type="milestone")

    async def say(self, story: str, state: str) -> None:
        await self.ask(LEAD, "PUT", f"stories/{story}", {"story": {"state": state}})

    async def accept(self, story: str, percent: int) -> None:
        """The customer accepts so much of a milestone."""
        (field_,) = [row for row in self.account.records.all("custom_fields") if row["name"] == SHARE]
        known = [row for row in self.account.records.all("custom_field_values") if row["subject_id"] == story]
        if known:
            body = {"custom_field_value": {"value": percent}}
            await self.ask(LEAD, "PUT", f"custom_field_values/{known[0]['id']}", body)
        else:
            facts = {"subject_type": "Story", "subject_id": story, "custom_field_id": field_["id"], "value": percent}
            await self.create(LEAD, "custom_field_values", "custom_field_value", **facts)

    async def claim(self, project: str, *, who: str = CONSULTANT, receipt: str = "hotel.pdf", **facts: Any) -> str:
        """A claim of 100.00 for travel unless `facts` say otherwise; without a `receipt`, there is none."""
        values = {
            "workspace_id": project,
            "date": "2026-10-06",
            "category": "Travel",
            "amount_in_cents": 10_000,
            **facts,
        }
        if "foreign_exchange_amount" in values:
            del values["amount_in_cents"]
        if receipt:
            attached = {"type": "receipt", "direct": True, "filename": receipt}
            values["receipt_id"] = await self.create(who, "attachments", "attachment", **attached)
        return await self.create(who, "expenses", "expense", **values)

    async def approve(self, project: str, *expenses: str, who: str = CONSULTANT) -> str:
        report = await self.create(
            who, "expense_report_submissions", "expense_report_submission", workspace_id=project, title="Trip",
            line_item_ids=list(expenses),
        )  # fmt: skip
        await self.ask(
            LEAD, "PUT", f"expense_report_submissions/{report}/approve", {"resolution": {"description": "fine"}}
        )
        return report

    def _user(self, email: str) -> str:
        (found,) = [row["id"] for row in self.account.records.all("users") if row["email_address"] == email]
        return found

    # -- contracts

    async def fixed_fee(self, deal: Deal, milestones: Sequence[str], amount: str = "50000") -> None:
        """The contract bills an equal part of the fee with each milestone."""
        part = Decimal(amount) / len(milestones)
        fee = FixedTerms(
            instalments=tuple(
                Instalment(key=f"{n:02}", name=name, amount=part, milestone=name)
                for n, name in enumerate(milestones, 1)
            )
        )
        version = ContractVersion(
            version=2, effective_from=date(2026, 10, 1), amount=Decimal(amount), currency="USD", lines=(), rate_card="2026",
            sold=(Sold(id="S1", package="FIXED", amount=Decimal(amount), terms=fee),),
        )  # fmt: skip
        contract = Contract(
            key=deal.engagement, engagement=deal.engagement, customer=deal.customer, legal_entity=deal.entity,
            versions=(version,),
        )  # fmt: skip
        async with self.database.transaction() as tx:
            await documents.save(
                tx, contract, entity=deal.entity, engagement=deal.engagement, trail={}, now=self.books.now()
            )


def _with_a_fixed_fee(firm: Firm) -> Firm:
    package = ServicePackage(key="FIXED", name="Fixed fee", practice="Data & AI", product="Fixed fee", tasks=())
    return firm.model_copy(update={"packages": (*firm.packages, package)})


async def _nothing_due(tx: Tx, today: date) -> Sequence[Start]:
    return ()
