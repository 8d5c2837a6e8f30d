"""What finance decided comes back: invoice number, state, amounts and payments, to the CRM and to the project in the PSA."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from tieout.domain.acceptance import news
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Engagement
from tieout.domain.identity import Ref
from tieout.domain.invoice_status import status, written_off
from tieout.domain.mapping import at
from tieout.domain.money import Money
from tieout.domain.proposal import differences, engagement_of
from tieout.engine.run import Row, Run, by_subject, flow
from tieout.flows.credit_notes import credit_note, what_becomes
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems


def invoice_lane(message: Row) -> str:
    """Serial with everything else about the engagement, when it is one of ours."""
    reference = str(at(message, "payload.reference") or "")
    return engagement_of(reference) if reference.startswith("ENG-") else by_subject(message)


@flow(
    version=1,
    title="Invoice and payment → CRM and PSA",
    starts_on=("erp", "invoice"),
    lane=invoice_lane,
    errand="billing",
)
async def invoice_to_crm_and_psa(run: Run, systems: Systems) -> None:
    ref = Ref.parse(run.subject)
    erp = systems.erp_named(ref.connection)
    change = await run.step("read the invoice", erp.look_at_invoice, ref.id)
    if change is None or change.record is None:
        run.ignore("the invoice is gone")
    told = change.record
    key = str(told["reference"] or "")
    row, invoice = await systems.register.invoice(key), await systems.register.latest(Invoice, key)
    if told["type"] == "credit_note" and (row is None or row["record_id"] not in ("", ref.id)):
        await credited(run, systems, erp, ref, told)
        return
    if row is None or invoice is None:
        run.ignore(f"not one of ours: {told['number'] or ref.id}")
    if row["record_id"] not in ("", ref.id):
        run.ignore(f"another document with the reference {key}: {told['number'] or ref.id}")
    await run.about(
        title=f"invoice {told['number'] or key}",
        entity=invoice.legal_entity,
        engagement=invoice.engagement,
        amount=Money(Decimal(str(told["total"])), invoice.currency),
    )
    await run.step("note what finance decided", systems.register.invoice_decided, key, told)
    await report(run, systems, invoice, told)
    if told["state"] != "cancelled":
        run.warn(differences(invoice, told, link=erp.link(ref)))


async def credited(run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any]) -> None:
    """A credit note that finance made: entry by entry into the books, to sales and delivery, and then the question."""
    key, whole = await credit_note(run, systems, erp, ref, told)
    invoice = await systems.register.latest(Invoice, key[: key.rindex("-C")])
    assert invoice is not None, "a credit note stands beside an invoice of ours"
    await report(run, systems, invoice.model_copy(update={"key": key}), told)
    if whole is not None:
        await report(run, systems, invoice, whole)
    await what_becomes(run, systems, erp, ref, told, key)


async def report(run: Run, systems: Systems, invoice: Invoice, told: Mapping[str, Any]) -> None:
    """The same facts to sales and to delivery."""
    register = systems.register
    deal = cast(Engagement, await register.engagement(invoice.engagement))
    money = await register.money(deal.key)
    total, open_amount = (Decimal(str(told[name])) for name in ("total", "open_amount"))
    paid = sum((Decimal(str(each["amount"])) for each in told["payments"]), Decimal(0))
    given_up = written_off(told["state"], total, paid, open_amount)
    credited_ = await systems.credits.credited(invoice.key)
    state = status(told["state"], total, paid, credited_, given_up, disputed=bool(told.get("disputed")))
    crm = systems.crm_of(invoice.legal_entity)
    facts = {
        "key": invoice.key,
        "legal_entity": invoice.legal_entity,
        "currency": invoice.currency,
        **{name: told[name] for name in ("number", "invoice_date", "due_date", "net", "tax", "total")},
        "state": state,
        "paid": str(paid),
        "open_amount": told["open_amount"],
    }
    told_account = (deal.bill_to or deal.customer).source_id
    account = await register.record_id("customer", invoice.customer, crm.name) or told_account
    await run.step("invoice in the CRM", crm.show_invoice, invoice.key, facts, account=account, deal=deal.source_id)
    figures = {name: str(money[name]) for name in ("billed", "paid", "unbilled")} | {"invoice_status": state}
    await run.step("figures on the deal", crm.report, deal.source_id, "money", figures)
    if milestones := await register.milestones_of(deal.key):
        await run.step(
            "milestones on the deal", crm.report, deal.source_id, "milestones", {"milestones": news(milestones)}
        )
    psa = systems.psa(invoice.legal_entity)
    record = await register.record_id("project", invoice.project, psa.name)
    if record is not None:
        last = {"last_invoice": told["number"] or invoice.key}
        await run.step("figures on the project", psa.report, invoice.project, record, "money", figures | last)
