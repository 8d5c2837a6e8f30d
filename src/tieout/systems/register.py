"""What the hub itself knows and has agreed: documents, contracts, the crosswalk, value tables, invoices and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from tieout.connectors.contract import Reading, Receipt
from tieout.domain.amending import Done
from tieout.domain.charging.billing import Decision, Ledger
from tieout.domain.charging.fees import Accepted, Due
from tieout.domain.consolidating import Consolidation, gathered
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.document import Document
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.milestone import Milestone
from tieout.domain.documents.project import Project
from tieout.domain.documents.upcast import load
from tieout.domain.expensing import ExpenseRule, value_rows
from tieout.domain.overriding import NotOverridable, current, overridden, unfit
from tieout.domain.problems import CATALOGUE, Problem, Rejected
from tieout.domain.values import ValueTables
from tieout.engine.journal import Linking
from tieout.engine.run import Clock
from tieout.store import (
    charging,
    consolidated,
    contracts,
    crosswalk,
    documents,
    expenses,
    firm,
    holds,
    invoices,
    milestones,
    projects,
    runs,
    spanning,
    time,
    unreadable,
    usage,
)
from tieout.store.crosswalk import Link
from tieout.store.database import Database
from tieout.store.names import Shown
from tieout.store.together import Saving
from tieout.systems.together import Together

D = TypeVar("D", bound=Document)


class Register:
    """The hub's own books, each verb one transaction."""

    def __init__(
        self, database: Database, clock: Clock, *, values_at: datetime | None = None, together: Together | None = None
    ) -> None:
        self._database = database
        self.together = together or Together(database)
        self._clock = clock
        self._values_at = values_at

    def now(self) -> datetime:
        return self._clock()

    # -- documents

    async def save(self, document: Document, *, entity: str | None, engagement: str | None, trail: Any = None) -> int:
        """Stores the document when its content is new; the version that holds the content."""
        return await self.together.save(Saving(document, entity, engagement, trail, self._clock()))

    async def agree(self, *agreed: Contract | Project) -> None:
        """A version of the contract and the projects that it makes, all or none."""
        async with self._database.transaction() as tx:
            for each in agreed:
                about = {"entity": each.legal_entity, "engagement": each.engagement}
                await documents.save(tx, each, **about, trail={}, now=self._clock())
            await projects.save_all(tx, [each for each in agreed if isinstance(each, Project)])

    async def done(self, engagement: str) -> Done:
        """What was worked and billed under a contract so far."""
        async with self._database.transaction() as tx:
            found = await contracts.done(tx, engagement)
        return Done(
            worked=contracts.summed(found, "worked", "sold"),
            billed=contracts.summed(found, "billed", "sold"),
            minutes=contracts.summed(found, "minutes", "task"),
        )

    async def shows(self, project: Project, *connections: str, whole: bool = False) -> None:
        """These systems have confirmed the contract's version, of the project or, where they show one, of the `whole`."""
        key = "" if whole else project.key
        shown = ((project.engagement, key, each, project.contract_version, self._clock()) for each in connections)
        await asyncio.gather(*map(self.together.shown, shown))

    async def versions(self, engagement: str) -> list[dict[str, Any]]:
        """Which version each system shows, and which one is agreed."""
        async with self._database.transaction() as tx:
            return await contracts.versions(tx, engagement)

    async def latest(self, kind: type[D], key: str) -> D | None:
        found = await self.together.latest((kind.kind, key))
        return cast(D, load(kind.kind, found["schema_version"], found["body"])) if found else None

    async def overridden(self, reading: Reading) -> Reading:
        """What was read, with the fields that people set in the hub; each stands in the trail, beside what the source says."""
        wanted = await self.together.override((reading.document.kind, reading.document.key))
        document, trail = reading.document, dict(reading.trail)
        for each in wanted:
            trail[each.field] = {**each.trail, "instead_of": str(current(document, each.field) or "")}
            try:
                document = overridden(document, each.field, each.value)
            except NotOverridable as why:
                raise Rejected(unfit(document, each, why)) from why
        return replace(reading, document=document, trail=trail)

    async def engagement(self, key: str) -> Engagement | None:
        return await self.latest(Engagement, key)

    async def contract(self, key: str) -> Contract | None:
        return await self.latest(Contract, key)

    async def canonical(self, deal: Engagement, crm: str) -> Engagement:
        """The deal with each customer under the key it is known by: an account may be another one's alias."""

        async def known(customer: Customer) -> Customer:
            key = await self.key_of("customer", crm, customer.source_id)
            return customer.model_copy(update={"key": key}) if key else customer

        return deal.model_copy(
            update={
                "customer": await known(deal.customer),
                "bill_to": await known(deal.bill_to) if deal.bill_to else None,
                "ancestors": tuple([await known(each) for each in deal.ancestors]),
            }
        )

    async def known_as(self, customer: Customer, crm: str) -> Customer:
        """The customer as its account tells it, with the aliases that merges have taught us.

        A second account of the same customer tells nothing: the first one's word counts.
        """
        stored = await self.latest(Customer, customer.key)
        if stored is None:
            return customer
        if await self.record_id("customer", customer.key, crm) not in (None, customer.source_id):
            return stored
        return customer.model_copy(update={"aliases": stored.aliases})

    async def projects_of(self, engagement: str) -> list[Project]:
        """That of the deal first, where it has one; none as long as nothing was planned."""
        found = await self.together.projects_of(engagement)
        return [cast(Project, load(Project.kind, each["schema_version"], each["body"])) for each in found]

    async def value_tables(self) -> ValueTables:
        return await self.together.values(self._values_at)

    async def waits_of(self, engagement: str, *, but: str) -> list[Problem]:
        """What an engagement waits for, the most pressing first; the holds of one flow are left out."""
        async with self._database.statement() as tx:
            found = await holds.of_engagement(tx, engagement, but=but)
        return [Problem(each["code"], each["facts"], each["quote"]) for each in found if each["code"] in CATALOGUE]

    # -- crosswalk

    async def record_id(self, kind: str, key: str, connection: str) -> str | None:
        return await self.together.record((kind, key, connection))

    async def record_ids(self, kind: str, keys: Sequence[str], connection: str) -> list[str | None]:
        """The same for several objects."""
        return await asyncio.gather(*(self.record_id(kind, each, connection) for each in keys))

    async def key_of(self, kind: str, connection: str, record: str) -> str | None:
        return await self.together.key((kind, connection, record))

    async def link(self, kind: str, key: str, connection: str, record: str) -> None:
        await self.together.link(Link(kind, key, connection, record, self._clock()))

    async def redirect(self, kind: str, connection: str, record: str, key: str) -> None:
        """The record means another object from now on: an alias, kept for ever."""
        async with self._database.transaction() as tx:
            await crosswalk.redirect(tx, kind, connection, record, key, self._clock())

    async def shown_otherwise(self, keys: Sequence[str]) -> list[Shown]:
        """Which of these objects a target shows under a shortened name, or under one that another record has."""
        return await self.together.shown_otherwise(tuple(keys))

    async def records_of(self, key: str) -> list[dict[str, Any]]:
        async with self._database.statement() as tx:
            return await crosswalk.everywhere(tx, key)

    async def merge(self, kind: str, connection: str, loser: str, winner: str, loser_key: str, winner_key: str) -> None:
        """The loser's record means the winner from now on; what only the loser had in other systems is the winner's too."""
        async with self._database.transaction() as tx:
            await crosswalk.redirect(tx, kind, connection, loser, winner_key, self._clock())
            if await crosswalk.key_of(tx, kind, connection, winner) is None:
                await crosswalk.link(tx, kind, winner_key, connection, winner, self._clock())
            await crosswalk.inherit(tx, kind, loser_key, winner_key)

    def linking(self, connection: str, links: Callable[[Receipt], Sequence[tuple[str, str, str]]]) -> Linking:
        """Teaches the crosswalk, in the receipt's own transaction, (kind, business key, record id) of what it names."""

        def found(receipt: Receipt) -> list[Link]:
            return [Link(kind, key, connection, record, self._clock()) for kind, key, record in links(receipt)]

        return Linking(found)

    # -- what cannot be read

    async def hold_unreadable(self, run_id: str, code: str) -> None:
        async with self._database.transaction() as tx:
            await unreadable.hold(tx, run_id, code)

    async def unreadable(self, connection: str, kind: str, code: str) -> list[dict[str, Any]]:
        """Records that the source tells in a way that cannot be understood, each with its words."""
        async with self._database.transaction() as tx:
            return await unreadable.waiting(tx, connection, kind, code, self._clock())

    # -- time

    async def take_time(
        self, connection: str, run_id: str, rates: Sequence[Mapping[str, Any]], deleted: Mapping[str, str]
    ) -> None:
        """Stores and prices the entries that a run's messages brought; what of them cannot be understood waits."""
        async with self._database.transaction() as tx:
            await time.take_page(tx, connection, run_id, rates, self._clock())
            await time.mark_deleted(tx, connection, deleted, self._clock())
            await unreadable.hold(tx, run_id, "time.unreadable")

    async def price_time(self, connection: str, ids: Sequence[str] | None, rates: Sequence[Mapping[str, Any]]) -> None:
        async with self._database.transaction() as tx:
            await time.resolve(tx, connection, ids, rates)

    async def settle_time(self, connection: str, run_id: str, ids: Sequence[str] | None = None) -> None:
        """Ends the messages of a page, and those that were held for its entries; without `ids`, for any."""
        async with self._database.transaction() as tx:
            await time.settle_messages(tx, connection, run_id, ids, self._clock())

    async def followed(self, run_id: str) -> bool:
        """Whether another page waits behind this run's."""
        async with self._database.statement() as tx:
            return await runs.followed(tx, run_id)

    async def pages_under_way(self, connection: str) -> bool:
        """Whether more time of this source is about to be taken in."""
        async with self._database.statement() as tx:
            return await runs.under_way(tx, "approved_time", connection)

    async def causes_of_time(self, connection: str) -> list[dict[str, Any]]:
        """What is left to do about entries, one row per cause."""
        async with self._database.statement() as tx:
            return await time.problems(tx, connection)

    async def at_risk(self, project: str) -> tuple[int, Decimal]:
        """Minutes booked on a project, and what the billable ones are worth, in its currency."""
        async with self._database.statement() as tx:
            found = await time.at_risk(tx, project)
        return found["minutes"], found["amount"]

    async def early_entries(self, project: str) -> dict[str, list[str]]:
        """The entries, by connection, that came before the project's contract, or before its project was known."""
        return await self.together.early_time(project)

    # -- expenses

    async def store_expenses(
        self, connection: str, page: Sequence[Mapping[str, Any]], deleted: Mapping[str, str]
    ) -> None:
        async with self._database.transaction() as tx:
            await expenses.save_page(tx, connection, page, self._clock())
            await expenses.mark_deleted(tx, connection, deleted, self._clock())

    async def judge_expenses(self, connection: str, ids: Sequence[str], rule: ExpenseRule, *, products: bool) -> None:
        """What becomes of expenses, by their contracts, the firm's rule and the value tables."""
        async with self._database.transaction() as tx:
            await expenses.resolve(
                tx, connection, ids, categories=rule.treatments(), receipts=rule.receipts(),
                values=value_rows(await firm.values(tx, at=self._values_at)), products=products,
            )  # fmt: skip

    async def settle_expenses(self, connection: str, run_id: str) -> list[dict[str, Any]]:
        """Ends the messages of a page; what is left to do about expenses, one row per cause."""
        async with self._database.transaction() as tx:
            await expenses.settle_messages(tx, connection, run_id, self._clock())
            return await expenses.problems(tx, connection)

    async def early_expenses(self, project: str) -> dict[str, list[str]]:
        """The expenses, by connection, that came before the project's contract, or before its project was known."""
        return await self.together.early_expenses(project)

    # -- milestones

    async def milestone_told(
        self, connection: str, reading: Reading, entity: str | None, engagement: str | None
    ) -> None:
        """Keeps a milestone as it was read, every version of it, and how far it is accepted by now."""
        milestone = cast(Milestone, reading.document)
        mapping = reading.trail["share"]["mapping"]
        async with self._database.transaction() as tx:
            await documents.save(
                tx, milestone, entity=entity, engagement=engagement, trail=reading.trail, now=self._clock()
            )
            await milestones.save(tx, connection, milestone, mapping, self._clock())

    async def milestones_of(self, engagement: str) -> Sequence[Mapping[str, Any]]:
        """Every milestone that the contract names, as it stands in the PSA."""
        async with self._database.transaction() as tx:
            return await milestones.of_contract(tx, engagement)

    async def accepted_beside(self, engagement: str) -> list[str]:
        """Accepted milestones that the contract does not name."""
        async with self._database.transaction() as tx:
            return await milestones.accepted_beside(tx, engagement)

    # -- delivery to the ledgers

    async def entities_to_deliver(self) -> list[str]:
        return await self.together.deliverable(None)

    # -- invoices

    async def ledger(self, engagement: str, through: date, but: Sequence[str] = ()) -> Ledger:
        """What happened under an engagement up to a day, and what was decided of it; the invoices of `but` left out."""
        async with self._database.transaction() as tx:
            return await charging.ledger(tx, engagement, through, but)

    async def accepted(self, engagement: str, through: date | None = None) -> Mapping[str, Accepted]:
        """How far the milestones of a contract are accepted, by their names in it; as it stood on a day."""
        async with self._database.transaction() as tx:
            return await milestones.accepted(tx, engagement, through)

    async def expenses(self, engagement: str, through: date) -> list[dict[str, Any]]:
        """Everything that was approved under an engagement, with all there is to charge it by."""
        async with self._database.transaction() as tx:
            return await expenses.approved(tx, engagement, through)

    async def decide(
        self,
        project: Project,
        decision: Decision,
        dues: Sequence[Due],
        turns: Mapping[str, int] | None = None,
        rules: Sequence[Consolidation] = (),
    ) -> bool:
        """What is billed goes on its proposal, with all its evidence; what becomes of the rest, and what is due, stands beside.

        By the `rules` a proposal stands on a document together with others, or alone. What is due of a sale without a project
        of its own is due of the `project`.

        False, and nothing is written, when others were billed beneath the same limits since it was asked whose turn it is.
        """
        async with self._database.transaction() as tx:
            if decision.proposal is not None and not await spanning.taken(tx, turns or {}):
                return False
            await charging.know(tx, project, dues, self._clock())
            await charging.decided(
                tx, project.engagement, decision.pieces, entity=project.legal_entity, currency=project.currency,
                now=self._clock(),
            )  # fmt: skip
            for alone in decision.proposal.every if decision.proposal else ():
                each, head = gathered(rules, alone)
                about = {"entity": each.invoice.legal_entity, "engagement": each.invoice.engagement}
                await documents.save(tx, each.invoice, **about, trail={}, now=self._clock())
                await invoices.propose(tx, each.invoice, each.rounding, each.evidence, self._clock())
                await usage.freeze(tx, dues, each.evidence)
                if head is not None:
                    await consolidated.join(tx, head, each.invoice.key, self._clock())
            return True

    async def invoice(self, key: str) -> dict[str, Any] | None:
        """The invoice's row as it stands: state, number, amounts, the ERP's record."""
        async with self._database.statement() as tx:
            return await invoices.get(tx, key)

    async def invoices_of(self, engagement: str) -> list[dict[str, Any]]:
        async with self._database.statement() as tx:
            return await invoices.of_engagement(tx, engagement)

    async def invoice_told(self, key: str) -> dict[str, Any] | None:
        """An invoice, or what a credit note takes back of one, as it was noted last, with its payments; no total: nobody was told."""
        async with self._database.statement() as tx:
            return await invoices.told(tx, key)

    async def invoice_decided(self, key: str, told: Mapping[str, Any]) -> None:
        async with self._database.transaction() as tx:
            await invoices.decided(tx, key, told, self._clock())

    async def money(self, engagement: str, project: str = "") -> dict[str, Decimal]:
        """Of all of an engagement, or of one of its projects."""
        async with self._database.transaction() as tx:
            return await invoices.money(tx, engagement, project)
