"""A deal may begin before it is signed: a tentative project whose time is at risk, until it is won or its term is over (T06)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from tieout.connectors.contract import Reading
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.early_start import is_over, last_day, may_go_on, terms_of_risk
from tieout.domain.firm import EarlyStartRule
from tieout.domain.identity import Ref, business_key
from tieout.domain.money import Money
from tieout.domain.planning import plan_projects, unsigned_terms
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.domain.readiness import Enriched
from tieout.engine.run import Run
from tieout.flows.approved_expenses import check_expenses
from tieout.flows.approved_time import deliver
from tieout.flows.deal_withdrawn import stop
from tieout.flows.kickoff import plan, ready, set_up, state_for_sales
from tieout.flows.usage_records import check_usage_of
from tieout.flows.waiting_time import check_time, look_again
from tieout.systems.systems import Systems


async def work_unsigned(run: Run, systems: Systems, ref: Ref, reading: Reading | None) -> None:
    """What becomes of a deal that is not won: its work begins, goes on, or stops, as the firm's rule says today."""
    deal = cast(Engagement, reading.document) if reading else None
    projects = await systems.register.projects_of(business_key("ENG", ref))
    rule = systems.firm.early_start
    if rule is None or reading is None or deal is None or not may_go_on(rule, deal):
        if not projects:
            run.ignore("the deal is not won")
        await stop_unsigned(run, systems, ref, deal, projects, "early_start.lost")
    elif projects and is_over(projects[0], run.today()):
        await stop_unsigned(run, systems, ref, deal, projects, "early_start.over")
    else:
        await begin(run, systems, ref, deal, reading, projects, rule)


async def begin(
    run: Run,
    systems: Systems,
    ref: Ref,
    deal: Engagement,
    reading: Reading,
    projects: Sequence[Project],
    rule: EarlyStartRule,
) -> None:
    """The tentative projects, set up once their risk is accepted; those that are there already go on within their term."""
    crm, register = systems.crm(ref.connection), systems.register
    deal = await register.canonical(deal, crm.name)
    enriched = await ready(run, systems, ref, deal, reading)
    deal = await register.canonical(deal, crm.name)
    if not projects:
        await accepted(run, systems, ref, deal, rule)
        projects = planned(run, systems, ref, deal, enriched, rule)
    payer = (deal.bill_to or deal.customer).key
    told = {"state": "tentative", "po_number": deal.po_number, "customer": payer}
    projects = [each.model_copy(update=told) for each in projects]
    await plan(run, systems, projects, "tentative project")
    numbers = await set_up(run, systems, ref, deal, projects, in_erp=rule.in_erp)
    message = f"Work may go on until {projects[0].tentative_until} without a signature; its hours are at risk."
    state = state_for_sales("Tentative project", message, deal) | numbers
    await run.step("tell sales", crm.report, ref.id, "state", state)


async def accepted(run: Run, systems: Systems, ref: Ref, deal: Engagement, rule: EarlyStartRule) -> None:
    """Goes on when everybody whom the rule names has accepted the risk."""
    crm, terms = systems.crm(ref.connection), terms_of_risk(deal, rule)
    for who in rule.approval:
        state = state_for_sales(f"Waiting for {who}", "; ".join(terms), deal)
        await run.step("tell sales", crm.report, ref.id, "state", state)
        refusal = await run.approval(
            f"{who.capitalize()} accepts work before the signature", terms, requested_by=deal.owner
        )
        if refusal:
            state = state_for_sales("Early start rejected", refusal, deal)
            await run.step("tell sales", crm.report, ref.id, "state", state)
            run.ignore(refusal)


def planned(
    run: Run, systems: Systems, ref: Ref, deal: Engagement, enriched: Enriched, rule: EarlyStartRule
) -> list[Project]:
    card = systems.firm.named_rate_card(enriched.rate_card)
    assert card is not None, "the firm folder lost a rate card that it named a moment ago"
    terms = unsigned_terms(deal, enriched, effective_from=deal.start or run.today())
    projects = plan_projects(deal, terms, enriched, card, key=business_key("PRJ", ref))
    return [each.model_copy(update={"tentative_until": last_day(rule, run.today())}) for each in projects]


async def stop_unsigned(
    run: Run, systems: Systems, ref: Ref, deal: Engagement | None, projects: Sequence[Project], code: str
) -> None:
    """No time can be booked any more. Where people have worked, the hours and their worth wait for sales and delivery."""
    project, register = projects[0], systems.register
    risks = [await register.at_risk(each.key) for each in projects]
    minutes = sum(each for each, _ in risks)
    amount, hours = Money(sum((each for _, each in risks), Decimal(0)), project.currency), hours_text(minutes)
    await run.about(title=project.name, entity=project.legal_entity, engagement=project.engagement, amount=amount)
    for each, (worked, _) in zip(projects, risks, strict=True):
        stopped = each.model_copy(update={"state": "on_hold" if worked else "archived"})
        await register.save(stopped, entity=project.legal_entity, engagement=project.engagement)
        await stop(run, systems, stopped)
    crm = systems.crm(ref.connection)
    if deal is not None:
        status = "Project on hold" if minutes else "Project closed"
        message = f"Not signed by {project.tentative_until}." if code == "early_start.over" else "Never signed."
        at_risk = f" {hours} hours, worth {amount}, are at risk." if minutes else ""
        state = state_for_sales(status, message + at_risk, deal)
        await run.step("tell sales", crm.report, ref.id, "state", state)
    if minutes:
        facts = {
            "deal": deal.name if deal else project.name,
            "stage": deal.stage_name if deal else "deleted",
            "until": str(project.tentative_until),
            "hours": hours,
            "amount": str(amount),
            "link": crm.link(ref),
        }
        await run.hold([Problem(code, facts, amount=amount)])


async def make_billable(run: Run, systems: Systems, projects: Sequence[Project]) -> None:
    """The contract is there: what was worked before it is priced by it, goes to the ERP, and is billed like all other work."""
    for project in projects:
        for connection, entries in (await systems.register.early_entries(project.key)).items():
            await check_time(run, systems, connection, entries)
            await look_again(run, systems, connection)
        for connection, expenses in (await systems.register.early_expenses(project.key)).items():
            await check_expenses(run, systems, connection, expenses)
    project = projects[0]
    await check_usage_of(run, systems, project.engagement)
    await deliver(run, systems, systems.psa(project.legal_entity).name)
