"""Replay plans of the seeded day in every state, told to the store by its own functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from tieout.domain.plan import FieldChange, PlannedDocument, PlannedItem, PlannedWrite, hash_of, sums
from tieout.store import plans, runs

if TYPE_CHECKING:
    from tests.console.seed import Day

ANNA, CARLOS, MARGARET = (f"{each}@kestrel.example" for each in ("anna.fischer", "carlos.mendes", "margaret.osei"))


async def seed_plans(day: Day) -> None:
    """One plan for each state; those that wait for somebody's word were made by Anna."""
    book = _Book(day)
    change = ("Nordwind Change Sprint", "Bergmann Change Sprint", "Umbra Labs Change Sprint")
    billed = ("Globex Data Platform", "Initech Cloud Migration", "Bergmann Close Accelerator")
    await book.discarded()
    await book.stopped()
    await book.done()
    await book.moved()
    await book.running()
    await book.made(
        "waits", billed, "invoices of October", ANNA, money=True, needs="280,200.00 USD are more than 100,000.00 USD"
    )
    await book.ask("making", ("Globex Reporting", "Umbra Health Pipelines"), "H-20407, H-20406", CARLOS)
    await book.made("ready", change, "practice_department People & Change = 440", ANNA)


class _Book:
    def __init__(self, day: Day) -> None:
        self.day = day
        self.tx = day.tx
        self.at = day.now - timedelta(hours=3)

    async def ask(self, name: str, deals: Sequence[str], what: str, actor: str) -> int:
        self.at += timedelta(minutes=20)
        run_ids = [self.day.seeded.runs[each] for each in deals]
        plan = await plans.ask(
            self.tx, run_ids, asked={"seed": name}, what=what + self.day.canary, how="as_it_was" if name == "moved" else "as_it_is_now",
            again="", actor=actor, now=self.at,
        )  # fmt: skip
        self.day.seeded.plans[name] = plan["id"]
        return int(plan["id"])

    async def made(
        self, name: str, deals: Sequence[str], what: str, actor: str, *, money: bool = False, needs: str = ""
    ) -> int:
        plan = await self.ask(name, deals, what, actor)
        items = [self.item(deal, money, last=i == len(deals)) for i, deal in enumerate(deals, 1)]
        for position, each in enumerate(items, 1):
            await plans.found_out(self.tx, plan, position, each.model_dump(mode="json"))
        found = sums(items, seconds=14.0).model_dump(mode="json")
        await plans.made(self.tx, plan, hash_=hash_of(items), sums=found, needs_approval=needs)
        return plan

    async def confirmed(self, plan: int, deals: Sequence[str], actor: str) -> list[str]:
        """Looked at once more and let begin; what begins waits for its turn, so that nobody works it off by accident."""
        await plans.confirm(self.tx, plan, reach=len(deals), actor=actor, now=self.at)
        for position in range(1, len(deals) + 1):
            await plans.checked(self.tx, plan, position)
        stored = await plans.locked(self.tx, plan)
        assert stored is not None
        return await plans.release(self.tx, stored, self.day.now + timedelta(hours=1))

    async def finished(self, plan: int, run_ids: Sequence[str]) -> None:
        for each in run_ids:
            await runs.end(self.tx, each, "done", "", self.at)
        await plans.follow(self.tx, plan, self.at)

    async def running(self) -> None:
        deals = ("Bergmann Close Accelerator", "Nordwind Data Foundation")
        plan = await self.made("running", deals, "opportunity_to_project, done, 2026-10-16 to 2026-11-15", CARLOS)
        begun = await self.confirmed(plan, deals, CARLOS)
        await self.finished(plan, begun[:1])

    async def done(self) -> None:
        deals = ("Globex Data Platform",)
        plan = await self.made("done", deals, "step “write back to the CRM” of Globex Data Platform", MARGARET)
        await self.finished(plan, await self.confirmed(plan, deals, MARGARET))
        await plans.end(self.tx, plan, "done", "", self.at)

    async def stopped(self) -> None:
        deals = ("Bergmann Change Sprint",)
        plan = await self.made("stopped", deals, "H-20402", MARGARET)
        await self.confirmed(plan, deals, MARGARET)
        await plans.stop(self.tx, plan, MARGARET, self.at)
        await plans.end(self.tx, plan, "stopped", f"by {MARGARET}", self.at)

    async def moved(self) -> None:
        plan = await self.made("moved", ("Nordwind Change Sprint",), "H-20401", CARLOS)
        why = "Nordwind Change Sprint: it would end as held, not as done (practice_department knows no value)"
        await plans.end(self.tx, plan, "moved", why, self.at)

    async def discarded(self) -> None:
        plan = await self.made("discarded", ("Umbra Labs Change Sprint",), "H-20403", MARGARET)
        await plans.end(self.tx, plan, "discarded", f"by {MARGARET}", self.at)

    def item(self, name: str, money: bool, *, last: bool) -> PlannedItem:
        deal, known = self.day.deals[name], "Globex" in name
        key, erp = deal.key.replace("ENG", "PRJ"), f"erp-{deal.legal_entity.lower()}"
        create = "skip" if known else "create"
        writes = (
            PlannedWrite(connection=erp, operation="customer.create", does="create the customer", subject=deal.customer.key,
                         guarantee="C", act="skip" if last or known else "create", content="5f1d", step="customer in the ERP"),
            PlannedWrite(connection=erp, operation="project.create", does="create the project", subject=key, guarantee="C",
                         act=create, content="", step="project in the ERP"),
            PlannedWrite(connection="kantata", operation="project.create", does="set up the project", subject=key,
                         guarantee="D", act=create, content="", step="project in the PSA"),
            PlannedWrite(connection="salesforce", operation="opportunity.update", does="write the state of the deal",
                         subject=deal.source_id, guarantee="B", act="update", content="77ab", undo="write the earlier state",
                         step="tell sales"),
        )  # fmt: skip
        invoice = PlannedWrite(connection=erp, operation="invoice.draft", does="propose the invoice", subject=f"INV-{key[4:]}",
                               guarantee="C", act="create", content="90cc", money=True, step="invoice in the ERP")  # fmt: skip
        fields = (
            (("department", "", "440"), ("contract_version", "1", "2")) if not money else (("net", "", "18,400.00"),)
        )
        return PlannedItem(
            run=self.day.seeded.runs[name], flow="opportunity_to_project", subject=f"salesforce/opportunity/{deal.source_id}",
            title=deal.name, entity=deal.legal_entity, engagement=deal.key, amount=str(deal.amount), currency=deal.currency,
            end="held" if last and not money else "done",
            problems=("deal.field_missing: The project manager of the deal is missing." + self.day.canary,) if last and not money else (),
            writes=(invoice,) if money else writes[:1] if last else writes,
            documents=(PlannedDocument(kind="project", key=key, version=2, changes=tuple(
                FieldChange(field=field, before=before, after=after + self.day.canary if field == "net" else after)
                for field, before, after in fields)),),
            differs=("it would create the project in another department than with today's configuration",) if last else (),
        )  # fmt: skip
