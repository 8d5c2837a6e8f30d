"""At the cut-off, unbilled work and what is due beside it become an invoice proposal in the ERP, read back to the cent (T13-T40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from tieout.domain.charging.billing import Decision, above_caps, decide
from tieout.domain.charging.due import without_product
from tieout.domain.charging.near import near_caps
from tieout.domain.charging.pieces import LASTING
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Engagement
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.paying import SplitBilling, proposed, split_of
from tieout.domain.problems import Conflict, Problem
from tieout.domain.projects import title
from tieout.domain.proposal import differences, period_end
from tieout.domain.readiness import missing_for_billing
from tieout.domain.spanning import in_other_currencies
from tieout.engine.run import Run, flow
from tieout.flows.charged import Charged, charged
from tieout.flows.crediting import to_credit
from tieout.flows.usage_records import check_usage_of
from tieout.systems.systems import Systems


@flow(version=1, title="Approved time → invoice proposal", errand="billing")
async def time_to_invoice(run: Run, systems: Systems) -> None:
    engagement, period = run.subject.split("/")
    key = f"{engagement}-{period}"
    made = await proposals(systems, engagement, key)
    if made:
        await judge_anew(run, systems, engagement, period)
    else:
        made = await make_proposal(run, systems, engagement, period)
    net = Money(sum((each.net for each in made), Decimal(0)), made[0].currency)
    await run.about(title=f"invoice {key}", entity=made[0].legal_entity, engagement=engagement, amount=net)
    stored = {row["key"]: row for row in await systems.register.invoices_of(engagement)}
    ours = [each for each in made if stored[each.key]["state"] in ("proposed", "draft")]
    if not ours:
        run.ignore(f"finance has it: {', '.join(dict.fromkeys(stored[each.key]['state'] for each in made))}")
    # Those on a document with others are drafted with it (flows/consolidated_invoice.py).
    alone = [each for each in ours if stored[each.key]["consolidated"] is None]
    await run.hold([problem for each in alone for problem in await draft(run, systems, each)])


async def proposals(systems: Systems, engagement: str, key: str) -> list[Invoice]:
    """What was proposed before for a period: one invoice, or one for each project and payer."""
    keys = [
        row["key"]
        for row in await systems.register.invoices_of(engagement)
        if (row["key"] == key or row["key"].startswith((f"{key}-P", f"{key}-S"))) and row["corrects"] is None
    ]
    return [made for each in keys if (made := await systems.register.latest(Invoice, each)) is not None]


async def draft(run: Run, systems: Systems, invoice: Invoice) -> list[Problem]:
    """Makes one draft; where the ERP computed otherwise."""
    erp = systems.erp(invoice.legal_entity)
    customer = await erp.known_customer(invoice.customer)
    if customer is None:
        raise Conflict(f"{erp.name} does not know {invoice.customer} yet")
    project = await systems.register.record_id("project", invoice.project, erp.name)
    told = await run.step("draft invoice in the ERP", erp.propose, invoice, customer=customer, project=project)
    record = await systems.register.invoice(invoice.key)
    link = erp.link(Ref(erp.name, "invoice", record["record_id"])) if record else ""
    return differences(invoice, told, link=link)


async def make_proposal(run: Run, systems: Systems, engagement: str, period: str) -> list[Invoice]:
    """The proposal of this engagement and period, an invoice for each project and payer, stored with its evidence before anybody
    else hears of it."""
    register = systems.register
    deal, projects = await register.engagement(engagement), await register.projects_of(engagement)
    if deal is None or not projects:
        run.ignore("nothing was agreed for this engagement")
    project = projects[0]
    await run.about(title=f"{deal.name}, {period}", entity=project.legal_entity, engagement=deal.key)
    if all(each.state != "active" for each in projects):
        run.ignore(f"the project is {project.state.replace('_', ' ')}")
    contract = await register.contract(engagement)
    if contract is None:
        run.ignore("nothing was agreed for this engagement")
    through, rounding = period_end(period), systems.firm.billing.rounding
    crm = systems.crm_of(project.legal_entity)
    link = crm.link(Ref(crm.name, "opportunity", deal.source_id))
    await check_usage_of(run, systems, deal.key)
    corrects: Mapping[tuple[str, str], Sequence[str]] = {}

    while True:
        of = await charged(systems, deal, contract, through)
        split = split_of(systems.firm.payers, of.deal)
        proposing = partial(
            proposed, split, deal, projects, of.ledger.evidence, period=period, today=run.today(), rounding=rounding
        )
        decision = decide(of.agreement, of.ledger, partial(proposing, corrects=corrects), beside=of.beside)
        if corrects := await to_credit(run, systems, of.ledger, decision):
            decision = decide(of.agreement, of.ledger, partial(proposing, corrects=corrects), beside=of.beside)
        amount = Money(decision.proposal.net, project.currency) if decision.proposal else None
        await run.about(title=f"{deal.name}, {period}", engagement=deal.key, amount=amount)
        if amount is not None or decision.problems:
            others = in_other_currencies(systems.firm.caps, of.deal, link=link)
            products = without_product(of.dues, link=link)
            unknown = await unknown_payers(systems, split, deal, project.legal_entity, link)
            await run.hold([*missing_for_billing(deal, link=link), *unknown, *others, *products, *decision.problems])
        if await run.step(
            "write what becomes of the work, and the proposal",
            register.decide, project, decision, of.dues, of.turns, systems.firm.consolidated,
        ):  # fmt: skip
            break  # else another engagement was billed beneath a limit of both meanwhile: decide again
    await tell_of_limits(run, of, decision, title(projects, deal.name), link)
    if decision.proposal is None:
        run.ignore("nothing to bill")
    return [each.invoice for each in decision.proposal.every]


async def judge_anew(run: Run, systems: Systems, engagement: str, period: str) -> None:
    """Where the invoice of the period is there: what is above a limit is judged by the limits of now, and billed with the next."""
    register = systems.register
    deal, projects = await register.engagement(engagement), await register.projects_of(engagement)
    contract = await register.contract(engagement)
    if deal is None or not projects or contract is None:
        return
    crm = systems.crm_of(projects[0].legal_entity)
    link = crm.link(Ref(crm.name, "opportunity", deal.source_id))
    of = await charged(systems, deal, contract, period_end(period))
    decision = decide(of.agreement, of.ledger, lambda _: (None, []), beside=of.beside)
    # What lasts is decided with the next invoice.
    decision = replace(decision, pieces=[each for each in decision.pieces if each.fate not in LASTING])
    await run.step("judge again what is not billed", register.decide, projects[0], decision, of.dues, of.turns)
    await tell_of_limits(run, of, decision, title(projects, deal.name), link)


async def tell_of_limits(run: Run, of: Charged, decision: Decision, project: str, link: str) -> None:
    above = above_caps(of.agreement, decision.pieces, project=project, link=link)
    near = near_caps(of.agreement, of.ledger, decision.pieces, project=project, link=link)
    await run.stand("time_to_invoice", f"{of.deal.key}/caps", [*above, *near])


async def unknown_payers(
    systems: Systems, split: SplitBilling | None, deal: Engagement, entity: str, link: str
) -> list[Problem]:
    """Payers of a share whom the ERP does not have."""
    erp = systems.erp(entity)
    names = [each.customer for each in split.payers] if split else []
    return [
        Problem("billing.payer_unknown", {"payer": each, "deal": deal.name, "system": erp.name, "link": link})
        for each in names
        if await erp.known_customer(each) is None
    ]
