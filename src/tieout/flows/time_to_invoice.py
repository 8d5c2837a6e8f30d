"""At the cut-off, unbilled work and what is due beside it become an invoice proposal in the ERP, read back to the cent (T13-T40)."""

from __future__ import annotations

from decimal import Decimal

from tieout.domain.documents.billing import Invoice
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Conflict, Problem
from tieout.domain.proposal import differences
from tieout.engine.run import Run, flow
from tieout.flows.cut_off import cut_off_of, judge_anew, make_proposal
from tieout.flows.redrafting import redraft
from tieout.systems.systems import Systems


@flow(version=1, title="Approved time → invoice proposal", errand="billing")
async def time_to_invoice(run: Run, systems: Systems) -> None:
    engagement, period = run.subject.split("/")
    key = f"{engagement}-{period}"
    asked = await cut_off_of(systems, engagement, period)
    if asked is None:
        run.ignore("nothing was agreed for this engagement")
    title, entity = f"{asked.deal.name}, {period}", asked.project.legal_entity
    await run.about(title=title, entity=entity, engagement=engagement)
    before = await systems.drafts.made(engagement, key)
    if before:
        made = await redraft(run, systems, asked, before)
        if not made:
            await judge_anew(run, systems, asked)
            made = [each.invoice for each in before if each.state != "cancelled"] or [each.invoice for each in before]
    else:
        made = await make_proposal(run, systems, asked)
    net = Money(sum((each.net for each in made), Decimal(0)), made[0].currency)
    await run.about(title=f"invoice {key}", entity=made[0].legal_entity, engagement=engagement, amount=net)
    stored = {row["key"]: row for row in await systems.register.invoices_of(engagement)}
    ours = [each for each in made if stored[each.key]["state"] in ("proposed", "draft")]
    if not ours:
        run.ignore(f"finance has it: {', '.join(dict.fromkeys(stored[each.key]['state'] for each in made))}")
    # Those on a document with others are drafted with it (flows/consolidated_invoice.py).
    alone = [each for each in ours if stored[each.key]["consolidated"] is None]
    await run.hold([problem for each in alone for problem in await draft(run, systems, each)])


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
