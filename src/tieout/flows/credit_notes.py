"""Credit notes that finance makes in the ERP come back: to the entry, and with the question what becomes of the work (T16)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.engine.run import Run
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems

CREDITED = "billing.credited"
# The answers to it.
AGAIN, WRITE_OFF = "bill_again", "write_off"
NOT_BOOKED = ("draft", "validated")


async def credit_note(
    run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any] | None]:
    """The key under which the credit note stands beside its invoice, and what the ERP says of the invoice now.

    All of the note is matched with entries of ours then. Ends the run otherwise.
    """
    original = await systems.credits.original(erp.name, str(told["reference"] or ""))
    if original is None:
        run.ignore(f"not one of ours: {told['number'] or ref.id}")
    if told["state"] in NOT_BOOKED:
        run.ignore("finance has not posted it yet")
    whole = await run.step("read the invoice that it corrects", erp.look_at_invoice, original["record_id"])
    if original["state"] == "cancelled" or (whole and whole.record and whole.record["state"] == "cancelled"):
        run.ignore(f"it takes all of {original['number']} back, whose work is free again")
    key, currency = f"{original['key']}-C{ref.id}", original["currency"]
    amount = Money(Decimal(str(told["net"])), currency)
    name = told["number"] or ref.id
    await run.about(
        title=f"credit note {name}", entity=original["entity"], engagement=original["engagement"], amount=amount
    )
    found = await run.step("find the entries that it takes back", systems.credits.note, original, key, ref.id, told)
    facts = {"credit": name, "invoice": original["number"] or original["key"], "link": erp.link(ref), "about": key}
    if found.unmatched:
        lines = ", ".join(found.unmatched)
        await run.hold([Problem("credit.unmatched", {**facts, "amount": str(-amount), "lines": lines}, amount=-amount)])
    return key, whole.record if whole else None


async def what_becomes(run: Run, systems: Systems, erp: Erp, ref: Ref, told: Mapping[str, Any], key: str) -> None:
    """Waits for finance to say what becomes of the work that was credited, and does it."""
    row = await systems.register.invoice(key)
    if row is None or row["rebill"] != "ask" or row["state"] == "cancelled":
        return
    answer = await systems.credits.answered(run.subject, f"{CREDITED}:{key}")
    if answer is None or answer["choice"] not in (AGAIN, WRITE_OFF):
        amount = Money(-row["net"], row["currency"])
        facts = {
            "credit": row["number"] or key,
            "invoice": str(told["reference"]),
            "amount": str(amount),
            "hours": hours_text(await systems.credits.minutes(key)),
            "link": erp.link(ref),
            "about": key,
        }
        await run.hold([Problem(CREDITED, facts, amount=amount)])
        return
    rebill = answer["choice"] == AGAIN
    title = "its work is billed again" if rebill else "its work is written off"
    await run.step(
        title, systems.credits.settle, key, rebill=rebill, actor=answer["decided_by"], reason=answer["reason"]
    )
