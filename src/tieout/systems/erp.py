"""The ERP of one legal entity in its role: the ledger's customers, projects, timesheets and invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from tieout.connectors.contract import Change, Ledger, Receipt, Write
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.domain.matching import match
from tieout.domain.problems import Problem, Rejected, explain
from tieout.engine.journal import OnDone
from tieout.store import consolidated, invoices, timesheets
from tieout.store.database import Database, Tx
from tieout.systems.consolidated import said
from tieout.systems.fitting import Fitted
from tieout.systems.register import Register

_WITHDRAW = "invoice.withdraw"
# After so long another run goes on, so that no batch is cut off on its way because a run has had its time.
_ENOUGH = timedelta(minutes=8)


class Erp:
    """One ledger, on behalf of one run."""

    def __init__(
        self,
        connection: Ledger,
        effects: Fitted,
        register: Register,
        database: Database,
        hands: int = 1,
        sabotage: frozenset[str] = frozenset(),
    ) -> None:
        """`hands` are the batches that may be on their way at once. `sabotage` brings a known bug back: `thaw` freezes what is
        frozen already."""
        self.name = connection.name
        self.hands = hands
        self._sabotage = sabotage
        self._taken: set[str] = set()
        self._began = register.now()
        self._connection = connection
        self._effects = effects
        self._register = register
        self._database = database

    def link(self, ref: Ref) -> str:
        return self._connection.link(ref)

    # -- customers

    async def recognise(self, customer: Customer, decision: str | None, *, crm: str, link: str) -> Problem | None:
        """Links the customer with the ledger's own when it is there already; the question for a person when in doubt.

        When the ledger's customer is another account of the CRM already, the account becomes that one's alias.
        """
        if await self._register.record_id("customer", customer.key, self.name) is not None:
            return None
        known = await self._connection.candidates(customer, (customer.name, *customer.aliases))
        mine = next((each for each in known if each.code == customer.key), None)
        found = match(customer, [mine] if mine else known, decision, link=link)
        if found.record:
            other = await self._register.key_of("customer", self.name, found.record)
            if other is None:
                await self._register.link("customer", customer.key, self.name, found.record)
            elif other != customer.key:
                await self._register.redirect("customer", crm, customer.source_id, other)
        return found.problem

    async def ensure_customer(self, customer: Customer, version: int) -> str:
        """The customer's record id; made when there is none. A newer `version` of one we made is brought up to date.

        One that was found in the ERP while nobody knew whether it is ours is asked for: what we made follows the CRM.
        """
        known = await self._register.record_id("customer", customer.key, self.name)
        if known is None or await self._effects.in_doubt(self._connection, "customer.create", customer.key):
            made = await self._effects.perform(
                self._connection,
                Write("customer.create", customer.key, "1", customer.body()),
                self._register.linking(self.name, lambda receipt: [("customer", customer.key, receipt.id)]),
            )
            return made.id
        # The ledger's own customers belong to finance: only those that we made follow the CRM.
        if version > 1 and await self._effects.made(self._connection, "customer.create", customer.key):
            await self._effects.keep(
                self._connection, "customer.update", customer.key, customer.body(), {"record": known}
            )
        return known

    async def known_customer(self, key: str) -> str | None:
        return await self._register.record_id("customer", key, self.name)

    # -- projects

    async def ensure_project(self, project: Project, *, customer: str) -> str:
        known = await self._register.record_id("project", project.key, self.name)
        if known is not None:
            return known
        made = await self._effects.perform(
            self._connection,
            Write("project.create", project.key, "1", project.body(), {"customer": customer}),
            self._register.linking(self.name, lambda receipt: _links(project, receipt)),
        )
        return made.id

    async def add_tasks(self, project: Project, record: str) -> None:
        """The tasks that a later version of the contract brought."""
        for task in project.tasks:
            if await self._register.record_id("task", task.key, self.name) is None:
                await self._effects.perform(
                    self._connection,
                    Write("task.create", task.key, "1", task.model_dump(mode="json"), {"project": record}),
                    self._linking_task(task.key),
                )

    def _linking_task(self, key: str) -> OnDone:
        return self._register.linking(self.name, lambda receipt: [("task", key, receipt.id)])

    async def set_state(self, project: Project, record: str) -> None:
        """Open for time, or closed. What may have changed since it was set up is told what the contract says now."""
        body: dict[str, Any] = {"state": "open" if project.state in ("active", "tentative") else "closed"}
        if project.was_replanned:
            body["project"] = project.body()
        await self._effects.keep(self._connection, "project.update", project.key, body, {"record": record})

    # -- time

    async def people(self) -> Sequence[str]:
        """The personnel numbers of those whom it employs."""
        return await self._connection.people()

    async def ask_again(self, entity: str) -> int:
        """What it refused before is to be delivered once more; how many entries."""
        async with self._database.transaction() as tx:
            return await timesheets.ask_again(tx, entity)

    async def next_batch(self, entity: str, kind: Literal["new", "change"]) -> str | None:
        """A batch to send that no other hand has: one that was frozen and not confirmed, or the next one, as large as the ERP
        allows; None when there is no more to move, or it was enough."""
        size = self._connection.operation("time.deliver" if kind == "new" else "time.correct").batch
        async with self._database.transaction() as tx:
            frozen = [each for each in await timesheets.batches(tx, entity) if each not in self._taken]
            if frozen or self.has_had_enough:
                name = frozen[0] if frozen else None
            else:
                apart = "thaw" not in self._sabotage
                name = await timesheets.form_batch(tx, entity, kind=kind, size=size, apart=apart)
            if name is not None:
                self._taken.add(name)
        return name

    @property
    def has_had_enough(self) -> bool:
        return self._register.now() - self._began >= _ENOUGH

    async def deliver(self, name: str) -> int:
        """Sends a frozen batch of approved time to the ERP's timesheets; how many entries it has."""
        async with self._database.transaction() as tx:
            entries = await timesheets.batch(tx, name, self.name)
        ids = {f"{each['connection']}-{each['source_id']}-{each['deliveries'] + 1}": each for each in entries}
        body = {
            "entries": [
                {
                    "uuid": uuid,
                    "person": each["person"],
                    "work_date": each["work_date"],
                    "minutes": each["minutes"],
                    "work": each["work"],
                    "note": each["notes"],
                }
                for uuid, each in ids.items()
            ]
        }

        async def confirm(tx: Tx, receipt: Receipt) -> None:
            await timesheets.delivered(tx, name, [receipt.parts.get(each) for each in ids])

        return await self._send_batch(Write("time.deliver", f"time/{name}", "1", body), confirm, name, len(entries))

    async def correct(self, name: str) -> int:
        """Sends a frozen batch of corrections: other minutes, or nothing any more (T13, T14)."""
        async with self._database.transaction() as tx:
            entries = await timesheets.batch(tx, name)
        body = {"lines": [{"id": each["delivered_id"], "minutes": each["minutes"]} for each in entries]}

        async def confirm(tx: Tx, receipt: Receipt) -> None:
            await timesheets.corrected(tx, name)

        return await self._send_batch(Write("time.correct", f"time/{name}", "1", body), confirm, name, len(entries))

    async def _send_batch(self, write: Write, confirm: OnDone, name: str, size: int) -> int:
        """A refused batch is halved until the bad entry stands alone; then that one waits for a person."""
        try:
            await self._effects.perform(self._connection, write, confirm)
        except Rejected as refused:
            await self._split(name, "; ".join(each.quote or explain(each).what for each in refused.problems))
            return 0
        return size

    async def _split(self, name: str, quote: str) -> None:
        async with self._database.transaction() as tx:
            if len(await timesheets.batch(tx, name)) == 1:
                await timesheets.refused(tx, name, quote)
            else:
                await timesheets.split_batch(tx, name)

    # -- invoices

    async def propose(self, invoice: Invoice, *, customer: str, project: str | None) -> Mapping[str, Any]:
        """Makes the draft invoice; what the ERP computed: {net, tax, total} as decimal strings."""

        async def drafted(tx: Tx, receipt: Receipt) -> None:
            await invoices.drafted(tx, invoice.key, self.name, receipt.id, self._register.now())

        ids = {"customer": customer, **({"project": project} if project else {})}
        made = await self._effects.perform(
            self._connection, Write("invoice.propose", invoice.key, "1", invoice.body(), ids), drafted
        )
        return made.answer

    async def propose_together(self, invoice: Invoice, *, version: int, customer: str) -> Receipt:
        """Makes the draft of a version of a document that gathers several proposals; all on it are drafted with it."""

        async def drafted(tx: Tx, receipt: Receipt) -> None:
            now = self._register.now()
            await consolidated.drafted(tx, invoice.key, version, self.name, receipt.id, now)

        write = Write("invoice.propose", invoice.key, said(version), invoice.body(), {"customer": customer})
        return await self._effects.perform(self._connection, write, drafted)

    @property
    def takes_drafts_back(self) -> bool:
        """Whether its connection can."""
        try:
            self._connection.operation(_WITHDRAW)
        except KeyError:
            return False
        return True

    async def has_taken_back(self, key: str) -> bool:
        """Whether the draft of a document was deleted by us."""
        return await self._effects.made(self._connection, _WITHDRAW, key)

    async def is_taking_back(self, key: str) -> bool:
        """Whether nobody knows yet if the draft of a document was deleted by us."""
        return await self._effects.in_doubt(self._connection, _WITHDRAW, key)

    async def take_back_draft(self, key: str, *, version: int, record: str) -> bool:
        """Deletes the draft of a version, for another one to take its place; False where finance has booked it meanwhile."""

        async def gone(tx: Tx, receipt: Receipt) -> None:
            await consolidated.taken_back(tx, key, self._register.now())

        return await self._take_back(Write(_WITHDRAW, key, said(version), {}, {"record": record}), gone)

    async def take_back_alone(self, key: str, *, record: str) -> bool:
        """Deletes the draft of one proposal, whose work is unbilled again; False where finance has booked it meanwhile."""

        async def gone(tx: Tx, receipt: Receipt) -> None:
            await invoices.withdraw(tx, key, self._register.now())

        return await self._take_back(Write(_WITHDRAW, key, "1", {}, {"record": record}), gone)

    async def _take_back(self, write: Write, gone: OnDone) -> bool:
        try:
            await self._effects.perform(self._connection, write, gone)
        except Rejected:
            return False
        return True

    async def look_at_invoice(self, record: str) -> Change | None:
        """The invoice as the ERP has it now; None when it is gone."""
        return await self._connection.look(Ref(self.name, "invoice", record))


def _links(project: Project, receipt: Receipt) -> Sequence[tuple[str, str, str]]:
    tasks = [("task", key, record) for key, record in receipt.parts.items()]
    return [("project", project.key, receipt.id), *tasks]
