"""Which proposals of a customer stand on one document in the ERP, and what it says (T43, T52)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.document import Part
from tieout.domain.identity import spelled
from tieout.domain.money import Money
from tieout.domain.paying import SplitBilling
from tieout.domain.problems import Problem
from tieout.domain.proposal import Proposal, differences, period_end

OnePer = Literal["customer", "purchase_order", "engagement", "project"]
_Said = tuple[str, Decimal, Decimal, Decimal]


class Consolidation(Part):
    """How many invoices whoever pays gets for all that is billed at a cut-off."""

    customer: str = Field(
        default="",
        pattern=r"^(CUS-[0-9A-Z]{8})?$",
        description="Who pays, by its key; left out, everybody whom no entry before names",
    )
    one_per: OnePer = Field(
        description="One invoice per customer, per purchase_order, per engagement or, as without an entry, per project"
    )


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a document says: proposals that differ in any of it cannot stand on one document."""

    legal_entity: str
    customer: str
    currency: str
    payment_terms: str
    tax_class: str
    po_number: str
    period: str
    # Where it is for the projects of one engagement alone.
    engagement: str = ""

    def key(self, part: int) -> str:
        """Our reference in the ERP. What is decided after finance has posted one part is on the next."""
        said = [self.legal_entity, self.customer, self.currency, self.payment_terms, self.tax_class, self.po_number]
        said += [self.engagement] if self.engagement else []
        return f"CON-{spelled('consolidated invoice', *said)}-{self.period}{f'-{part}' if part > 1 else ''}"


def gathered(rules: Sequence[Consolidation], proposal: Proposal) -> tuple[Proposal, Head | None]:
    """The proposal as it stands on a document of several, with that document's head; as it is where it stays alone.

    The first rule that is of the payer counts. A credit note stays alone: it names the invoices that it corrects (T44).
    Each line says its project, and its order where the head has none: no two projects have a line with the same text.
    """
    invoice = proposal.invoice
    per = next((each.one_per for each in rules if each.customer in ("", invoice.customer)), "project")
    if per == "project" or invoice.corrects:
        return proposal, None
    order = invoice.po_number.strip()
    head = Head(
        invoice.legal_entity, invoice.customer, invoice.currency, invoice.payment_terms, invoice.tax_class,
        "" if per == "customer" else order, f"{invoice.through:%Y-%m}", invoice.engagement if per == "engagement" else "",
    )  # fmt: skip
    reference = invoice.project if head.po_number or not order else f"{invoice.project}, order {order}"
    lines = tuple(
        each.model_copy(update={"description": f"{each.description} ({reference})"}) for each in invoice.lines
    )
    return replace(proposal, invoice=invoice.model_copy(update={"lines": lines}), others=()), head


def document(key: str, head: Head, members: Sequence[Invoice]) -> Invoice:
    """The one document: the lines of its members in their order, numbered anew. It is of no engagement and no project."""
    lines = [line for each in members for line in each.lines]
    return Invoice(
        key=key,
        engagement="",
        project="",
        customer=head.customer,
        legal_entity=head.legal_entity,
        currency=head.currency,
        through=period_end(head.period),
        invoice_date=max((each.invoice_date for each in members if each.invoice_date), default=None),
        payment_terms=head.payment_terms,
        tax_class=head.tax_class,
        po_number=head.po_number,
        lines=tuple(each.model_copy(update={"key": f"{n:03}"}) for n, each in enumerate(lines, 1)),
        net=sum((each.net for each in members), Decimal(0)),
    )


def sums_differ(invoice: Invoice, told: Mapping[str, Any], *, link: str) -> list[Problem]:
    """Where the ERP's document is not worth what was proposed: its currency, its sums, its tax."""
    if told["currency"] == invoice.currency:
        return differences(invoice, told, link=link)
    erp = Money(Decimal(str(told["net"])), str(told["currency"]))
    return [_differs(invoice, str(Money(invoice.net, invoice.currency)), str(erp), link)]


