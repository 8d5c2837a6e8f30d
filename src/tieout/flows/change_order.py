"""A change order that is approved becomes the next version of its contract, in every system or with a hold (T34, T35, T36)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

from tieout.domain.amending import Done, change_problems, reductions_below, revenue_facts, terms_of_change
from tieout.domain.approving import acceptances, gate_terms
from tieout.domain.charging.billing import agreement_of
from tieout.domain.charging.preview import preview
from tieout.domain.contract_changes import amended, differences
from tieout.domain.documents.change_order import ChangeOrder
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.package import RateCard
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref, business_key
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.projects import tasks_of
from tieout.domain.replanning import replanned
from tieout.engine.run import Row, Run, flow
from tieout.flows.charged import charged
from tieout.flows.kickoff import on, open_books, set_up_project, state_for_sales, tell_keys, version_of
from tieout.flows.usage_records import check_usage_of
from tieout.flows.waiting_time import look_again
from tieout.systems.systems import Systems


def lane_of_its_deal(message: Row) -> str:
    """Serial with everything else about the engagement."""
    return business_key("ENG", Ref(message["connection"], "opportunity", str(message["payload"]["deal"])))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change order is about, as it stood when the run began."""

    order: ChangeOrder
    deal: Engagement
    contract: Contract
    projects: Sequence[Project]
    card: RateCard
    link: str


@flow(
    version=1,
    title="Change order → contract version in every system",
    starts_on=("crm", "change_order"),
    lane=lane_of_its_deal,
    errand="interactive",
)
async def change_order(run: Run, systems: Systems) -> None:
    about = await read(run, systems, Ref.parse(run.subject))
    made = about.contract.made_by(about.order.key)
    if made is None:
        about, made = await agree(run, systems, about)
    await carry(run, systems, about)
    before = about.contract.before(made)
    assert before is not None, "what an order makes has a version before it"
    await run.stand("contract_versions", about.deal.key, [])
    await ask_finance(run, systems, about, before, made)
    await look_at_the_deal(run, about, made)
    await check_usage_of(run, systems, about.deal.key)
    await run.wake("time_to_invoice", about.deal.key)


async def look_at_the_deal(run: Run, about: Subject, made: ContractVersion) -> None:
    """What was said of the deal while the contract was another one may be settled by this version."""
    deal = Ref(Ref.parse(run.subject).connection, "opportunity", about.deal.source_id)
    await run.start(
        "opportunity_to_project",
        str(deal),
        f"contract version {made.version}",
        lane=about.deal.key,
        engagement=about.deal.key,
    )


async def read(run: Run, systems: Systems, ref: Ref) -> Subject:
    """The order with its contract and project. An order that is not approved changes nothing; work on it is at risk (T35)."""
    crm, register = systems.crm(ref.connection), systems.register
    reading = await run.step("read the change order", crm.read, ref)
    if reading is None:
        run.ignore("the change order is gone")
    order = cast(ChangeOrder, reading.document)
    deal, contract = await register.engagement(order.engagement), await register.contract(order.engagement)
    projects = await register.projects_of(order.engagement)
    entity = projects[0].legal_entity if projects else None
    worth = Money(order.delta, deal.currency) if deal and deal.currency else None
    title = f"{order.name}, {deal.name}" if deal else order.name
    await run.about(title=title, entity=entity, engagement=order.engagement, amount=worth)
    await register.save(order, entity=None, engagement=order.engagement, trail=reading.trail)
    if order.state != "approved" and (contract is None or contract.made_by(order.key) is None):
        if projects and order.state != "draft":  # hours on a task of it wait for its decision, or do so no more
            await look_again(run, systems, systems.psa(projects[0].legal_entity).name)
        run.ignore(f"the change order is {order.state}: nothing changes until it is approved")
    link = crm.link(ref)
    psa = systems.psa(projects[0].legal_entity).name if projects else ""
    known = any(await register.record_ids("project", [each.key for each in projects], psa))
    if deal is None or contract is None or not known:
        facts = {"order": order.name, "deal": deal.name if deal else "", "link": link}
        await run.hold([Problem("change.invalid", {**facts, "reason": "its deal has no contract and project yet"})])
        raise AssertionError("a hold ends the run")
    card = systems.firm.named_rate_card(contract.current.rate_card)
    assert card is not None, "the firm folder lost a rate card that a contract stands on"
    return Subject(order, deal, contract, projects, card, link)


