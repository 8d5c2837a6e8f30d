"""What stands in an entity's ledger, in sums and document by document, as its accountant reads it from the ERP's own API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.connectors.tryton.client import TrytonClient

_DRAFT, _POSTED = ("draft", "validated"), ("posted", "paid")
_CLOSED = ("closed", "locked")
_FIELDS = (
    "reference", "number", "state", "invoice_date", "untaxed_amount", "tax_amount", "total_amount", "amount_to_pay",
    "party.code", "payment_lines.date", "payment_lines.debit", "payment_lines.credit", "lines_to_pay.debit",
    "lines_to_pay.credit", "lines_to_pay.invoice_payment", "lines_to_pay.reconciliation",
)  # fmt: skip
Row = Mapping[str, Any]


async def ledger(erp: TrytonClient) -> dict[str, Any]:
    """Amounts are decimal strings in the entity's currency, timesheets are minutes.

    `documents` are all customer invoices and credit notes (negative), each with what is open of it and what was set
    off against it; `closed` are the first days of the months that nothing can be posted into.
    """
    found = await erp.search("account.invoice", [["type", "=", "out"]], _FIELDS, order=[("id", "ASC")])
    posted = [each for each in found if each["state"] in _POSTED]
    durations = await erp.search("timesheet.line", [], ["duration"])
    projects = await erp.search("project.work", [["type", "=", "project"]], ["number"])
    closed = await erp.search("account.period", [["state", "in", list(_CLOSED)]], ["start_date"])
    total = _sum(each["total_amount"] for each in posted)
    unpaid = _sum(map(_open, posted))
    return {
        "projects": len(projects),
        "minutes": round(sum(each["duration"].total_seconds() for each in durations) / 60),
        "drafts": sum(each["state"] in _DRAFT for each in found),
        "invoices": len(posted),
        "customers_invoiced": len({each["party."]["code"] for each in posted}),
        "net": str(_sum(each["untaxed_amount"] for each in posted)),
        "tax": str(_sum(each["tax_amount"] for each in posted)),
        "total": str(total),
        "payments": sum(len(each["payment_lines."]) for each in posted),
        "paid": str(total - unpaid),
        "open": str(unpaid),
        "documents": [_document(each) for each in found],
        "closed": sorted(each["start_date"].isoformat() for each in closed),
    }


def _document(row: Row) -> dict[str, Any]:
    booked = row["state"] not in _DRAFT
    return {
        "id": str(row["id"]),
        "number": row["number"] or "",
        "reference": row["reference"] or "",
        "state": row["state"],
        "date": row["invoice_date"].isoformat() if row["invoice_date"] else "",
        "net": str(row["untaxed_amount"]),
        "tax": str(row["tax_amount"]),
        "total": str(row["total_amount"]),
        "open": str(_open(row) if booked else row["total_amount"]),
        "payments": [
            {
                "id": str(each["id"]),
                "date": each["date"].isoformat(),
                "amount": str(each["credit"] - each["debit"]),
            }
            for each in sorted(row["payment_lines."], key=lambda each: each["id"])
        ],
    }


def _open(row: Row) -> Decimal:
    """As the receivables account has it: what pays for another document already is not to be paid once more."""
    used = [each for each in row["lines_to_pay."] if each["invoice_payment"] and not each["reconciliation"]]
    return row["amount_to_pay"] - _sum(each["debit"] - each["credit"] for each in used)


def _sum(amounts: Any) -> Decimal:
    return sum(amounts, Decimal("0.00"))
