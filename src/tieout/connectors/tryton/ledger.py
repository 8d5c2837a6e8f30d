"""What became of invoices: their state, number, amounts and payments, as finance decided them in Tryton."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.contract import Change, Page
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.client import Row
from tieout.connectors.tryton.invoices import INVOICE
from tieout.domain.identity import Ref, content_hash
from tieout.domain.money import Money

# A change becomes visible when its transaction ends and carries the time at which it began (T57).
_OVERLAP = timedelta(minutes=2)
_PAGE = 200
# Tryton has no field for a dispute: finance notes it on the invoice, and its end likewise (see the README).
_NOTE, _DISPUTED, _SETTLED = "ir.note", "Disputed", "Settled"
_FIELDS = (
    "reference", "number", "state", "invoice_date", "currency.code", "untaxed_amount", "tax_amount", "total_amount",
    "amount_to_pay", "party.code", "last_modified_at", "lines_to_pay.maturity_date",
    "lines_to_pay.debit", "lines_to_pay.credit", "lines_to_pay.amount_second_currency", "lines_to_pay.second_currency",
    "lines_to_pay.invoice_payment", "lines_to_pay.reconciliation",
    "payment_lines.date", "payment_lines.debit", "payment_lines.credit", "payment_lines.amount_second_currency",
    "payment_lines.second_currency", "payment_lines.last_modified_at",
    "taxes.tax.name", "lines.type", "lines.description", "lines.quantity", "lines.unit_price", "lines.amount",
    "lines.last_modified_at",
)  # fmt: skip
_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
_NOT_BOOKED = ("draft", "validated")  # nothing is to be paid yet, and nothing has been
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


async def changes(books: Books, since: str | None) -> Page:
    """Customer invoices that changed since the cursor, and every open one: a page of them, by ascending id.

    Open invoices are read again in each sweep, because a payment is not certain to touch its invoice; a line that is
    changed by itself does not touch it either. The cursor is
    the newest stamp at the sweep's beginning, so that nothing that changes meanwhile is passed over; within a sweep it
    also says how far the sweep has come.
    """
    began, newest, last = _cursor(since)
    if not last:
        newest = await _newest(books) or began
    since_then = max(began - _OVERLAP, _BEGINNING)
    changed = [[name, ">=", since_then] for name in ("last_modified_at", "lines.last_modified_at")]
    domain = [["type", "=", "out"], ["id", ">", last], ["OR", *changed, ["state", "=", "posted"]]]
    rows = await books.client.search(INVOICE, domain, _FIELDS, limit=_PAGE, order=[("id", "ASC")])
    more = len(rows) == _PAGE
    cursor = "/".join((_told(began), _told(newest), str(rows[-1]["id"]))) if more else _told(newest)
    disputes = await _disputes(books, rows)
    return Page([change(books.name, each, disputes.get(each["id"], "")) for each in rows], cursor, more)


async def look(books: Books, ref: Ref) -> Change | None:
    """The invoice now; None when it is gone: a deleted draft leaves nothing behind."""
    rows = await books.client.search(INVOICE, [["id", "=", int(ref.id)]], _FIELDS)
    disputes = await _disputes(books, rows)
    return change(books.name, rows[0], disputes.get(int(ref.id), "")) if rows else None


def change(connection: str, row: Row, disputed: str = "") -> Change:
    """The invoice with what the customer objects to, which is no field of it and does not touch its stamps."""
    record = {**_record(row), "disputed": disputed}
    stamp = max(each["last_modified_at"] for each in (row, *row["payment_lines."], *row["lines."]))
    return Change(
        Ref(connection, "invoice", str(row["id"])),
        f"{_told(stamp)}#{content_hash(record)[:16]}",
        record=record,
        amount=Money(row["total_amount"], row["currency."]["code"]),
    )


def _record(row: Row) -> dict[str, Any]:
    due = [each["maturity_date"] for each in row["lines_to_pay."] if each["maturity_date"]]
    return {
        "reference": row["reference"] or "",
        "number": row["number"] or "",
        "state": _state(row),
        "type": "credit_note" if row["total_amount"] < 0 else "invoice",
        "invoice_date": _day(row["invoice_date"]),
        "due_date": _day(max(due)) if due else None,
        "currency": row["currency."]["code"],
        "net": str(row["untaxed_amount"]),
        "tax": str(row["tax_amount"]),
        "total": str(row["total_amount"]),
        "open_amount": str(_open(row)),
        "customer": row["party."]["code"] or "",
        "taxes": sorted({each["tax."]["name"] for each in row["taxes."] if each.get("tax.")}),
        "payments": [
            {"id": str(each["id"]), "paid_on": _day(each["date"]), "amount": str(_paid(each))}
            for each in sorted(row["payment_lines."], key=lambda each: each["id"])
        ],
        "lines": [_line(each) for each in _sold(row["lines."])],
    }


def _state(row: Row) -> str:
    """Tryton calls an invoice `posted` until the last cent has come in."""
    state = row["state"]
    if state == "posted" and 0 < row["amount_to_pay"] < row["total_amount"]:
        return "partly_paid"
    return state


def _open(row: Row) -> Decimal:
    """What is still to be paid. A credit note that pays for an invoice is open no more: it is that invoice's, whose own open
    amount is less for it, though Tryton calls both open until the rest of the invoice has come in.
    """
    if row["state"] in _NOT_BOOKED:
        return row["total_amount"]
    used = [each for each in row["lines_to_pay."] if each["invoice_payment"] and not each["reconciliation"]]
    return row["amount_to_pay"] + sum(map(_paid, used), Decimal(0))


def _paid(line: Row) -> Decimal:
    """What a receivable was reduced by, in the invoice's currency."""
    if line["second_currency"]:
        return -Decimal(line["amount_second_currency"])
    return Decimal(line["credit"]) - Decimal(line["debit"])


def _sold(lines: Iterable[Row]) -> list[Row]:
    return sorted((each for each in lines if each["type"] == "line"), key=lambda each: each["id"])


def _line(line: Row) -> dict[str, str]:
    quantity = Decimal(str(line["quantity"])).normalize()
    return {
        "description": line["description"] or "",
        "quantity": format(quantity, "f"),
        "unit_price": str(line["unit_price"]),
        "amount": str(line["amount"]),
    }


async def _disputes(books: Books, rows: Sequence[Row]) -> dict[int, str]:
    """What customers object to, by invoice: the newest note that begins with `Disputed`, unless a later one says `Settled`."""
    resources = [f"{INVOICE},{each['id']}" for each in rows]
    notes = await books.client.search(
        _NOTE, [["resource", "in", resources]], ["resource", "message"], order=[("id", "ASC")]
    )
    found: dict[int, str] = {}
    for each in notes:
        word, _, what = str(each["message"]).strip().partition(":")
        if word in (_DISPUTED, _SETTLED):
            found[int(str(each["resource"]).partition(",")[2])] = what.strip() if word == _DISPUTED else ""
    return found


async def _newest(books: Books) -> datetime | None:
    rows = await books.client.search(
        INVOICE, [["type", "=", "out"]], ["last_modified_at"], limit=1, order=[("last_modified_at", "DESC")]
    )
    return rows[0]["last_modified_at"] if rows else None


def _cursor(since: str | None) -> tuple[datetime, datetime, int]:
    if since is None:
        return _BEGINNING, _BEGINNING, 0
    began, *rest = since.split("/")
    newest, last = rest or (began, "0")
    return _at(began), _at(newest), int(last)


def _at(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP)


def _day(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
