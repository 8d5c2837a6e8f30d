"""The finance clerk of one legal entity, who posts, receives money and credits through the ERP's own API, never through the hub.

One clerk per company posts, one invoice after the other and in the order of their dates: invoice numbers are counted
by date, and a second poster at the same moment would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import httpx2

from tieout.connectors.tryton.client import Row, TrytonClient
from tieout.sandbox.tryton.billing import DEPOSITS, WRITE_OFF
from tieout.sandbox.tryton.founding import PAYMENT_METHOD
from tieout.sandbox.tryton.tenancy import DATABASE, Login

_INVOICE = "account.invoice"
_FIELDS = (
    "reference", "number", "state", "invoice_date", "party.code", "party.name", "currency.code", "untaxed_amount",
    "tax_amount", "total_amount", "amount_to_pay",
)  # fmt: skip
_LINE, _PERIOD = "account.invoice.line", "account.period"
_LINE_FIELDS = ("description", "quantity", "unit_price", "amount")
# What a credit note has in common with its invoice, and each of its lines with the line that it corrects.
_COPIED = ("company", "party", "invoice_address", "currency", "journal", "account", "payment_term")
_COPIED_LINE = ("company", "currency", "party", "product", "account", "unit", "unit_price", "description", "taxes")
# Questions that a clerk who acts on the story's day answers with yes: the machine's own day may be an earlier one, or so
# much later that the money would have been due already.
_YES = ("invoice_date_future", "invoice_payment_term")


@dataclass(frozen=True, slots=True)
class Booked:
    """An invoice or a credit note as the ERP has it; amounts in the invoice's currency."""

    id: int
    reference: str
    number: str
    state: str
    invoice_date: date | None
    customer: str
    customer_name: str
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoicedLine:
    """A line of an invoice; amounts in its currency, before tax."""

    id: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


