"""The hub's books of the simulated firm, as its kickoffs would have left them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.terms import Cap
from tieout.domain.rating import rate_on
from tieout.sandbox.workload.firm import SimulatedFirm, SimulatedProject
from tieout.sandbox.workload.shape import FIRST_MONTH
from tieout.store import crosswalk, documents, projects
from tieout.store.database import Database, Tx

# What a contract may bill in all: some engagements come to more within a month.
_LIMIT = Decimal(250_000)


async def book(database: Database, firm: SimulatedFirm, psa: str, now: datetime) -> None:
    """Every project in the hub's books, in the PSA of that name and in the ERP of its legal entity (`erp-us`, `erp-de`)."""
    for each in firm.projects():
        async with database.transaction() as tx:
            await _book(tx, each, psa, now)


async def _book(tx: Tx, each: SimulatedProject, psa: str, now: datetime) -> None:
    customer = Customer(key=each.customer, name=each.customer, source_id=each.customer)
    tasks = tuple(
        ProjectTask(key=task.key, name=task.role, role=task.role, hours=Decimal(100), rate=_rate(each, task.role))
        for task in each.tasks
    )
    project = Project(
        key=each.key, engagement=each.engagement, name=each.name, customer=each.customer, legal_entity=each.entity,
        currency=each.card.currency, department="410", contract_version=1, budget=Decimal(98000),
        rate_card=each.card.name, tasks=tasks,
    )  # fmt: skip
    deal = Engagement(
        key=each.engagement, name=each.name, stage="won", customer=customer, legal_entity=each.entity,
        currency=each.card.currency, amount=Decimal(98000), payment_terms="Net 30", source_id=each.engagement,
    )  # fmt: skip
    signed = ContractVersion(
        version=1, effective_from=FIRST_MONTH, amount=deal.amount or Decimal(0), currency=each.card.currency, lines=(),
        rate_card=each.card.name, caps=(Cap(key="not to exceed", amount=_LIMIT),),
    )  # fmt: skip
    contract = Contract(
        key=each.engagement,
        engagement=each.engagement,
        customer=each.customer,
        legal_entity=each.entity,
        versions=(signed,),
    )
    for document in (deal, contract, project):
        await documents.save(tx, document, entity=each.entity, engagement=each.engagement, trail={}, now=now)
    await projects.save(tx, project)
    erp = f"erp-{each.entity.lower()}"
    links = [
        ("customer", each.customer, erp, each.customer),
        ("project", each.key, erp, each.key), ("project", each.key, psa, each.workspace),
        *(("task", task.key, erp, task.key) for task in each.tasks),
        *(("task", task.key, psa, task.id) for task in each.tasks),
    ]  # fmt: skip
    for kind, key, connection, record in links:
        await crosswalk.link(tx, kind, key, connection, record, now)


def _rate(project: SimulatedProject, role: str) -> Decimal:
    rate = rate_on(project.card, role, FIRST_MONTH)
    assert rate is not None
    return rate.amount.amount
