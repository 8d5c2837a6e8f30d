"""What every kickoff needs and sets up, whether its contract is signed already or not: customers, project, plan (T01-T12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from tieout.connectors.contract import Reading
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.domain.matching import question
from tieout.domain.money import Money
from tieout.domain.problems import Problem, explain
from tieout.domain.projects import said
from tieout.domain.readiness import Enriched, enrich, entity_of, hierarchy_problems, missing_for_kickoff
from tieout.engine.run import Run
from tieout.flows.names import tell_names
from tieout.systems.crm import Crm
from tieout.systems.systems import Systems


async def ready(run: Run, systems: Systems, ref: Ref, deal: Engagement, reading: Reading) -> Enriched:
    """The deal with all it needs; else it waits, with every problem at once, and the CRM says so.

    What was sold is in the books from here on, whatever still keeps it from becoming a project.
    """
    crm, link = systems.crm(ref.connection), systems.crm(ref.connection).link(ref)
    tables = await systems.register.value_tables()
    seller = entity_of(deal, systems.firm, tables, on=run.today())
    entity = seller.code if seller else None
    await run.about(title=deal.name, entity=entity, engagement=deal.key, amount=_value(deal))
    await systems.register.save(deal, entity=entity, engagement=deal.key, trail=reading.trail)
    enriched, unknown = enrich(deal, systems.firm, tables, on=run.today(), link=link)
    problems = [
        *missing_for_kickoff(deal, link=link),
        *hierarchy_problems([*deal.ancestors, deal.customer], link=link),
        *(each for each in unknown if _said(deal, each)),
    ]
    if not problems and enriched is not None:
        erp = systems.erp(enriched.entity)
        for customer in _customers(deal):
            answer = await run.decision(question(customer))
            doubt = await run.step(
                f"is {customer.name} in the ERP?", erp.recognise, customer, answer, crm=crm.name, link=link
            )
            problems += [doubt] if doubt else []
    await tell_what_is_missing(run, crm, ref, deal, problems)
    await run.hold(problems)
    return cast(Enriched, enriched)


async def tell_what_is_missing(run: Run, crm: Crm, ref: Ref, deal: Engagement, problems: Sequence[Problem]) -> None:
    if problems and crm.shows_holds:
        message = "\n".join(f"{explain(each).what} {explain(each).fix}" for each in problems)
        state = state_for_sales("On hold", message, deal)
        await run.step("tell sales what is missing", crm.report, ref.id, "state", state)


async def set_up(
    run: Run, systems: Systems, ref: Ref, deal: Engagement, projects: Sequence[Project], *, in_erp: bool = True
) -> dict[str, str]:
    """Customers first, parents before children, then the projects in both systems; their numbers, for the CRM.

    Without `in_erp` the PSA alone hears of it, for as long as nobody has signed.
    """
    crm, entity = systems.crm(ref.connection), projects[0].legal_entity
    shown_in = [systems.psa(entity).name, *([systems.erp(entity).name] if in_erp else [])]
    await systems.register.link("engagement", deal.key, crm.name, ref.id)
    customers = [await known(systems, crm.name, each, entity) for each in _customers(deal)]
    payer = await in_the_books(run, systems, ref, deal, entity, customers) if in_erp else ""
    in_books = [await open_books(run, systems, each, payer) if payer else "" for each in projects]
    client = await run.step("client in the PSA", systems.psa(entity).ensure_client, deal.customer)
    records = [
        await set_up_project(run, systems, project, client, record)
        for project, record in zip(projects, in_books, strict=True)
    ]
    names = {deal.customer.key: deal.customer.name} | {each.key: named(each, deal.name) for each in projects}
    await tell_names(run, systems, names, link=crm.link(ref))
    for project, record in zip(projects, records, strict=True):
        await tell_keys(run, systems, project, record, in_books=in_erp)
        await systems.register.shows(project, *shown_in)
    return numbers_of(projects, records, in_books=in_erp)


async def plan(run: Run, systems: Systems, projects: Sequence[Project], what: str) -> None:
    """All of them, or none: a run that dies in the middle leaves no deal with half of its projects."""
    register, first = systems.register, projects[0]
    if len(projects) == 1:
        await run.step(f"plan the {what}", register.save, first, entity=first.legal_entity, engagement=first.engagement)
    else:
        await run.step(f"plan the {what}s", register.agree, *projects)


async def open_books(run: Run, systems: Systems, project: Project, payer: str) -> str:
    """The project's record in the ERP; `payer` is the customer's there."""
    erp = systems.erp(project.legal_entity)
    return await run.step(on(project, "project in the ERP"), erp.ensure_project, project, customer=payer)


async def set_up_project(run: Run, systems: Systems, project: Project, client: str, in_books: str) -> str:
    """The project with its tasks in the PSA, as the contract has them; its record there."""
    erp, psa = systems.erp(project.legal_entity), systems.psa(project.legal_entity)
    record = await run.step(on(project, "project in the PSA"), psa.ensure_project, project, client=client)
    if project.tasks != project.of_template:
        await run.step(on(project, "tasks beyond the template in the PSA"), psa.add_tasks, project, record)
    await run.step(on(project, "tasks, hours and rates in the PSA"), psa.plan_tasks, project)
    if in_books:
        await run.step(on(project, "project is open in the ERP"), erp.set_state, project, in_books)
    await run.step(on(project, f"project is {project.state} in the PSA"), psa.set_state, project, record)
    return record


def numbers_of(projects: Sequence[Project], records: Sequence[str], *, in_books: bool) -> dict[str, str]:
    """What the CRM is told: the projects' numbers in both systems, and the version they stand on."""
    number = {"erp_project": said([each.key for each in projects])} if in_books else {}
    return {"psa_project": said(records), **number, **version_of(projects[0])}


