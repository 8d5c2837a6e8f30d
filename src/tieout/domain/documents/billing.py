"""Invoices and payments, as proposed by Tieout and as the ERP decided them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from tieout.domain.documents.document import Document, Part

# Richer than "paid" (T51), and states rather than words (T46).
InvoiceState = Literal["proposed", "draft", "validated", "posted", "partly_paid", "paid", "cancelled"]


class InvoiceLine(Part):
    """One line by the firm's rule: a task's hours at one rate, or one unit of what is no hours."""

    key: str
    kind: Literal["time", "expense", "fee", "usage"] = "time"
    product: str = Field(default="", description="What the ledger sells it as; hours are sold as their role")
    task: str
    role: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    department: str = ""
    taxed: bool = Field(default=True, description="Not what was paid in the customer's name and is passed on as it is")

    @property
    def sold_as(self) -> str:
        """The name of the ledger's product."""
        return self.product or self.role


class Payment(Part):
    """Money that came in; `id` is the ledger's own."""

    id: str
    paid_on: date
    amount: Decimal


class Invoice(Document):
    """An invoice of one engagement; `key` is our reference in the ERP, `number` the ERP's own once it is posted.

    What the ERP gets for several at once is of no engagement and no project: its lines say theirs (domain/consolidating.py).
    """

    kind: ClassVar[str] = "invoice"

    engagement: str
    project: str
    customer: str
    legal_entity: str
    currency: str
    through: date
    invoice_date: date | None = None
    due_date: date | None = None
    payment_terms: str = ""
    tax_class: str = ""
    po_number: str = ""
    number: str = ""
    state: InvoiceState = "proposed"
    corrects: tuple[str, ...] = Field(
        default=(), description="A credit note: the numbers of the invoices it corrects (T44)"
    )
    lines: tuple[InvoiceLine, ...]
    net: Decimal
    tax: Decimal | None = None
    total: Decimal | None = None
    open_amount: Decimal | None = None
    payments: tuple[Payment, ...] = ()
