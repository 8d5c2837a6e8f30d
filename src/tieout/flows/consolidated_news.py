"""What finance decided of a document of several engagements comes back to each of them, with its share to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.domain.consolidating import sums_differ
from tieout.domain.documents.billing import Invoice
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.engine.run import Row, Run, flow
from tieout.flows.credit_notes import NOT_BOOKED, what_becomes
from tieout.flows.invoice_report import report
from tieout.systems.consolidated import Whose
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems


async def decided_together(
    run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any], gathers: Row
) -> None:
    """Notes the shares in one transaction; then each engagement hears of its own, in its turn."""
    key, amount = gathers["key"], Money(Decimal(str(told["total"])), gathers["currency"])
    await run.about(title=f"invoice {told['number'] or key}", entity=gathers["entity"], amount=amount)
    if told["type"] == "credit_note" and ref.id != gathers["record_id"]:
        whose = await credited(run, systems, erp, ref, told, gathers)
    else:
        if gathers["record_id"] not in ("", ref.id):
            run.ignore(f"another document with the reference {key}: {told['number'] or ref.id}")
        whose = await note(run, systems, erp, ref, told, gathers)
    for invoice, engagement in whose.items():
        await run.start(
            share_of_invoice.name, invoice, f"{ref.id}#{run.version}", lane=engagement, engagement=engagement
        )


async def note(run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any], gathers: Row) -> Whose:
    books, key = systems.consolidated, gathers["key"]
    proposed = await books.as_of(key, gathers["drafted"] or gathers["frozen"])
    whose = await run.step("note what finance decided, share by share", books.decided, key, ref.id, erp.name, told)
    if told["state"] != "draft":  # what the draft left out, or had otherwise, is finance's decision now
        await run.stand("consolidated_invoice", key, [])
    if proposed is not None and told["state"] != "cancelled":
        run.warn(sums_differ(proposed, told, link=erp.link(ref)))
    return whose


async def credited(
    run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any], gathers: Row
) -> dict[str, str]:
    """A credit note of finance: to the entries beneath the lines that it corrects, and how the document stands then."""
    if told["state"] in NOT_BOOKED:
        run.ignore("finance has not posted it yet")
    whole = await run.step("read the invoice that it corrects", erp.look_at_invoice, gathers["record_id"])
    if gathers["state"] == "cancelled" or (whole and whole.record and whole.record["state"] == "cancelled"):
        run.ignore(f"it takes all of {gathers['number']} back, whose work is free again")
    books, key = systems.consolidated, gathers["key"]
    found, notes = await run.step("find the entries that it takes back", books.credit, key, ref.id, told)
    if found.unmatched:
        amount = Money(-Decimal(str(told["net"])), gathers["currency"])
        facts = {
            "credit": told["number"] or ref.id, "invoice": gathers["number"] or key, "link": erp.link(ref), "about": key,
            "amount": str(amount), "lines": ", ".join(found.unmatched),
        }  # fmt: skip
        await run.hold([Problem("credit.unmatched", facts, amount=amount)])
    if whole is None or whole.record is None:
        return dict(notes)
    original = Ref(erp.name, "invoice", gathers["record_id"])
    return {**await note(run, systems, erp, original, whole.record, gathers), **notes}


@flow(version=1, title="Share of a consolidated invoice → CRM and PSA", errand="billing")
async def share_of_invoice(run: Run, systems: Systems) -> None:
    """One engagement's share as the books have it now; of a credit note, also the question what becomes of its work."""
    register, key = systems.register, run.subject
    told = await register.invoice_told(key)
    assert told is not None, "whoever starts this has noted the share"
    invoice = await register.latest(Invoice, told["corrects"] or key)
    assert invoice is not None, "a share is of a proposal"
    kind = "credit note" if told["corrects"] else "invoice"
    await run.about(
        title=f"{kind} {told['number'] or key}", entity=invoice.legal_entity, engagement=invoice.engagement,
        amount=Money(Decimal(told["total"]), invoice.currency),
    )  # fmt: skip
    await report(run, systems, invoice.model_copy(update={"key": key}), told)
    if told["corrects"]:  # the deal shows how the invoice stands, not the note
        erp, original = systems.erp_named(told["connection"]), await register.invoice_told(told["corrects"])
        assert original is not None, "a credit note corrects an invoice of ours"
        await report(run, systems, invoice, original)
        ref = Ref(erp.name, "invoice", told["record_id"])
        await what_becomes(run, systems, erp, ref, {"reference": original["number"]}, key)