def lines_differ(invoice: Invoice, told: Mapping[str, Any], *, link: str) -> list[Problem]:
    """Where a line of the ERP's document is not the one that was proposed, whatever its sums."""
    if is_as_drafted(invoice, told):
        return []
    expected, erp = (_shown(each, invoice.currency) for each in _apart(invoice, told))
    return [_differs(invoice, expected, erp, link)]


def _differs(invoice: Invoice, expected: str, erp: str, link: str) -> Problem:
    facts = {"invoice": invoice.key, "expected": expected, "erp": erp, "link": link}
    return Problem("invoice.totals_differ", facts)


def is_as_drafted(invoice: Invoice, told: Mapping[str, Any]) -> bool:
    """Whether nobody has changed a line of the draft in the ERP."""
    return _apart(invoice, told) == (Counter(), Counter())


def _apart(invoice: Invoice, told: Mapping[str, Any]) -> tuple[Counter[_Said], Counter[_Said]]:
    ours = Counter(_said(each) for each in invoice.lines)
    theirs = Counter(_theirs(each) for each in told["lines"])
    return ours - theirs, theirs - ours


def _said(line: InvoiceLine) -> _Said:
    return line.description.strip(), line.quantity, line.unit_price, line.amount


def _theirs(line: Mapping[str, Any]) -> _Said:
    quantity, price, amount = (Decimal(str(line[name])) for name in ("quantity", "unit_price", "amount"))
    return str(line["description"]).strip(), quantity, price, amount


def _shown(lines: Counter[_Said], currency: str) -> str:
    if not lines:
        return "no such line"
    (text, _, _, amount), *others = sorted(lines.elements())
    return f"“{text}” of {Money(amount, currency)}" + (f" and {len(others)} more" if others else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """An engagement whose cut-off is not decided: what is known of it, and how its run stands. An empty text is not known yet."""

    engagement: str
    name: str
    legal_entity: str
    customer: str
    bill_to: str
    currency: str
    payment_terms: str
    po_number: str
    state: str

    def may_stand_on(self, head: Head) -> bool:
        """Whether a document of this head could have it, if it is billed to that payer."""
        known = (
            (self.legal_entity, head.legal_entity), (self.currency, head.currency), (self.payment_terms, head.payment_terms),
            (self.po_number.strip(), head.po_number), (self.engagement, head.engagement),
        )  # fmt: skip
        return not any(mine and theirs and mine != theirs for mine, theirs in known)

    def payers(self, splits: Sequence[SplitBilling]) -> set[str]:
        """Who may be billed for it: its customer, its bill-to, whoever has a share."""
        sharing = {
            each.customer
            for split in splits
            if split.engagement in ("", self.engagement)
            and split.customer in ("", self.customer)
            and split.purchase_order.strip() in ("", self.po_number.strip())
            for each in split.payers
        }
        return {self.customer, self.bill_to, *sharing}


def by_payer(asked: Sequence[Asked], splits: Sequence[SplitBilling]) -> Mapping[str, Sequence[Asked]]:
    """The engagements that each payer may be billed for."""
    found: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        for payer in each.payers(splits):
            found[payer].append(each)
    return found


# A run that a person or another one has stopped does not keep the others from being billed.
_STOPPED = ("held", "waiting")


def still_deciding(head: Head, asked: Mapping[str, Sequence[Asked]]) -> bool:
    """Whether a document has to wait: an engagement that could stand on it is just being decided."""
    return any(each.state not in _STOPPED and each.may_stand_on(head) for each in asked.get(head.customer, ()))


def left_out(head: Head, asked: Mapping[str, Sequence[Asked]]) -> list[Asked]:
    """The engagements that wait for a person, and without which a document is drafted."""
    return [each for each in asked.get(head.customer, ()) if each.state in _STOPPED and each.may_stand_on(head)]
