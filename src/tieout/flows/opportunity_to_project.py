"""A won deal becomes a customer and a billable project in the ERP and the PSA, and sales hears of it (T01-T12)."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from tieout.connectors.contract import Reading
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref, business_key
from tieout.domain.matching import question
from tieout.domain.money import Money
from tieout.domain.planning import first_contract, plan_project
from tieout.domain.problems import Problem, explain
from tieout.domain.readiness import (
    Enriched,
    enrich,
    entity_of,
    hierarchy_problems,
    missing_for_billing,
    missing_for_kickoff,
    terms_needing_finance,
)
from tieout.engine.run import Row, Run, flow
from tieout.flows.deal_withdrawn import withdraw
from tieout.flows.names import tell_names
from tieout.systems.systems import Systems


def engagement_lane(message: Row) -> str:
    """Everything about one engagement is serial."""
    return business_key("ENG", Ref(message["connection"], message["kind"], message["record_id"]))


@flow(
    version=1,
    title="Won deal → customer, project, kickoff",
    starts_on=("crm", "opportunity"),
    lane=engagement_lane,
)
async def opportunity_to_project(run: Run, systems: Systems) -> None:
    ref = Ref.parse(run.subject)
    crm = systems.crm(ref.connection)
    reading = await run.step("read the deal", crm.read, ref)
    contract = await systems.register.contract(business_key("ENG", ref))
    if reading is None or cast(Engagement, reading.document).stage != "won":
        if contract is None:
            run.ignore("the deal is not won")
        await withdraw(run, systems, ref, reading, contract)
        return
    deal = await systems.register.canonical(cast(Engagement, reading.document), crm.name)
    enriched = await ready(run, systems, ref, deal, reading)
    deal = await systems.register.canonical(deal, crm.name)
    project = await agreed(run, systems, ref, deal, reading, enriched, contract)
    await set_up(run, systems, ref, deal, project)
    run.warn(missing_for_billing(deal, link=crm.link(ref)))
    await run.wake("time_to_invoice", deal.key)


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
    if problems or enriched is None:
        message = "\n".join(f"{explain(each).what} {explain(each).fix}" for each in problems)[:2000]
        await run.step("tell sales what is missing", crm.report, ref.id, "state", _state("On hold", message, deal))
    await run.hold(problems)
    return cast(Enriched, enriched)


async def agreed(
    run: Run,
    systems: Systems,
    ref: Ref,
    deal: Engagement,
    reading: Reading,
    enriched: Enriched,
    contract: Contract | None,
) -> Project:
    """Contract version 1 and its project; a later edit of the deal moves neither (T05)."""
    crm, register = systems.crm(ref.connection), systems.register
    if contract is None:
        terms = terms_needing_finance(deal, systems.firm)
        if terms:
            text = "; ".join(terms)
            await run.step("tell sales", crm.report, ref.id, "state", _state("Waiting for finance", text, deal))
        refusal = await run.approval("Finance accepts the terms", terms, requested_by=deal.owner)
        if refusal:
            await run.step("tell sales", crm.report, ref.id, "state", _state("Terms rejected", refusal, deal))
            run.ignore(refusal)
        contract = first_contract(deal, enriched, effective_from=deal.start or run.today())
    elif deal.amount is not None and deal.amount != contract.current.amount:
        run.warn([_amount_changed(deal, contract, crm.link(ref))])
    await register.save(deal, entity=enriched.entity, engagement=deal.key, trail=reading.trail)
    await run.step("agree the contract", register.save, contract, entity=enriched.entity, engagement=deal.key)
    project = await register.project_of(deal.key)
    if project is None:
        card = systems.firm.named_rate_card(contract.current.rate_card)
        assert card is not None, "the firm folder lost a rate card that a contract stands on"
        project = plan_project(deal, contract.current, enriched, card, key=business_key("PRJ", ref))
    project = project.model_copy(
        update={"state": "active", "po_number": deal.po_number, "customer": (deal.bill_to or deal.customer).key}
    )
    await run.step("plan the project", register.save, project, entity=enriched.entity, engagement=deal.key)
    return project


async def set_up(run: Run, systems: Systems, ref: Ref, deal: Engagement, project: Project) -> None:
    """Customers first, parents before children, then the project in both systems, then the news for sales."""
    crm, register = systems.crm(ref.connection), systems.register
    erp, psa = systems.erp(project.legal_entity), systems.psa(project.legal_entity)
    await register.link("engagement", deal.key, crm.name, ref.id)
    records: dict[str, str] = {}
    for customer in _customers(deal):
        await register.link("customer", customer.key, crm.name, customer.source_id)
        known = await register.known_as(customer, crm.name)
        version = await register.save(known, entity=project.legal_entity, engagement=None)
        records[customer.key] = await run.step(
            f"customer {customer.name} in the ERP", erp.ensure_customer, known, version
        )
        if known.source_id == customer.source_id:
            await run.step("its number in the CRM", crm.report_customer, customer.source_id, customer.key)
        else:
            facts = {
                "account": customer.name,
                "customer": known.name,
                "link": crm.link(ref),
                "about": customer.source_id,
            }
            run.warn([Problem("customer.two_accounts", facts)])
    payer = deal.bill_to or deal.customer
    in_erp = await run.step("project in the ERP", erp.ensure_project, project, customer=records[payer.key])
    client = await run.step("client in the PSA", psa.ensure_client, deal.customer)
    in_psa = await run.step("project in the PSA", psa.ensure_project, project, client=client)
    await run.step("tasks, hours and rates in the PSA", psa.plan_tasks, project)
    await run.step("project is open in the ERP", erp.set_state, project, in_erp)
    await run.step("project is active in the PSA", psa.set_state, project, in_psa)
    names = {deal.customer.key: deal.customer.name, project.key: deal.name}
    await tell_names(run, systems, names, link=crm.link(ref))
    facts = {"engagement": deal.key, "erp_project": project.key}
    await run.step("keys in the PSA", psa.report, project.key, in_psa, "keys", facts)
    state = _state("Project ready", "", deal) | {"erp_project": project.key, "psa_project": in_psa}
    await run.step("tell sales", crm.report, ref.id, "state", state)


def _customers(deal: Engagement) -> list[Customer]:
    """Everybody the ledger must know, parents first, each once (T07)."""
    everybody = [*deal.ancestors, deal.customer, *([deal.bill_to] if deal.bill_to else [])]
    return list({each.key: each for each in everybody}.values())


def _said(deal: Engagement, problem: Problem) -> bool:
    """A value that the deal does not say at all is missing, not unknown: one problem, not two."""
    return bool(problem.facts.get("value", problem.facts.get("package", "said")))


def _state(status: str, message: str, deal: Engagement) -> dict[str, str]:
    return {"status": status, "message": message, "engagement": deal.key}


def _amount_changed(deal: Engagement, contract: Contract, link: str) -> Problem:
    now, before = (str(Money(each, deal.currency)) for each in (deal.amount or Decimal(0), contract.current.amount))
    facts = {"deal": deal.name, "now": now, "before": before, "version": str(contract.current.version), "link": link}
    return Problem("deal.amount_changed", facts)


def _value(deal: Engagement) -> Money | None:
    return Money(deal.amount, deal.currency) if deal.amount is not None and deal.currency else None