class FinanceClerk:
    """Works in one company. Every method raises what the ERP says (`connectors.tryton.errors`)."""

    def __init__(self, erp: TrytonClient) -> None:
        self._erp = erp

    @classmethod
    def at(cls, url: str, login: Login, *, timeout: float = 120) -> FinanceClerk:
        """A clerk with a connection of its own; close it in the end."""
        http = httpx2.AsyncClient(base_url=url, timeout=timeout, trust_env=False)
        return cls(TrytonClient(http, database=DATABASE, user=login.user, password=login.password))

    async def close(self) -> None:
        await self._erp.close()

    async def drafts(self) -> list[Booked]:
        """What waits to be posted, in the order in which it must be."""
        rows = await self._erp.search(
            _INVOICE, [["type", "=", "out"], ["state", "in", ["draft", "validated"]]], _FIELDS, order=[("id", "ASC")]
        )
        return sorted(map(_booked, rows), key=lambda each: (each.invoice_date or date.max, each.id))

    async def unpaid(self) -> list[Booked]:
        """Posted invoices that are not paid in full, the oldest first."""
        rows = await self._erp.search(
            _INVOICE, [["type", "=", "out"], ["state", "=", "posted"]], _FIELDS, order=[("id", "ASC")]
        )
        return list(map(_booked, rows))

    async def credits_of(self, number: str) -> list[Booked]:
        """Credit notes that name an invoice's number."""
        rows = await self._erp.search(_INVOICE, [["type", "=", "out"], ["reference", "=", number]], _FIELDS)
        return list(map(_booked, rows))

    async def invoice(self, id: int) -> Booked:
        return _booked((await self._erp.read(_INVOICE, [id], _FIELDS))[0])

    async def post(self, id: int, on: date) -> Booked:
        """Dates the draft and posts it: from now on it has a number and cannot be changed.

        Refused when an invoice of a later day has its number already.
        """
        await self._erp.write(_INVOICE, [id], {"invoice_date": on})
        await self._erp.press(_INVOICE, "post", [id], accept=_YES)
        return await self.invoice(id)

    async def pay(self, id: int, amount: Decimal, on: date) -> Booked:
        """Books money that came in; less than the open amount leaves the rest open, more is refused with ValueError."""
        before = await self.invoice(id)
        if not Decimal(0) < amount <= before.open_amount:
            raise ValueError(f"{before.number}: {amount} of {before.open_amount} open")
        return await self._settle(
            id, {"amount": amount, "date": on, "description": "bank transfer"}, {"type": "partial"}
        )

    async def write_off(self, id: int, on: date) -> Booked:
        """Gives up what is still open after a short payment: it becomes a loss, and the invoice is paid.

        Refused with ValueError where nothing was paid or credited: that would be a credit note.
        """
        before = await self.invoice(id)
        if not Decimal(0) < before.open_amount < before.total:
            raise ValueError(f"{before.number}: {before.open_amount} of {before.total} open")
        method = await self._erp.only("account.move.reconcile.write_off", [["name", "=", WRITE_OFF]], ["id"])
        assert method is not None
        told = {"amount": Decimal(0), "date": on, "description": "written off"}
        return await self._settle(id, told, {"type": "writeoff", "writeoff": method["id"]})

    async def credit(self, id: int, on: date) -> Booked:
        """Takes a posted invoice back by a credit note of the same amount, posted at once; returns the credit note.

        The invoice is `cancelled` then, the credit note `paid`.
        """
        before = {each["id"] for each in await self._erp.search(_INVOICE, [], ["id"])}
        forms = {"start": {"with_refund": True, "invoice_date": on}}
        await self._erp.wizard("account.invoice.credit", _INVOICE, [id], [("start", {}), ("credit", forms)])
        made = await self._erp.search(_INVOICE, [["id", ">", max(before)]], _FIELDS, order=[("id", "ASC")])
        return _booked(made[-1])

    async def lines(self, id: int) -> list[InvoicedLine]:
        """What an invoice charges, in the order in which it stands there."""
        rows = await self._erp.search(
            _LINE,
            [["invoice", "=", id], ["type", "=", "line"]],
            _LINE_FIELDS,
            order=[("sequence", "ASC"), ("id", "ASC")],
        )
        return [
            InvoicedLine(each["id"], each["description"] or "", each["quantity"], each["unit_price"], each["amount"])
            for each in rows
        ]

    async def credit_partly(self, id: int, quantities: Mapping[int, Decimal], on: date, why: str) -> Booked:
        """Takes a part of a posted invoice back: quantities by line id, at the line's price and taxes. Posted at once.

        The credit note names the invoice's number, each of its lines the line that it corrects, and it counts as a
        payment of the invoice. Refused with ValueError where it exceeds a line or what is open.
        """
        original = await self.invoice(id)
        wanted = {each: quantity for each, quantity in quantities.items() if quantity}
        known = {each.id: each for each in await self.lines(id)}
        if not wanted or any(
            each not in known or not 0 < quantity <= known[each].quantity for each, quantity in wanted.items()
        ):
            raise ValueError(f"{original.number}: {dict(quantities)} is no part of its lines")
        head = (await self._erp.read(_INVOICE, [id], _COPIED))[0]
        rows = await self._erp.read(_LINE, list(wanted), _COPIED_LINE)
        lines = [
            {
                **{name: row[name] for name in _COPIED_LINE if name != "taxes"}, "type": "line", "invoice_type": "out",
                "quantity": -float(wanted[row["id"]]), "origin": f"{_LINE},{row['id']}", "taxes": [["add", row["taxes"]]],
            }
            for row in rows
        ]  # fmt: skip
        note = {
            **{name: head[name] for name in _COPIED}, "type": "out", "reference": original.number, "description": why,
            "invoice_date": on, "lines": [["create", lines]],
        }  # fmt: skip
        (made,) = await self._erp.create(_INVOICE, [note])
        credit = await self.invoice(made)
        if -credit.total > original.open_amount:
            await self.discard(made)
            raise ValueError(f"{original.number}: {-credit.total} of {original.open_amount} open")
        credit = await self.post(made, on)
        due = await self._erp.read(_INVOICE, [made], ["lines_to_pay"])
        await self._erp.write(_INVOICE, [id], {"payment_lines": [["add", due[0]["lines_to_pay"]]]})
        return credit

    async def dispute(self, id: int, message: str) -> None:
        """Notes on the invoice what the customer objects to. Money and state stay as they are."""
        await self._note(id, f"Disputed: {message}")

    async def settle_dispute(self, id: int, message: str) -> None:
        await self._note(id, f"Settled: {message}")

    async def _note(self, id: int, message: str) -> None:
        await self._erp.create("ir.note", [{"resource": f"{_INVOICE},{id}", "message": message}])

    async def disputes(self, id: int) -> list[str]:
        """What was noted on an invoice, the oldest first."""
        rows = await self._erp.search(
            "ir.note", [["resource", "=", f"{_INVOICE},{id}"]], ["message"], order=[("id", "ASC")]
        )
        return [each["message"] for each in rows]

    async def draw_deposit(self, id: int, description: str) -> Booked:
        """Sets a draft off against the customer's deposits, as far as they reach."""
        account = await self._erp.only("account.account", [["name", "=", DEPOSITS]], ["id"])
        assert account is not None
        forms = {"start": {"account": account["id"], "description": description}}
        await self._erp.wizard("account.invoice.recall_deposit", _INVOICE, [id], [("start", {}), ("recall", forms)])
        return await self.invoice(id)

    async def close_period(self, day: date, *, for_good: bool = False) -> None:
        """Nothing more can be posted into the month of the day; a period closed `for_good` cannot be opened again."""
        period = await self._period(day)
        await self._erp.press(_PERIOD, "close", [period])
        if for_good:
            await self._erp.press(_PERIOD, "lock_", [period])

    async def reopen_period(self, day: date) -> None:
        """Refused for a period that was closed for good."""
        await self._erp.press(_PERIOD, "reopen", [await self._period(day)])

    async def _period(self, day: date) -> int:
        row = await self._erp.only(
            _PERIOD, [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]], ["id"]
        )
        assert row is not None
        return row["id"]

    async def _settle(self, id: int, payment: Row, rest: Row) -> Booked:
        """The wizard by which an invoice is paid; `rest` says what becomes of what stays open, when it asks."""
        method = await self._erp.only("account.invoice.payment.method", [["name", "=", PAYMENT_METHOD]], ["id"])
        assert method is not None
        context = {"active_model": _INVOICE, "active_id": id, "active_ids": [id]}
        wizard = "wizard.account.invoice.pay"
        session, start, _ = await self._erp.call(f"{wizard}.create", context=context)
        first = await self._erp.call(f"{wizard}.execute", session, {}, start, context=context)
        forms = {start: _answered(first, {**payment, "payment_method": method["id"]})}
        more = await self._erp.call(f"{wizard}.execute", session, forms, "choice", context=context)
        if more.get("view"):
            forms["ask"] = _answered(more, rest)
            await self._erp.call(f"{wizard}.execute", session, forms, "pay", context=context)
        await self._erp.call(f"{wizard}.delete", session, context=context)
        return await self.invoice(id)

    async def discard(self, id: int) -> None:
        """Deletes a draft that should not have been proposed."""
        await self._erp.delete(_INVOICE, [id])


def _answered(step: Mapping[str, Any], told: Mapping[str, Any]) -> Row:
    """The form as the wizard filled it in, with what the clerk writes into it."""
    defaults = {name: value for name, value in step["view"]["defaults"].items() if not name.endswith(".")}
    return {**defaults, **told}


def _booked(row: Row) -> Booked:
    return Booked(
        id=row["id"],
        reference=row["reference"] or "",
        number=row["number"] or "",
        state=row["state"],
        invoice_date=row["invoice_date"],
        customer=row["party."]["code"],
        customer_name=row["party."]["name"],
        currency=row["currency."]["code"],
        net=row["untaxed_amount"],
        tax=row["tax_amount"],
        total=row["total_amount"],
        open_amount=row["amount_to_pay"],
    )
