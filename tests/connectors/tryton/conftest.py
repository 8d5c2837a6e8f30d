"""One real ERP for the session, built once and cached, with the hub's connectors and the finance clerks of both companies."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import AlreadyThere, Opening, Receipt, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.connector import SPEC, Tryton
from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.project import Project, ProjectTask
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import Template, build
from tieout.sandbox.tryton.tenancy import Login

CACHE = Path(__file__).parents[3] / ".cache" / "tryton"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def template() -> Template:
    return build(CACHE)


@pytest.fixture(scope="session")
def erp(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonServer]:
    with TrytonServer(template, tmp_path_factory.mktemp("erp")) as server:
        yield server


@pytest.fixture
def number() -> int:
    """Different in every test, so that tests share the ERP and not its records."""
    return next(_numbers)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the session: whoever has logged in stays logged in, for a password costs a fifth of a second."""
    return "asyncio"


def connector(erp: TrytonServer, entity: str, transport: httpx2.AsyncBaseTransport | None = None, **settings: Any) -> Tryton:  # fmt: skip
    login = erp.tenancy.hub(entity)
    given = {
        "url": erp.url, "database": erp.database, "user": login.user, "password": login.password,
        "company": erp.tenancy.companies[entity], "entity": entity, **settings,
    }  # fmt: skip
    opening = Opening(f"erp-{entity.lower()}", TrytonConfig.model_validate(given), transport=transport)
    opened = SPEC.open(opening)
    assert isinstance(opened, Tryton)
    return opened


@pytest.fixture
async def connect(erp: TrytonServer) -> AsyncIterator[Callable[..., Tryton]]:
    """`connect("US", user=…)`: another connector for an entity; settings replace the hub's own."""
    opened: list[Tryton] = []

    def connect(entity: str, **options: Any) -> Tryton:
        opened.append(connector(erp, entity, **options))
        return opened[-1]

    yield connect
    for each in opened:
        await each.close()


@pytest.fixture(scope="session")
async def us(erp: TrytonServer) -> AsyncIterator[Tryton]:
    hub = connector(erp, "US")
    yield hub
    await hub.close()


@pytest.fixture(scope="session")
async def de(erp: TrytonServer) -> AsyncIterator[Tryton]:
    hub = connector(erp, "DE")
    yield hub
    await hub.close()


@pytest.fixture(scope="session")
async def log_in(erp: TrytonServer) -> AsyncIterator[Callable[[Login], TrytonClient]]:
    """A client for any user of the ERP."""
    opened: dict[str, TrytonClient] = {}

    def log_in(login: Login) -> TrytonClient:
        if login.user not in opened:
            opened[login.user] = TrytonClient.at(
                erp.url, database=erp.database, user=login.user, password=login.password
            )
        return opened[login.user]

    yield log_in
    for each in opened.values():
        await each.close()


@pytest.fixture
def clerk(erp: TrytonServer, log_in: Callable[[Login], TrytonClient]) -> FinanceClerk:
    return FinanceClerk(log_in(erp.tenancy.clerk("US")))


@pytest.fixture
def german_clerk(erp: TrytonServer, log_in: Callable[[Login], TrytonClient]) -> FinanceClerk:
    return FinanceClerk(log_in(erp.tenancy.clerk("DE")))


class Papers:
    """Documents as the flows would hand them over, with keys of this test's own."""

    def __init__(self, number: int) -> None:
        self.number = number

    def customer(self, **fields: Any) -> Customer:
        given: dict[str, Any] = {
            "key": f"CUS-{self.number:08}", "name": f"Globex {self.number}", "payment_terms": "Net 30",
            "address": Address(street="500 Market Street", city="San Francisco", postal_code="94105", country="US"),
            "tax_id": TaxId(type="us_ein", code="91-1144442"), "email": "ap@globex.example", "source_id": "001",
        }  # fmt: skip
        return Customer.model_validate(given | fields)

    def project(self, *roles: str, **fields: Any) -> Project:
        key = f"PRJ-{self.number:08}"
        tasks = [
            ProjectTask(key=f"{key}/{n:02}", name=f"Task {n}", role=role, hours=Decimal(40), rate=Decimal("340.00"))
            for n, role in enumerate(roles or ("Principal", "Consultant"), 1)
        ]
        given: dict[str, Any] = {
            "key": key, "engagement": f"ENG-{self.number:08}", "name": f"Data Foundation {self.number}",
            "customer": f"CUS-{self.number:08}", "legal_entity": "US", "currency": "USD", "department": "410",
            "contract_version": 1, "budget": "27200.00", "rate_card": "US 2026", "tasks": tasks,
        }  # fmt: skip
        return Project.model_validate(given | fields)

    def line(self, quantity: str = "10.25", unit_price: str = "340.00", **fields: Any) -> InvoiceLine:
        amount = (Decimal(quantity) * Decimal(unit_price)).quantize(Decimal("0.01"))
        given: dict[str, Any] = {
            "key": "1", "task": f"PRJ-{self.number:08}/01", "role": "Principal", "description": "Discovery, October",
            "quantity": quantity, "unit_price": unit_price, "amount": amount, "department": "410",
        }  # fmt: skip
        return InvoiceLine.model_validate(given | fields)

    def invoice(self, *lines: InvoiceLine, **fields: Any) -> Invoice:
        lines = lines or (self.line(),)
        given: dict[str, Any] = {
            "key": f"ENG-{self.number:08}-2026-10", "engagement": f"ENG-{self.number:08}",
            "project": f"PRJ-{self.number:08}", "customer": f"CUS-{self.number:08}", "legal_entity": "US",
            "currency": "USD", "through": date(2026, 10, 31), "payment_terms": "Net 30", "lines": lines,
            "net": sum(each.amount for each in lines),
        }  # fmt: skip
        return Invoice.model_validate(given | fields)


@pytest.fixture
def papers(number: int) -> Papers:
    return Papers(number)


async def do(connector: Tryton, write: Write) -> Receipt:
    """What the engine does on a good day, and on the day on which it is there already."""
    request = await connector.prepare(write)
    try:
        return await connector.send(write.operation, request)
    except AlreadyThere:
        found = await connector.find(write)
        assert found is not None
        return found


@pytest.fixture
def perform() -> Callable[..., Any]:
    return do


@pytest.fixture
async def customer(us: Tryton, papers: Papers) -> str:
    """A customer of this test's own, by record id."""
    document = papers.customer()
    return (await do(us, Write("customer.create", document.key, "1", document.body()))).id


@pytest.fixture
async def works(us: Tryton, papers: Papers, customer: str) -> list[str]:
    """The works that time is booked on, of a project with two tasks."""
    project = papers.project()
    write = Write("project.create", project.key, "1", project.body(), {"customer": customer})
    return list((await do(us, write)).parts.values())


@pytest.fixture
def propose(us: Tryton, papers: Papers, customer: str) -> Callable[..., Any]:
    """`await propose(lines…)`: a draft invoice of this test's own; returns the receipt and the document."""
    count = itertools.count(1)

    async def propose(*lines: InvoiceLine, **fields: Any) -> tuple[Receipt, Invoice]:
        key = f"ENG-{papers.number:08}-{next(count)}"
        invoice = papers.invoice(*lines, **{"key": key, **fields})
        write = Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer})
        return await do(us, write), invoice

    return propose
