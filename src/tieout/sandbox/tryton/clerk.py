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
from tieout.sandbox.tryton.founding import PAYMENT_METHOD
from tieout.sandbox.tryton.tenancy import DATABASE, Login

_INVOICE = "account.invoice"
_FIELDS = (
    "reference", "number", "state", "invoice_date", "party.code", "currency.code", "untaxed_amount", "tax_amount",
    "total_amount", "amount_to_pay",
)  # fmt: skip
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
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    open_amount: Decimal


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
        method = await self._erp.only("account.invoice.payment.method", [["name", "=", PAYMENT_METHOD]], ["id"])
        assert method is not None
        context = {"active_model": _INVOICE, "active_id": id, "active_ids": [id]}
        wizard = "wizard.account.invoice.pay"
        session, start, _ = await self._erp.call(f"{wizard}.create", context=context)
        first = await self._erp.call(f"{wizard}.execute", session, {}, start, context=context)
        told = {"amount": amount, "date": on, "payment_method": method["id"], "description": "bank transfer"}
        forms = {start: _answered(first, told)}
        more = await self._erp.call(f"{wizard}.execute", session, forms, "choice", context=context)
        if more.get("view"):  # what shall become of the rest?
            forms["ask"] = _answered(more, {"type": "partial"})
            await self._erp.call(f"{wizard}.execute", session, forms, "pay", context=context)
        await self._erp.call(f"{wizard}.delete", session, context=context)
        return await self.invoice(id)

    async def credit(self, id: int, on: date) -> Booked:
        """Takes a posted invoice back by a credit note of the same amount, posted at once; returns the credit note.

        The invoice is `cancelled` then, the credit note `paid`.
        """
        before = {each["id"] for each in await self._erp.search(_INVOICE, [], ["id"])}
        forms = {"start": {"with_refund": True, "invoice_date": on}}
        await self._erp.wizard("account.invoice.credit", _INVOICE, [id], [("start", {}), ("credit", forms)])
        made = await self._erp.search(_INVOICE, [["id", ">", max(before)]], _FIELDS, order=[("id", "ASC")])
        return _booked(made[-1])

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
        currency=row["currency."]["code"],
        net=row["untaxed_amount"],
        tax=row["tax_amount"],
        total=row["total_amount"],
        open_amount=row["amount_to_pay"],
    )
