"""At the cut-off, unbilled work and what is due beside it become an invoice proposal in the ERP, read back to the cent (T13-T40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tieout.domain.charging.billing import above_caps, decide
from tieout.domain.charging.due import without_product
from tieout.domain.charging.near import near_caps
from tieout.domain.documents.billing import Invoice
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Conflict, Problem
from tieout.domain.proposal import Proposal, differences, period_end, propose
from tieout.domain.readiness import missing_for_billing
from tieout.domain.spanning import in_other_currencies
from tieout.engine.run import Run, flow
from tieout.flows.charged import charged
from tieout.flows.crediting import to_credit
from tieout.flows.usage_records import check_usage_of
from tieout.systems.systems import Systems


@flow(version=1, title="Approved time → invoice proposal", errand="billing")
async def time_to_invoice(run: Run, systems: Systems) -> None:
    engagement, period = run.subject.split("/")
    key = f"{engagement}-{period}"
    invoice = await systems.register.latest(Invoice, key) or await make_proposal(run, systems, engagement, period)
    await run.about(
        title=f"invoice {key}",
        entity=invoice.legal_entity,
        engagement=invoice.engagement,
        amount=Money(invoice.net, invoice.currency),
    )
    row = await systems.register.invoice(key)
    if row is not None and row["state"] not in ("proposed", "draft"):
        run.ignore(f"finance has it: {row['state']}")
    erp = systems.erp(invoice.legal_entity)
    customer = await erp.known_customer(invoice.customer)
    if customer is None:
        raise Conflict(f"{erp.name} does not know {invoice.customer} yet")
    project = await systems.register.record_id("project", invoice.project, erp.name)
    told = await run.step("draft invoice in the ERP", erp.propose, invoice, customer=customer, project=project)
    record = await systems.register.invoice(key)
    link = erp.link(Ref(erp.name, "invoice", record["record_id"])) if record else ""
    await run.hold(differences(invoice, told, link=link))


async def make_proposal(run: Run, systems: Systems, engagement: str, period: str) -> Invoice:
    """The proposal of this engagement and period, stored with its evidence before anybody else hears of it."""
    register = systems.register
    deal, project = await register.engagement(engagement), await register.project_of(engagement)
    if deal is None or project is None:
        run.ignore("nothing was agreed for this engagement")
    await run.about(title=f"{deal.name}, {period}", entity=project.legal_entity, engagement=deal.key)
    if project.state != "active":
        run.ignore(f"the project is {project.state.replace('_', ' ')}")
    contract = await register.contract(engagement)
    if contract is None:
        run.ignore("nothing was agreed for this engagement")
    through, rounding = period_end(period), systems.firm.billing.rounding
    crm = systems.crm_of(project.legal_entity)
    link = crm.link(Ref(crm.name, "opportunity", deal.source_id))
    await check_usage_of(run, systems, deal.key)
    corrects: Sequence[str] = ()

    def proposed(work: Sequence[Mapping[str, Any]]) -> tuple[Proposal | None, list[Problem]]:
        return propose(deal, project, work, period=period, today=run.today(), rounding=rounding, corrects=corrects)

    while True:
        of = await charged(systems, deal, contract, through)
        decision = decide(of.agreement, of.ledger, proposed, beside=of.beside)
        if corrects := await to_credit(run, systems, of.ledger, decision):
            decision = decide(of.agreement, of.ledger, proposed, beside=of.beside)
        amount = Money(decision.proposal.invoice.net, project.currency) if decision.proposal else None
        await run.about(title=f"{deal.name}, {period}", engagement=deal.key, amount=amount)
        if amount is not None or decision.problems:
            others = in_other_currencies(systems.firm.caps, of.deal, link=link)
            products = without_product(of.dues, link=link)
            await run.hold([*missing_for_billing(deal, link=link), *others, *products, *decision.problems])
        if await run.step(
            "write what becomes of the work, and the proposal", register.decide, project, decision, of.dues, of.turns
        ):
            break  # else another engagement was billed beneath a limit of both meanwhile: decide again
    above = above_caps(of.agreement, decision.pieces, project=project.name, link=link)
    near = near_caps(of.agreement, of.ledger, decision.pieces, project=project.name, link=link)
    await run.stand("time_to_invoice", f"{deal.key}/caps", [*above, *near])
    if decision.proposal is None:
        run.ignore("nothing to bill")
    return decision.proposal.invoice
