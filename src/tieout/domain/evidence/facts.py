"""The facts of an evidence pack, as its `evidence.json` has them: versioned, and published as a JSON Schema."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from tieout.domain.documents.document import Part

SCHEMA = "tieout.evidence/1"
Covers = Literal["invoice", "line"]


class ReadingFacts(Part):
    """A reading of metered usage, in the version that its month was billed by; `amount` is its share of that of the month."""

    source: str
    id: str
    version: int
    day: date
    units: Decimal
    amount: Decimal
    seen_at: datetime
    digest: str = Field(description="SHA-256 of the reading as its source told it")


class EntryFacts(Part):
    """One piece of work beneath a line, as it was when it was billed; negative where it takes back what was billed before."""

    connection: str
    id: str
    version: str = Field(description="The source's stamp, # and the fingerprint of the record as it was read")
    seen_at: datetime | None
    digest: str = Field(
        description="SHA-256 of the entry as the source told it; empty when it was never told as an entry"
    )
    person: str
    person_name: str
    task: str
    work_date: date
    minutes: int
    rate: Decimal | None = Field(description="Per hour, as it was billed")
    agreed: Decimal | None = Field(description="Per hour, as the rate card has it: another one only for overage")
    amount: Decimal
    approved_by: str
    approved_at: datetime | None
    contract_version: int
    rate_card: str
    rate_card_version: int
    mapping: str
    notes: str
    kind: str = Field(default="time", description="time, expense, fee or usage")
    late: bool = Field(default=False, description="Of a month before the invoice's: it keeps its day")
    stands_on: str = Field(default="", description="What of the contract it stands on, where it is no time")
    readings: tuple[ReadingFacts, ...] = Field(default=(), description="What a month of usage was metered by")


class LineFacts(Part):
    """A line: entries + rounding = amount, and what the ERP said of it, where it was read back."""

    line: str
    position: int
    description: str
    task: str
    role: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    rounding: Decimal
    erp_amount: Decimal | None
    verdict: Literal["ties out", "differs", "not read back yet"]
    entries: tuple[EntryFacts, ...]
    invoice: str = Field(
        default="", description="On a document of several engagements: whose line it is, as in `members`"
    )


class ManualFacts(Part):
    """A line that finance added in the ERP by hand: no work stands beneath it, and the hub proves nothing about it."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


class PaymentFacts(Part):
    id: str
    paid_on: date
    amount: Decimal


class InvoiceFacts(Part):
    """The invoice as the hub has it; `read_back` is the ERP's own record, by its digest."""

    key: str
    number: str
    state: str
    entity: str
    currency: str
    customer: str
    customer_name: str
    engagement: str
    deal: str = Field(description="connection/id of the deal in the CRM, or empty")
    project: str
    project_name: str
    through: date
    invoice_date: date | None
    due_date: date | None
    net: Decimal
    tax: Decimal | None
    total: Decimal | None
    payments: tuple[PaymentFacts, ...]


class MemberFacts(Part):
    """One engagement's share of a document that gathers several; the shares sum to the document, to the cent."""

    key: str
    engagement: str
    deal: str = Field(description="connection/id of the deal in the CRM, or empty")
    project: str
    project_name: str
    state: str
    net: Decimal
    tax: Decimal | None
    total: Decimal | None
    payments: tuple[PaymentFacts, ...]


class DocumentFacts(Part):
    """A version of a document behind the invoice; `fingerprint` is made of [kind, schema_version, body]."""

    kind: str
    key: str
    version: int
    schema_version: int
    created_at: datetime
    fingerprint: str
    body: dict[str, Any] | None = Field(description="Of contract and invoice; null for the others")
    trail: dict[str, Any] = Field(description="Field → where it came from and by which mapping")


class RateFacts(Part):
    """A version of a rate card, with the rates of the roles that are on the lines, as the firm's folder has them today."""

    card: str
    version: int
    valid_from: date
    rates: dict[str, Decimal]


class ApprovalFacts(Part):
    id: int
    title: str
    terms: Any
    terms_hash: str
    state: str
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    on_behalf_of: str = ""


class ReceiptFacts(Part):
    """A change that the hub made in another system: the digest of the exact bytes it sent, and what came back."""

    key: str
    connection: str
    operation: str
    guarantee: str
    subject: str
    version: str
    state: str
    attempts: int
    sent_at: datetime
    settled_at: datetime | None
    request: str = Field(description="SHA-256 of the request's bytes")
    receipt: dict[str, Any] | None


class ReadBack(Part):
    """The ERP's record of the invoice, as it was last read."""

    connection: str
    id: str
    version: str
    received_at: datetime
    digest: str = Field(description="SHA-256 of the record")


class Facts(Part):
    """All that a pack says. `withheld` names what its reader may not see, and what stands in its place."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    made_at: datetime
    made_by: str
    made_for: tuple[str, ...] = Field(description="The roles of its reader")
    withheld: tuple[str, ...]
    covers: Covers
    invoice: InvoiceFacts
    lines: tuple[LineFacts, ...]
    manual: tuple[ManualFacts, ...] = Field(
        description="The ERP's lines that are none of ours; with the whole invoice only"
    )
    documents: tuple[DocumentFacts, ...]
    rate_cards: tuple[RateFacts, ...]
    approvals: tuple[ApprovalFacts, ...]
    receipts: tuple[ReceiptFacts, ...]
    read_back: ReadBack | None
    members: tuple[MemberFacts, ...] = Field(
        default=(), description="Of a document that gathers several engagements: the share of each"
    )
