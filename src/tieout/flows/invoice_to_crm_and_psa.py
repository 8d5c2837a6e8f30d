"""What finance decided comes back: invoice number, state, amounts and payments, to the CRM and to the project in the PSA."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.domain.documents.billing import Invoice
from tieout.domain.identity import Ref
from tieout.domain.mapping import at
from tieout.domain.money import Money
from tieout.domain.proposal import differences, engagement_of
from tieout.engine.run import Row, Run, by_subject, flow
from tieout.flows.consolidated_news import decided_together
from tieout.flows.credit_notes import credit_note, what_becomes
from tieout.flows.invoice_report import report
from tieout.systems.credits import set_off
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
    if (gathers := await systems.consolidated.named(erp.name, key)) is not None:
        await decided_together(run, systems, erp, ref, told, gathers)
        return
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
    noted = set_off(told) if told["type"] == "credit_note" else told
    await run.step("note what finance decided", systems.register.invoice_decided, key, noted)
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