async def tell_keys(run: Run, systems: Systems, project: Project, record: str, *, in_books: bool) -> None:
    """What the project is called elsewhere, and by which version of the contract it is planned."""
    psa = systems.psa(project.legal_entity)
    number = {"erp_project": project.key} if in_books else {}
    facts = {"engagement": project.engagement, **number, **version_of(project)}
    await run.step(on(project, "keys in the PSA"), psa.report, project.key, record, "keys", facts)


def on(project: Project, title: str) -> str:
    """The title of a step; of a project of its own it says of which."""
    return f"{title}: {project.name}" if project.sold else title


def named(project: Project, deal: str) -> str:
    """What a project is called now: as its deal, or a project of its own as it was planned."""
    return project.name if project.sold else deal


def version_of(project: Project) -> dict[str, str]:
    return {} if project.at_risk else {"contract_version": str(project.contract_version)}


async def known(systems: Systems, crm: str, customer: Customer, entity: str) -> tuple[Customer, Customer, int]:
    """The customer as this account tells it, as it is known to us, and the version of that."""
    register = systems.register
    await register.link("customer", customer.key, crm, customer.source_id)
    ours = await register.known_as(customer, crm)
    return customer, ours, await register.save(ours, entity=entity, engagement=None)


async def in_the_books(
    run: Run,
    systems: Systems,
    ref: Ref,
    deal: Engagement,
    entity: str,
    customers: Sequence[tuple[Customer, Customer, int]],
) -> str:
    """Everybody whom the ledger must know; the record there of the one who pays."""
    crm, erp = systems.crm(ref.connection), systems.erp(entity)
    records: dict[str, str] = {}
    for customer, ours, version in customers:
        records[customer.key] = await run.step(
            f"customer {customer.name} in the ERP", erp.ensure_customer, ours, version
        )
        if ours.source_id == customer.source_id:
            await run.step("its number in the CRM", crm.report_customer, customer.source_id, customer.key)
        else:
            facts = {
                "account": customer.name,
                "customer": ours.name,
                "link": crm.link(ref),
                "about": customer.source_id,
            }
            run.warn([Problem("customer.two_accounts", facts)])
    return records[(deal.bill_to or deal.customer).key]


def _customers(deal: Engagement) -> list[Customer]:
    """Everybody the ledger must know, parents first, each once (T07)."""
    everybody = [*deal.ancestors, deal.customer, *([deal.bill_to] if deal.bill_to else [])]
    return list({each.key: each for each in everybody}.values())


def _said(deal: Engagement, problem: Problem) -> bool:
    """A value that the deal does not say at all is missing, not unknown: one problem, not two."""
    return bool(problem.facts.get("value", problem.facts.get("package", "said")))


def state_for_sales(status: str, message: str, deal: Engagement) -> dict[str, str]:
    return {"status": status, "message": message, "engagement": deal.key}


def _value(deal: Engagement) -> Money | None:
    return Money(deal.amount, deal.currency) if deal.amount is not None and deal.currency else None
