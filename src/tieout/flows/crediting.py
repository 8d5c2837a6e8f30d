"""Credits: proposed by the hub when two people of finance agree, never posted by it; and whole invoices taken back (T42, T44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tieout.domain.charging.billing import Decision, Ledger
from tieout.domain.documents.billing import Invoice
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Conflict, explain
from tieout.domain.proposal import differences
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems

NEGATIVE = "billing.negative"
# The answers to it.
NET, CREDIT = "net", "credit_note"
# What is asked for of a posted invoice.
TAKE_BACK = "credit_and_rebill"


async def to_credit(
    run: Run, systems: Systems, ledger: Ledger, decision: Decision
) -> Mapping[tuple[str, str], Sequence[str]]:
    """By payer and project, the numbers of the invoices that a negative proposal corrects, once finance has decided for a credit note.

    Without numbers the proposal stays a question. Netting ends the run: its corrections come with the next proposal.
    """
    negative = [each for each in decision.problems if each.code == NEGATIVE]
    answer = await systems.credits.answered(run.subject, NEGATIVE) if negative else None
    if answer is None or answer["choice"] not in (NET, CREDIT):
        return {}
    if answer["choice"] == NET:
        run.ignore(f"netted on the next invoice, as {answer['decided_by']} decided: {answer['reason']}")
    terms = [explain(negative[0]).what, f"{answer['decided_by']}: {answer['reason']}"]
    if await run.approval("A credit note is drafted", terms, requested_by=answer["decided_by"]):
        return {}
    back = {each.ref for each in decision.pieces if each.fate == "bill" and each.worth.amount < 0}
    billed = [each["invoice"] for each in ledger.evidence if f"{each['connection']}/{each['source_id']}" in back]
    return await systems.credits.numbers(billed)


@flow(version=1, title="Invoice → credit note, to be billed again", errand="billing")
async def credit_and_rebill(run: Run, systems: Systems) -> None:
    """A draft that takes a whole posted invoice back, to whom it was sent; its work comes with the next cut-off (T42)."""
    key, note_key = run.subject, f"{run.subject}-R"
    row, invoice = await systems.register.invoice(key), await systems.register.latest(Invoice, key)
    asked = await systems.credits.answered(key, TAKE_BACK)
    if row is None or invoice is None or asked is None:
        run.ignore("nobody asked for it")
    amount = Money(invoice.net, invoice.currency)
    await run.about(
        title=f"credit of {row['number']}", entity=invoice.legal_entity, engagement=invoice.engagement, amount=amount
    )
    terms = [
        f"{row['number']} of {amount} is credited whole and billed again",
        f"{asked['decided_by']}: {asked['reason']}",
    ]
    if refused := await run.approval(
        "An invoice is credited and billed again", terms, requested_by=asked["decided_by"]
    ):
        run.ignore(f"refused: {refused}")
    note = await systems.register.latest(Invoice, note_key) or await run.step(
        "take the work back", systems.credits.take_back, invoice, row["number"], note_key
    )
    erp = systems.erp(invoice.legal_entity)
    customer = await erp.known_customer(note.customer)
    if customer is None:
        raise Conflict(f"{erp.name} does not know {note.customer} yet")
    told = await run.step("draft credit note in the ERP", erp.propose, note, customer=customer, project=None)
    record = await systems.register.invoice(note_key)
    link = erp.link(Ref(erp.name, "invoice", record["record_id"])) if record else ""
    await run.hold(differences(note, told, link=link))
