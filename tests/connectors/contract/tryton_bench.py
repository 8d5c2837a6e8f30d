"""The real ERP for the contract suite, seen by its administrator and its finance clerk, never by the hub."""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from tieout.connectors.contract import Receipt, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.connector import SPEC
from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.project import Project, ProjectTask
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer
from tieout.testing.contract import ConnectorBench, FaultyNetwork, Feed, Sample

_NOBODY = "99999999"
_WRITES = (".create", ".write", ".delete")
_FAULT_BODIES = {
    "429": ("text/html", b"<!doctype html><title>429 Too Many Requests</title>"),
    "503": ("text/html", b"<!doctype html><title>503 Service Unavailable</title>"),
    "error_in_200": (
        "application/json",
        b'{"id": 1, "error": ["UserError", ["The server is in maintenance.", "", null]]}',
    ),
}
_COUNTED = {
    "customer": ("party.party", []),
    "project": ("project.work", [["type", "=", "project"]]),
    "task": ("project.work", [["type", "=", "task"]]),
    "time": ("timesheet.line", []),
    "invoice": ("account.invoice", []),
    "entry in the books": ("account.move", []),
}
_numbers = itertools.count(1)


class Ledger:
    """The books of the American company, and who else works in them."""

    def __init__(self, erp: TrytonServer, folder: Path) -> None:
        self._erp = erp
        self._file = folder / f"{erp.database}.sqlite"
        self._admin = self._log_in(erp.tenancy.admin)
        self._finance = self._log_in(erp.tenancy.clerk("US"))
        self._clerk = FinanceClerk(self._finance)
        self._shared: dict[str, str] = {}
        self.bench: ConnectorBench

    def _log_in(self, login: Any) -> TrytonClient:
        return TrytonClient.at(self._erp.url, database=self._erp.database, user=login.user, password=login.password)

    async def close(self) -> None:
        await self._admin.close()
        await self._finance.close()

    async def written(self, write: Write) -> Receipt:
        return await self.bench.connection.send(write.operation, await self.bench.connection.prepare(write))

    async def rows(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        return await self._admin.search(model, domain, ["id", *fields])

    async def census(self) -> dict[str, int]:
        """As the administrator counts. Tasks are what a project is made of."""
        counted: dict[str, int] = {}
        for kind, (model, domain) in _COUNTED.items():
            counted[kind] = await self._admin.call(f"model.{model}.search_count", domain)
        return counted

    # -- documents

    def _customer(self, number: int, tax_id: str = "91-1144442", **more: Any) -> Customer:
        given: dict[str, Any] = {
            "key": f"CUS-{number:08}", "name": f"Globex {number}", "payment_terms": "Net 30", "email": "ap@globex.example",
            "address": Address(street="500 Market Street", city="San Francisco", postal_code="94105", country="US"),
            "tax_id": TaxId(type="us_ein", code=tax_id), "source_id": "001",
        }  # fmt: skip
        return Customer.model_validate(given | more)

    def _project(self, number: int) -> Project:
        key = f"PRJ-{number:08}"
        task = ProjectTask(
            key=f"{key}/01", name="Discovery", role="Principal", hours=Decimal(40), rate=Decimal("340.00")
        )
        return Project(
            key=key, engagement=f"ENG-{number:08}", name=f"Data Foundation {number}", customer="CUS", legal_entity="US",
            currency="USD", department="410", contract_version=1, budget=Decimal("13600.00"), rate_card="US 2026",
            tasks=(task,),
        )  # fmt: skip

    def _invoice(self, number: int) -> Invoice:
        line = InvoiceLine(
            key="1", task=f"PRJ-{number:08}/01", role="Principal", description="Discovery, October",
            quantity=Decimal("10.25"), unit_price=Decimal("340.00"), amount=Decimal("3485.00"), department="410",
        )  # fmt: skip
        return Invoice(
            key=f"ENG-{number:08}-2026-10", engagement=f"ENG-{number:08}", project=f"PRJ-{number:08}", customer="CUS",
            legal_entity="US", currency="USD", through=date(2026, 10, 31), payment_terms="Net 30", lines=(line,),
            net=line.amount,
        )  # fmt: skip

    def _creating_customer(self, number: int, **more: Any) -> Write:
        customer = self._customer(number, **more)
        return Write("customer.create", customer.key, "1", customer.body())

    def _creating_project(self, number: int, customer: str) -> Write:
        project = self._project(number)
        return Write("project.create", project.key, "1", project.body(), {"customer": customer})

    def _proposing(self, number: int, customer: str) -> Write:
        invoice = self._invoice(number)
        return Write("invoice.propose", invoice.key, "1", invoice.body(), {"customer": customer})

    async def party(self) -> str:
        """One customer for all that need any; the checks are about what is made for it."""
        if "party" not in self._shared:
            self._shared["party"] = (await self.written(self._creating_customer(next(_numbers)))).id
        return self._shared["party"]

    async def work(self) -> str:
        """The work of one task that time is booked on."""
        if "work" not in self._shared:
            made = await self.written(self._creating_project(next(_numbers), await self.party()))
            (self._shared["work"],) = made.parts.values()
        return self._shared["work"]

    # -- samples

    async def new_customer(self) -> Sample:
        number = next(_numbers)

        async def seen() -> Sequence[Any]:
            return await self.rows("party.party", [["name", "=", f"Globex {number}"]], "name", "addresses")

        refused = self._creating_customer(next(_numbers), tax_id="1")
        return Sample(self._creating_customer(number), seen, refused, "is not valid")

    async def changed_customer(self) -> Sample:
        number = next(_numbers)
        record = (await self.written(self._creating_customer(number))).id

        async def seen() -> Sequence[Any]:
            return await self.rows("party.party", [["name", "=", f"Globex Holding {number}"]], "name", "addresses")

        def write(record: str, **more: Any) -> Write:
            customer = self._customer(number, name=f"Globex Holding {number}", **more)
            return Write("customer.update", customer.key, "2", customer.body(), {"record": record})

        return Sample(write(record), seen, write(record, tax_id="1"), "is not valid", absent=write(_NOBODY))

    async def new_project(self) -> Sample:
        number = next(_numbers)

        async def seen() -> Sequence[Any]:
            named = [["name", "=", f"Data Foundation {number}"], ["type", "=", "project"]]
            return await self.rows("project.work", named, "name", "children")

        creation = self._creating_project(number, await self.party())
        nameless = replace(creation, subject=f"{creation.subject}x", body={**creation.body, "name": ""})
        return Sample(creation, seen, nameless, "A value is required for field")

    async def new_task(self) -> Sample:
        creation = self._creating_project(next(_numbers), await self.party())
        record = (await self.written(creation)).id
        task = ProjectTask(
            key=f"{creation.subject}/02", name=f"Town hall {creation.subject}", role="Principal", hours=Decimal(3),
            rate=Decimal("340.00"),
        )  # fmt: skip

        async def seen() -> Sequence[Any]:
            return await self.rows("project.work", [["name", "=", task.name]], "name")

        def write(**more: Any) -> Write:
            return Write("task.create", task.key, "1", {**task.model_dump(mode="json"), **more}, {"project": record})

        return Sample(write(), seen, replace(write(name=""), subject=f"{task.key}x"), "A value is required for field")

    async def closed_project(self) -> Sample:
        creation = self._creating_project(next(_numbers), await self.party())
        record = (await self.written(creation)).id

        async def seen() -> Sequence[Any]:
            found = await self.rows("project.work", [["id", "=", int(record)]], "status.name", "children.status.name")
            names = {found[0]["status."]["name"], *(each["status."]["name"] for each in found[0]["children."])}
            return found if names == {"Done"} else []

        def write(record: str) -> Write:
            return Write("project.update", creation.subject, "1", {"state": "closed"}, {"record": record})

        return Sample(write(record), seen, write(_NOBODY), f"no project {_NOBODY}", absent=write(_NOBODY))

    async def _entry(self, **more: Any) -> dict[str, Any]:
        return {
            "uuid": str(uuid.UUID(int=next(_numbers), version=4)), "person": "K003", "work_date": "2026-10-05", "minutes": 90,
            "work": await self.work(), "note": "workshop", **more,
        }  # fmt: skip

    async def time(self) -> Sample:
        entries = [await self._entry(), await self._entry()]
        uuids = [each["uuid"] for each in entries]

        async def seen() -> Sequence[Any]:
            return await self.rows("timesheet.line", [["uuid", "in", uuids]], "uuid", "duration")

        def write(*entries: dict[str, Any]) -> Write:
            return Write("time.deliver", f"batch {entries[0]['uuid']}", "1", {"entries": list(entries)})

        return Sample(write(*entries), seen, write(await self._entry(work=_NOBODY)), f"no work {_NOBODY}", whole=2)

    async def corrected_time(self) -> Sample:
        """One line becomes shorter, another one goes away."""
        entries = [await self._entry(), await self._entry()]
        made = await self.written(Write("time.deliver", f"batch {entries[0]['uuid']}", "1", {"entries": entries}))
        kept, gone = made.parts.values()

        async def seen() -> Sequence[Any]:
            found = {
                each["id"]: each
                for each in await self.rows("timesheet.line", [["id", "in", [int(kept), int(gone)]]], "duration")
            }
            shorter = found[int(kept)]["duration"] == timedelta(minutes=45)
            return [*(["shorter"] if shorter else []), *(["gone"] if int(gone) not in found else [])]

        def write(*lines: tuple[str, int]) -> Write:
            body = {"lines": [{"id": line, "minutes": minutes} for line, minutes in lines]}
            return Write("time.correct", f"correction of {kept}", "1", body)

        stranger = write((_NOBODY, 30))
        return Sample(write((kept, 45), (gone, 0)), seen, stranger, f"no timesheet line {_NOBODY}", stranger, whole=2)

    async def proposed_invoice(self) -> Sample:
        number = next(_numbers)

        async def seen() -> Sequence[Any]:
            said = f"PRJ-{number:08}, work through 2026-10-31"
            return await self.rows("account.invoice", [["description", "=", said]], "total_amount", "lines")

        refused = self._proposing(next(_numbers), _NOBODY)
        return Sample(self._proposing(number, await self.party()), seen, refused, "that don't exist")

    async def withdrawn_invoice(self) -> Sample:
        record, key = await self.make(), f"ENG-{next(_numbers):08}-2026-10"

        async def seen() -> Sequence[Any]:
            return [] if await self.rows("account.invoice", [["id", "=", int(record)]]) else ["gone"]

        def write(record: str) -> Write:
            return Write("invoice.withdraw", key, "1", {}, {"record": record})

        return Sample(write(record), seen, write(await self._posted()), "only finance can take it back")

    async def _posted(self) -> str:
        if "posted" not in self._shared:
            draft = (await self.written(self._proposing(next(_numbers), await self.party()))).id
            await self._clerk.post(int(draft), date(2026, 11, 2))
            self._shared["posted"] = draft
        return self._shared["posted"]

    # -- the source

    async def make(self) -> str:
        """The clerk copies a draft, which is one call instead of a dozen."""
        if "draft" not in self._shared:
            self._shared["draft"] = (await self.written(self._proposing(next(_numbers), await self.party()))).id
        (made,) = await self._finance.call("model.account.invoice.copy", [int(self._shared["draft"])], {})
        return str(made)

    async def change(self, record: str) -> None:
        """The clerk bills another quantity."""
        (row,) = await self._finance.read("account.invoice", [int(record)], ["lines"])
        await self._finance.write(
            "account.invoice.line", row["lines"][:1], {"quantity": float(next(_numbers) % 90 + 1)}
        )

    async def late(self, by: timedelta) -> str:
        """Nobody can make the ERP slow over its API: the stamp is set back in its database."""
        record = await self.make()
        stamp = (datetime.now(UTC) - by).strftime("%Y-%m-%d %H:%M:%S.%f")
        with closing(sqlite3.connect(self._file, timeout=10)) as database, database:
            for table, column in (("account_invoice", "id"), ("account_invoice_line", "invoice")):
                database.execute(
                    f"update {table} set create_date = ?, write_date = null where {column} = ?", (stamp, int(record))
                )
        return record


@asynccontextmanager
async def bench(erp: TrytonServer, folder: Path) -> AsyncGenerator[ConnectorBench, None]:
    login, ledger = erp.tenancy.hub("US"), Ledger(erp, folder)
    network = httpx2.AsyncHTTPTransport()
    made = ConnectorBench(
        SPEC,
        TrytonConfig(
            url=erp.url, database=erp.database, user=login.user, password=SecretStr(login.password),
            company=erp.tenancy.companies["US"], entity="US", settle=5,
        ),
        FaultyNetwork(network, _changes, _FAULT_BODIES),
        wrong=_stranger,
        name="erp-us",
        samples={
            "customer.create": ledger.new_customer,
            "customer.update": ledger.changed_customer,
            "project.create": ledger.new_project,
            "task.create": ledger.new_task,
            "project.update": ledger.closed_project,
            "time.deliver": ledger.time,
            "time.correct": ledger.corrected_time,
            "invoice.propose": ledger.proposed_invoice,
            "invoice.withdraw": ledger.withdrawn_invoice,
        },
        feeds={"invoice": Feed(ledger.make, ledger.change, late=ledger.late)},
        census=ledger.census,
        steps=20,
        dear=True,
    )  # fmt: skip
    ledger.bench = made
    try:
        yield made
    finally:
        await made.close()
        await ledger.close()
        await network.aclose()


def _stranger() -> dict[str, Any]:
    """Failed logins of one user are slowed down and refused in the end, so each stranger has a name of its own."""
    return {"user": f"stranger-{next(_numbers)}", "password": SecretStr("canary-password-of-a-stranger")}


def _changes(request: httpx2.Request) -> bool:
    """Every call is a POST to one address: its method tells."""
    method = str(json.loads(request.content).get("method", ""))
    return method.startswith("model.") and method.endswith(_WRITES)
