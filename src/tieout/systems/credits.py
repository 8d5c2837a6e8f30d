"""The hub's books of credit notes: what they take back, what is decided about it, and how it stands with their invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tieout.domain.crediting import Credited, credited
from tieout.domain.documents.billing import Invoice
from tieout.engine.run import Clock
from tieout.store import credits, documents, invoices
from tieout.store.database import Database

Row = Mapping[str, Any]


class Credits:
    """Each verb one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def answered(self, subject: str, question: str) -> dict[str, Any] | None:
        """What a person answered, with who and why: {choice, reason, decided_by}."""
        async with self._database.transaction() as tx:
            return await credits.answered(tx, subject, question)

    async def original(self, connection: str, reference: str) -> dict[str, Any] | None:
        """The invoice that a credit note of this ledger names by its number or by our key."""
        async with self._database.transaction() as tx:
            return await credits.original(tx, connection, reference)

    async def numbers(self, keys: Iterable[str]) -> dict[tuple[str, str], list[str]]:
        """(payer, project) → the ERP's numbers of those invoices that finance has posted."""
        async with self._database.transaction() as tx:
            found = [await invoices.get(tx, each) for each in sorted(set(keys))]
        numbers: dict[tuple[str, str], list[str]] = {}
        for each in found:
            if each is not None and each["number"]:
                numbers.setdefault((each["customer"], each["project"]), []).append(each["number"])
        return numbers

    async def note(self, original: Row, key: str, record_id: str, told: Row) -> Credited:
        """Writes down what finance took back by a credit note, entry by entry, and how it stands in the ERP now.

        Nothing is written where a line of it corrects nothing of ours.
        """
        async with self._database.transaction() as tx:
            await credits.original(tx, original["connection"], original["key"])
            lines = await credits.lines(tx, original["key"])
            standing = await credits.standing(tx, original["key"], but=key)
            found = credited(lines, standing, told["lines"], original["currency"])
            if not found.unmatched:
                await credits.noted(tx, original, key, record_id, Decimal(str(told["net"])), found, self._clock())
                await invoices.decided(tx, key, set_off(told), self._clock())
            return found

    async def credited(self, key: str) -> Decimal:
        """What credit notes took off an invoice, with tax."""
        async with self._database.transaction() as tx:
            notes = await credits.of_invoice(tx, key)
        return -sum((Decimal(each["total"] or 0) for each in notes), Decimal(0))

    async def set_against(self, key: str) -> Decimal:
        """What of its credit notes is used up: what settled the invoice, and nobody has paid."""
        async with self._database.transaction() as tx:
            notes = await credits.of_invoice(tx, key)
        return sum((Decimal(each["open_amount"] or 0) - Decimal(each["total"] or 0) for each in notes), Decimal(0))

    async def minutes(self, key: str) -> int:
        """How much work a credit note took back."""
        async with self._database.transaction() as tx:
            return -sum(each["minutes"] for each in await credits.evidence(tx, key))

    async def settle(self, key: str, *, rebill: bool, actor: str, reason: str) -> bool:
        async with self._database.transaction() as tx:
            return await credits.settle(tx, key, rebill=rebill, actor=actor, reason=reason, now=self._clock())

    async def take_back(self, invoice: Invoice, number: str, key: str) -> Invoice:
        """A credit note of a whole invoice, as a proposal of ours: its work is open again from now on (T42)."""
        async with self._database.transaction() as tx:
            lines = await credits.lines(tx, invoice.key)
            standing = await credits.standing(tx, invoice.key)
            told = [{**each, "quantity": -each["quantity"], "amount": -each["amount"]} for each in lines]
            found = credited(lines, standing, told, invoice.currency)
            amounts = {each["line"]: each for each in found.lines}
            note = invoice.model_copy(
                update={
                    "key": key,
                    "corrects": (number,),
                    "net": -invoice.net,
                    "lines": tuple(
                        each.model_copy(update={name: amounts[each.key][name] for name in ("quantity", "amount")})
                        for each in invoice.lines
                    ),
                }
            )
            await documents.save(
                tx, note, entity=note.legal_entity, engagement=note.engagement, trail={}, now=self._clock()
            )
            await invoices.propose(tx, note, found.rounding, found.evidence, self._clock())
            await credits.correcting(tx, key, invoice.key)
            return note


def set_off(told: Row) -> Row:
    """A credit note is paid by the invoice that it reduces: what is no longer open of it counts there as paid, and here as taken."""
    total, open_amount = (Decimal(str(told[name])) for name in ("total", "open_amount"))
    if told["payments"] or total == open_amount:
        return told
    taken = {"id": "set-off", "paid_on": told["invoice_date"], "amount": str(total - open_amount)}
    return {**told, "payments": [taken]}
