"""A won deal becomes a customer and a billable project in the ERP and the PSA, and sales hears of it (T01-T12)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from tieout.connectors.contract import Reading
from tieout.domain.approving import acceptances, discount_terms, gate_terms
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.project import Project
from tieout.domain.early_start import unlike
from tieout.domain.identity import Ref, business_key
from tieout.domain.instances import quoted_otherwise
from tieout.domain.money import Money
from tieout.domain.planning import first_contract, plan_projects
from tieout.domain.problems import Problem
from tieout.domain.readiness import Enriched, missing_for_billing, terms_needing_finance
from tieout.engine.run import Row, Run, flow
from tieout.flows.deal_withdrawn import withdraw
from tieout.flows.early_start import make_billable, stop_unsigned, work_unsigned
from tieout.flows.kickoff import plan, ready, set_up, state_for_sales, tell_what_is_missing
from tieout.systems.systems import Systems


def engagement_lane(message: Row) -> str:
    """Everything about one engagement is serial."""
    return business_key("ENG", Ref(message["connection"], message["kind"], message["record_id"]))


@flow(
    version=1,
    title="Won deal → customer, project, kickoff",
    starts_on=("crm", "opportunity"),
    lane=engagement_lane,
    errand="interactive",
)
async def opportunity_to_project(run: Run, systems: Systems) -> None:
    ref = Ref.parse(run.subject)
    crm = systems.crm(ref.connection)
    reading = await run.step("read the deal", crm.read, ref)
    contract = await systems.register.contract(business_key("ENG", ref))
    if reading is None or cast(Engagement, reading.document).stage != "won":
        if contract is None:
            await work_unsigned(run, systems, ref, reading)
        else:
            await withdraw(run, systems, ref, reading, contract)
        return
    deal = await systems.register.canonical(cast(Engagement, reading.document), crm.name)
    enriched = await ready(run, systems, ref, deal, reading)
    deal = await systems.register.canonical(deal, crm.name)
    projects = await agreed(run, systems, ref, deal, reading, enriched, contract)
    numbers = await set_up(run, systems, ref, deal, projects)
    await make_billable(run, systems, projects)
    ready_ = "Project ready" if len(projects) == 1 else f"{len(projects)} projects ready"
    await run.step("tell sales", crm.report, ref.id, "state", state_for_sales(ready_, "", deal) | numbers)
    run.warn(missing_for_billing(deal, link=crm.link(ref)))
    await systems.register.shows(projects[0], crm.name, whole=True)
    await run.wake("change_order", deal.key)
    await run.wake("time_to_invoice", deal.key)


async def agreed(
    run: Run,
    systems: Systems,
    ref: Ref,
    deal: Engagement,
    reading: Reading,
    enriched: Enriched,
    contract: Contract | None,
) -> list[Project]:
    """Contract version 1 and its projects; a later edit of the deal moves neither (T05)."""
    crm, register = systems.crm(ref.connection), systems.register
    projects = await register.projects_of(deal.key)
    if contract is None:
        if projects:
            problems = unlike(projects, deal, enriched, link=crm.link(ref))
            await tell_what_is_missing(run, crm, ref, deal, problems)
            await run.hold(problems)
        await accepted(run, systems, ref, deal, enriched, projects)
        contract = first_contract(deal, enriched, effective_from=deal.start or run.today())
    else:
        run.warn(_moved(deal, contract, crm.link(ref)))
    await register.save(deal, entity=enriched.entity, engagement=deal.key, trail=reading.trail)
    await run.step("agree the contract", register.save, contract, entity=enriched.entity, engagement=deal.key)
    if not projects or projects[0].at_risk:
        card = systems.firm.named_rate_card(contract.current.rate_card)
        assert card is not None, "the firm folder lost a rate card that a contract stands on"
        began = projects[0].tentative_until if projects else None
        planned = plan_projects(deal, contract.current, enriched, card, key=business_key("PRJ", ref))
        projects = [each.model_copy(update={"tentative_until": began}) for each in planned]
    else:
        projects = [await derived_anew(systems, each, enriched) for each in projects]
    told = {"state": "active", "po_number": deal.po_number, "customer": (deal.bill_to or deal.customer).key}
    projects = [each.model_copy(update=told) for each in projects]
    await plan(run, systems, projects, "project")
    return projects


async def derived_anew(systems: Systems, project: Project, enriched: Enriched) -> Project:
    """A mistake in a value table can be corrected until the ledger has the project: so long it has what the tables say now."""
    erp = systems.erp(project.legal_entity)
    if await systems.register.record_id("project", project.key, erp.name) is not None:
        return project
    return project.model_copy(update={"department": enriched.department, "tax_class": enriched.tax_class})


async def accepted(
    run: Run, systems: Systems, ref: Ref, deal: Engagement, enriched: Enriched, projects: Sequence[Project]
) -> None:
    """Goes on when everybody whom the firm's rules name has accepted the terms; each of them is somebody else."""
    crm, firm = systems.crm(ref.connection), systems.firm
    card = firm.named_rate_card(enriched.rate_card)
    assert card is not None, "the firm folder lost a rate card that it named a moment ago"
    own = [*terms_needing_finance(deal, firm), *discount_terms(deal, firm, card, on=deal.start or run.today())]
    terms = [*own, *gate_terms(firm, deal.amount, deal.currency, entity=enriched.entity)]
    if terms:
        state = state_for_sales("Waiting for finance" if own else "Waiting for an approval", "; ".join(terms), deal)
        await run.step("tell sales", crm.report, ref.id, "state", state)
    asked = acceptances("the terms", firm, deal.amount, deal.currency, entity=enriched.entity, finance=bool(own))
    for each in asked:
        refusal = await run.approval(each.title, terms, requested_by=deal.owner, of=each.of, gate=each.gate)
        if refusal:
            if projects:
                refused = deal.model_copy(update={"stage_name": "refused by finance"})
                await stop_unsigned(run, systems, ref, refused, projects, "early_start.lost")
            await run.step("tell sales", crm.report, ref.id, "state", state_for_sales("Terms rejected", refusal, deal))
            run.ignore(refusal)


def _moved(deal: Engagement, contract: Contract, link: str) -> list[Problem]:
    """What sales edited after the win: told, and nothing follows by itself."""
    packages = quoted_otherwise(deal, contract)
    problems: list[Problem] = []
    if deal.amount not in (None, contract.versions[0].amount, contract.current.amount):
        problems.append(_amount_changed(deal, contract, link))
    if packages is not None:
        now, before = packages
        facts = {
            "deal": deal.name,
            "now": now,
            "before": before,
            "version": str(contract.current.version),
            "link": link,
        }
        problems.append(Problem("deal.quote_changed", facts))
    return problems


def _amount_changed(deal: Engagement, contract: Contract, link: str) -> Problem:
    now, before = (str(Money(each, deal.currency)) for each in (deal.amount or Decimal(0), contract.current.amount))
    facts = {"deal": deal.name, "now": now, "before": before, "version": str(contract.current.version), "link": link}
    return Problem("deal.amount_changed", facts)
