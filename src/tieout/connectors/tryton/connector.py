"""Tryton as the hub sees it: the ledger of one legal entity, where customers, projects, time and draft invoices arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import cast

from tieout.connectors.contract import Change, ConnectorSpec, Health, Opening, Operation, Page, Reading, Receipt, Write
from tieout.connectors.transports import paced
from tieout.connectors.transports.answers import readable
from tieout.connectors.tryton import customers, invoices, ledger, periods, projects, timesheets
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.handling import Handler, subject_of
from tieout.connectors.tryton.telling import Attempt, following, reading
from tieout.domain.documents.customer import Customer
from tieout.domain.identity import Ref
from tieout.domain.matching import Known
from tieout.domain.money import Money

HANDLERS: Mapping[str, Handler] = {
    each.operation.name: each
    for each in (*customers.HANDLERS, *projects.HANDLERS, *timesheets.HANDLERS, *invoices.HANDLERS)
}
# Kinds of record in our words → Tryton's models.
MODELS = {
    "customer": customers.PARTY,
    "project": projects.WORK,
    "time": timesheets.LINE,
    "invoice": invoices.INVOICE,
    "invoice_line": invoices.LINE,
}


class Tryton:
    """One company of one database. Kind: `invoice`, every customer invoice and credit note of the company."""

    def __init__(self, name: str, config: TrytonConfig, client: TrytonClient) -> None:
        self.name = name
        self._config = config
        self._client = client
        self._books = Books(name, config, client)

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> Health:
        """Who we are, where, and that it is the one company of the configuration. Raises Misconfigured or Transient."""
        with reading(self._attempt("log in", self._config.user)):
            company = await self._books.company(again=True)
            months = await periods.periods(self._books)
        return Health(
            ok=True,
            detail=f"{company.name}, books in {company.currency_code}",
            user=self._config.user,
            version=company.version,
            server_time=self._client.server_time,
            periods=months,
        )

    async def describe(self) -> Mapping[str, Sequence[str]]:
        with reading(self._attempt("describe", self._config.database)):
            return {
                kind: sorted(await self._client.call(f"model.{model}.fields_get", [], 0))
                for kind, model in MODELS.items()
            }

    def link(self, ref: Ref) -> str:
        model = MODELS.get(ref.kind)
        if not (self._config.web_url and model):
            return ""
        return f"{self._config.web_url.rstrip('/')}/#{self._config.database}/model/{model}/{ref.id}"

    # -- source

    async def changes(self, kind: str, since: str | None) -> Page:
        _only_invoices(kind)
        with following(self._attempt("read", "invoices")), readable(self.name):
            await self._books.company()
            return await ledger.changes(self._books, since)

    async def look(self, ref: Ref) -> Change | None:
        _only_invoices(ref.kind)
        with following(self._attempt("read", str(ref))), readable(self.name):
            await self._books.company()
            return await ledger.look(self._books, ref)

    async def read(self, ref: Ref) -> Reading | None:
        """Raises LookupError: an ERP knows an invoice, but not its engagement; `look` tells all that it knows."""
        raise LookupError(f"{self.name} tells of {ref.kind} by changes, not as a document")

    async def candidates(self, customer: Customer, names: Sequence[str]) -> Sequence[Known]:
        with reading(self._attempt("look for", customer.name)):
            return await customers.candidates(self._books, customer, names)

    async def people(self) -> Sequence[str]:
        with reading(self._attempt("read", "employees")):
            return await self._books.people()

    # -- sink

    def operation(self, name: str) -> Operation:
        return replace(HANDLERS[name].operation, settle=self._config.settles_in)

    async def prepare(self, write: Write) -> bytes:
        handler = HANDLERS[write.operation]
        attempt = self._attempt(handler.operation.does, write.subject, waits=_waits(write))
        with reading(attempt):
            await self._books.company()
            return await handler.prepare(self._books, write, attempt)

    async def send(self, operation: str, request: bytes) -> Receipt:
        handler = HANDLERS[operation]
        return await handler.send(self._books, request, self._attempt(handler.operation.does, subject_of(request)))

    async def find(self, write: Write) -> Receipt | None:
        handler = HANDLERS[write.operation]
        with reading(self._attempt("look for", write.subject)), readable(self.name):
            return await handler.find(self._books, write)

    def _attempt(self, action: str, subject: str, waits: str = "") -> Attempt:
        return Attempt(self.name, action, subject, waits)


def open_connection(opening: Opening) -> Tryton:
    config = cast("TrytonConfig", opening.config)
    http = paced.client(opening, config.url, config.timeout, trust_env=False)
    client = TrytonClient(http, database=config.database, user=config.user, password=config.password.get_secret_value())
    return Tryton(opening.name, config, client)


SPEC = ConnectorSpec(
    kind="tryton",
    title="Tryton",
    roles=("erp",),
    config=TrytonConfig,
    open=open_connection,
    reads=("invoice",),
    writes={name: handler.operation for name, handler in HANDLERS.items()},
    waivers={
        "it_makes_what_it_says:project.create": "A project comes with its tasks.",
        "a_document_has_the_version_of_its_record": "An ERP knows an invoice, but not its engagement: it has no documents.",
        "a_deletion_is_seen": "A deleted draft leaves nothing behind to sweep; a look at it tells that it is gone.",
    },
)


def _only_invoices(kind: str) -> None:
    if kind != "invoice":
        raise LookupError(f"tryton has no kind {kind!r}")


def _waits(write: Write) -> str:
    """What comes after a write, for a person who reads that it was refused."""
    body = write.body
    match write.operation:
        case "time.deliver":
            return timesheets.hours(body["entries"])
        case "project.create":
            return f"{Money(Decimal(body['budget']), body['currency'])} of sold work"
        case "invoice.propose":
            return f"{Money(Decimal(body['net']), body['currency'])} to be billed"
        case _:
            return ""
