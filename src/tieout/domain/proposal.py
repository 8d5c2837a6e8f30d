"""From what is to be billed to an invoice proposal, and whether the ERP computed the same."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.invoice_lines import other_lines, time_lines
from tieout.domain.money import Money, Rounding
from tieout.domain.problems import Problem
from tieout.domain.rating import hours

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An invoice with each line's rounding residue by line key, and the evidence rows of all lines.

    `others` are those of the other payers, where the same work is paid by several.
    """

    invoice: Invoice
    rounding: Mapping[str, Decimal]
    evidence: Sequence[Mapping[str, Any]]
    others: Sequence[Proposal] = ()

    @property
    def every(self) -> Sequence[Proposal]:
        return (self, *self.others)

    @property
    def net(self) -> Decimal:
        """Of all payers."""
        return sum((each.invoice.net for each in self.every), Decimal(0))


def propose(
    deal: Engagement,
    project: Project,
    work: Sequence[Row],
    *,
    period: str,
    today: date,
    rounding: Rounding = "half_up",
    corrects: Sequence[str] = (),
    payer: str = "",
    key: str = "",
) -> tuple[Proposal | None, list[Problem]]:
    """The proposal, or the problem when corrections outweigh new work: a credit note is finance's decision.

    `corrects` are the numbers of the invoices that are corrected, when finance has decided for a credit note. `payer` and
    `key` are those of an invoice of one payer of several; its lines say that they are a share.

    `work` are pieces of work with the facts of their entries; minutes are negative where something billed before is taken
    back. `amount` is given where a piece is a part of an entry, `sold`, `worth`, `agreed` and `why` where a contract decided.
    What is no time has its `kind`, and in `basis` the name and the product of its line.
    """
    time = [each for each in work if each.get("kind", "time") == "time"]
    others = [each for each in work if each.get("kind", "time") != "time"]
    proved = [*time_lines(time, project, period, rounding), *other_lines(others, project)]
    lines: list[InvoiceLine] = []
    residue: dict[str, Decimal] = {}
    evidence: list[Mapping[str, Any]] = []
    for number, each in enumerate(proved, 1):
        text = f"{each.line.description} (your share)" if payer else each.line.description
        line = each.line.model_copy(update={"key": f"{number:02}", "description": text})
        lines.append(line)
        residue[line.key] = each.rounding
        evidence += [{"line": line.key, **row} for row in each.evidence]
    net = sum((each.amount for each in lines), Decimal(0))
    if net < 0 and not corrects:
        link = f"/x/{project.key}"
        facts = {"project": project.name, "amount": str(Money(net, project.currency)), "link": link}
        return None, [Problem("billing.negative", facts)]
    invoice = Invoice(
        key=key or f"{deal.key}-{period}",
        engagement=deal.key,
        project=project.key,
        customer=payer or (deal.bill_to or deal.customer).key,
        legal_entity=project.legal_entity,
        currency=project.currency,
        through=period_end(period),
        invoice_date=today,
        payment_terms=deal.payment_terms,
        tax_class=project.tax_class,
        po_number=deal.po_number,
        corrects=tuple(corrects) if net < 0 else (),
        lines=tuple(lines),
        net=net,
    )
    return Proposal(invoice, residue, evidence), []


def differences(invoice: Invoice, told: Mapping[str, Any], *, link: str) -> list[Problem]:
    """Where the ERP and the evidence part: the net amount, that net and tax make the total, the tax that was charged.

    `told` is what the ERP says: `net`, `tax`, `total` and, where it tells, the names of the `taxes`.
    """
    net, tax, total = (Decimal(str(told[name])) for name in ("net", "tax", "total"))
    expected = Money(invoice.net, invoice.currency)
    facts = {"invoice": invoice.key, "expected": str(expected), "link": link}
    if net != invoice.net:
        return [Problem("invoice.totals_differ", {**facts, "erp": str(Money(net, invoice.currency))})]
    if net + tax != total:
        text = f"{net} net and {tax} tax, but {total} in total"
        return [Problem("invoice.totals_differ", {**facts, "erp": text})]
    charged = ", ".join(sorted(told.get("taxes", ())))
    wanted = invoice.tax_class if any(each.taxed for each in invoice.lines) else ""
    if "taxes" in told and invoice.tax_class and charged != wanted:
        differ = {"erp": charged or "no tax", "expected": wanted or "no tax"}
        return [Problem("invoice.tax_differs", {**facts, **differ})]
    return []


def due_period(days_after: int, today: date) -> str:
    """The last month whose cut-off has come, as 2026-10: its invoices are proposed from then on."""
    day = today - timedelta(days=days_after)
    last = day.replace(day=1) - timedelta(days=1)
    return f"{last.year:04}-{last.month:02}"


def period_end(period: str) -> date:
    year, month = (int(part) for part in period.split("-"))
    return date(year, month, monthrange(year, month)[1])


def engagement_of(invoice_key: str) -> str:
    """The engagement whose invoice this is: the key without its period."""
    return invoice_key[: len("ENG-00000000")]


def hours_text(minutes: int) -> str:
    return f"{hours(minutes):f}"