async def agree(run: Run, systems: Systems, about: Subject) -> tuple[Subject, ContractVersion]:
    """The next version, once nothing keeps it from being applied and everybody whom the firm's rules name has accepted it."""
    order, firm, before = about.order, systems.firm, about.contract.current
    deal, link, tasks = about.deal.name, about.link, tasks_of(about.projects)
    await run.hold(change_problems(about.contract, order, tasks, firm, about.card, deal=deal, link=link))
    packages = {each.package: found for each in order.lines if (found := firm.package(each.package)) is not None}
    version = amended(before, order, packages)
    done = await systems.register.done(order.engagement)
    await run.hold(reductions_below(before, version, order, tasks, done, deal=deal, link=link))
    contract = about.contract.model_copy(update={"versions": (*about.contract.versions, version)})
    moved = await reaches_back(run, systems, about, contract)
    entity, worth = about.contract.legal_entity, version.amount
    own = terms_of_change(before, version, order, firm, today=run.today(), moved=moved)
    terms = [*own, *gate_terms(firm, worth, version.currency, entity=entity)]
    asked = acceptances("the change order", firm, worth, version.currency, entity=entity, finance=bool(own))
    for each in asked:
        refusal = await run.approval(each.title, terms, requested_by=order.requested_by, of=each.of, gate=each.gate)
        if refusal:
            await tell_sales(run, systems, about, "Change order rejected", refusal)
            run.ignore(refusal)
    key = business_key("PRJ", Ref(Ref.parse(run.subject).connection, "opportunity", about.deal.source_id))
    projects = replanned(about.projects, before, version, order, firm, about.card, key=key, deal=deal)
    await run.step(f"agree version {version.version} of the contract", systems.register.agree, contract, *projects)
    return replace(about, contract=contract, projects=projects), version


async def reaches_back(run: Run, systems: Systems, about: Subject, contract: Contract) -> Sequence[str]:
    """What becomes of work that is done and not billed, where the change holds from a day that is over (T20)."""
    if contract.current.effective_from >= run.today():
        return ()
    of = await charged(systems, about.deal, about.contract, run.today())
    was, becomes = (
        agreement_of(*each.versions, elsewhere=of.agreement.elsewhere, shared=of.agreement.shared)
        for each in (about.contract, contract)
    )
    return preview(was, becomes, replace(of.ledger, dues=()), of.beside)


async def carry(run: Run, systems: Systems, about: Subject) -> None:
    """To the PSA, the ERP and the CRM, each of which confirms it. Where one refuses, the run waits and goes on from there."""
    project, register = about.projects[0], systems.register
    await show_what_lacks(systems, about.projects)
    for each in about.projects:
        await carry_to(run, systems, about, each)
    message = f"{about.order.name} is agreed: it holds from {about.contract.current.effective_from}."
    await tell_sales(run, systems, about, f"Contract version {project.contract_version}", message)
    await register.shows(project, systems.crm(Ref.parse(run.subject).connection).name, whole=True)


async def show_what_lacks(systems: Systems, projects: Sequence[Project]) -> None:
    """A project that the order brings shows nothing of the contract as long as no system has it, and that is seen."""
    psa, erp = systems.psa(projects[0].legal_entity).name, systems.erp(projects[0].legal_entity).name
    for each in projects:
        if await systems.register.record_id("project", each.key, psa) is None:
            await systems.register.shows(each.model_copy(update={"contract_version": 0}), psa, erp)


async def carry_to(run: Run, systems: Systems, about: Subject, project: Project) -> None:
    """One project in the PSA and the ERP; one that the order brought is made there first."""
    register = systems.register
    psa, erp = systems.psa(project.legal_entity), systems.erp(project.legal_entity)
    customer = await erp.known_customer(project.customer)
    record = await register.record_id("project", project.key, psa.name)
    in_books = await register.record_id("project", project.key, erp.name)
    if record is None:
        in_books = await open_books(run, systems, project, customer) if customer else ""
        client = await run.step("client in the PSA", psa.ensure_client, about.deal.customer)
        record = await set_up_project(run, systems, project, client, in_books)
    await run.step(on(project, "new roles and tasks in the PSA"), psa.add_tasks, project, record)
    await run.step(on(project, "tasks, hours and rates in the PSA"), psa.plan_tasks, project)
    await run.step(on(project, "budget and dates in the PSA"), psa.set_state, project, record)
    await tell_keys(run, systems, project, record, in_books=bool(in_books))
    await register.shows(project, psa.name)
    if in_books:
        await run.step(on(project, "new tasks in the ERP"), erp.add_tasks, project, in_books)
        await run.step(on(project, "budget, hours and version in the ERP"), erp.set_state, project, in_books)
        await register.shows(project, erp.name)


async def tell_sales(run: Run, systems: Systems, about: Subject, status: str, message: str) -> None:
    crm = systems.crm(Ref.parse(run.subject).connection)
    state = state_for_sales(status, message, about.deal) | version_of(about.projects[0])
    await run.step("tell sales", crm.report, about.deal.source_id, "state", state)


async def ask_finance(
    run: Run, systems: Systems, about: Subject, before: ContractVersion, made: ContractVersion
) -> None:
    """The facts for the revenue decision wait for finance; nothing else waits for them (T34)."""
    order = about.order
    if await run.decision(f"change.revenue:{order.key}") is not None:
        return
    done: Done = await systems.register.done(order.engagement)
    was, becomes = (str(Money(each.amount, each.currency)) for each in (before, made))
    facts = {
        "version": str(made.version), "deal": about.deal.name, "before": was, "after": becomes, "link": about.link,
        "facts": revenue_facts(before, made, order, differences(before, made), done), "about": order.key,
    }  # fmt: skip
    amount = Money(max(made.amount - before.amount, Decimal(0)), made.currency)
    run.warn([Problem("change.revenue", facts, amount=amount)])
