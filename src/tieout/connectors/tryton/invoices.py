"""Invoices that the hub proposes: drafts under our reference, with the accounts and taxes that Tryton itself derives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tieout.connectors.contract import Claim, Guarantee, Operation, Receipt, Write
from tieout.connectors.tryton import lengths
from tieout.connectors.tryton.books import Books, Company
from tieout.connectors.tryton.client import Row
from tieout.connectors.tryton.handling import Handler, as_json, creating, values_of
from tieout.connectors.tryton.telling import Attempt, reading, writing, written
from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.problems import Rejected

INVOICE = "account.invoice"
LINE = "account.invoice.line"
_TOTALS = ("untaxed_amount", "tax_amount", "total_amount")
_NOT_BOOKED = ("draft", "validated")
_NEEDED = (("journal", "revenue journal"), ("account", "receivable account"), ("invoice_address", "address"))


@dataclass(frozen=True, slots=True)
class _Found:
    """The records that a draft needs; what Tryton does not have is None or absent."""

    currency: int | None
    terms: int | None
    products: Mapping[str, int]
    departments: Mapping[str, tuple[int, int]]
    header: Row


async def _prepare_propose(books: Books, write: Write, attempt: Attempt) -> bytes:
    """Raises Rejected with everything that the books lack for the draft."""
    invoice, customer = Invoice.model_validate(dict(write.body)), int(write.ids["customer"])
    company = await books.company()
    found = await _look_up(books, company, invoice, customer)
    attempt.refuse(_missing(books, invoice, found))
    assert found.currency is not None
    sold = {
        name: await _sold(books, company, customer, product, found.currency) for name, product in found.products.items()
    }
    attempt.refuse(
        f"Tryton knows no revenue account for “{name}”: set it on the product's accounting category"
        for name, facts in sold.items()
        if not facts["account"]
    )
    header = found.header
    values: Row = {
        **header,
        "type": "out",
        "company": company.id,
        "party": customer,
        "currency": found.currency,
        "payment_term": found.terms if found.terms is not None else header["payment_term"],
        "reference": invoice.key,
        "description": _about(invoice),
        "invoice_date": invoice.invoice_date,
        "comment": f"Purchase order: {invoice.po_number}" if invoice.po_number else None,
        "lines": [["create", [_line(each, company, found, sold[each.sold_as]) for each in invoice.lines]]],
    }
    return await creating(books, INVOICE, [values])


async def _propose(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Creates the draft unless one with its reference is there: Tryton does not refuse the second one by itself."""
    with reading(attempt):
        there = await _under_reference(books, values_of(request)[0]["reference"])
    if there is not None:
        return there
    with writing(attempt):
        (made,) = await books.client.send(request)
    with written(attempt):
        (row,) = await books.client.read(INVOICE, [made], _TOTALS)
    return _receipt(row)


async def _find(books: Books, write: Write) -> Receipt | None:
    return await _under_reference(books, write.subject)


async def _under_reference(books: Books, reference: str) -> Receipt | None:
    """The first invoice with the reference, whatever became of it, and further drafts; a credit note may carry it too."""
    rows = await books.client.search(
        INVOICE, [["reference", "=", reference], ["type", "=", "out"]], [*_TOTALS, "state"], order=[("id", "ASC")]
    )
    drafts = (str(each["id"]) for each in rows[1:] if each["state"] in _NOT_BOOKED and each["total_amount"] >= 0)
    return replace(_receipt(rows[0]), others=tuple(drafts)) if rows else None


async def _prepare_withdraw(books: Books, write: Write, attempt: Attempt) -> bytes:
    return as_json({"record": int(write.ids["record"])})


async def _withdraw(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Deletes a draft; one that is gone is a success, and one that finance has booked is refused."""
    record = json.loads(request)["record"]
    with reading(attempt):
        rows = await books.client.search(INVOICE, [["id", "=", record]], ["number", "state"])
    if rows:
        state, number = rows[0]["state"], rows[0]["number"]
        attempt.refuse([] if state in _NOT_BOOKED else [f"invoice {number} is {state}: only finance can take it back"])
        try:
            with writing(attempt):
                await books.client.delete(INVOICE, [record])
        except Rejected:
            # Whoever deletes it at the same moment makes the ledger refuse: it is gone all the same.
            with reading(attempt):
                if await books.client.search(INVOICE, [["id", "=", record]], ["id"]):
                    raise
    return Receipt(str(record))


async def _find_gone(books: Books, write: Write) -> Receipt | None:
    """A draft is withdrawn when it is there no more."""
    there = await books.client.only(INVOICE, [["id", "=", int(write.ids["record"])]], ["id"])
    return None if there else Receipt(write.ids["record"])


HANDLERS = (
    Handler(
        Operation(
            "invoice.propose",
            Guarantee.LOOK_UP,
            "propose the invoice",
            lengths=lengths.INVOICE,
            creates="invoice",
            money=Claim.DRAFTED,
            undo="delete the draft; once it is posted, credit it",
        ),
        _prepare_propose,
        _propose,
        _find,
    ),
    Handler(
        Operation("invoice.withdraw", Guarantee.UPSERT, "withdraw the draft", creates="", money=Claim.DRAFTED, undo=""),
        _prepare_withdraw,
        _withdraw,
        _find_gone,
    ),
)


async def _look_up(books: Books, company: Company, invoice: Invoice, customer: int) -> _Found:
    return _Found(
        currency=await books.currency(invoice.currency),
        terms=await books.payment_term(invoice.payment_terms) if invoice.payment_terms else None,
        products=await books.products(each.sold_as for each in invoice.lines),
        departments=await books.departments(each.department for each in invoice.lines if each.department),
        header=await _header(books, company, customer),
    )


async def _header(books: Books, company: Company, customer: int) -> Row:
    """Account, address, terms and journal, as Tryton's own form would fill them in for this customer."""
    party = await books.derived(INVOICE, "party", {"type": "out", "company": company.id, "party": customer})
    kind = await books.derived(INVOICE, "type", {"type": "out", "company": company.id})
    names = ("account", "invoice_address", "payment_term", "party_tax_identifier")
    return {name: party.get(name) for name in names} | {"journal": kind.get("journal")}


async def _sold(books: Books, company: Company, customer: int, product: int, currency: int) -> Row:
    """Account, unit and taxes of a product for this customer: the categories and tax rules are Tryton's."""
    line = await books.derived(
        LINE,
        "product",
        {
            "type": "line", "invoice_type": "out", "company": company.id, "currency": currency, "party": customer,
            "product": product,
        },
    )  # fmt: skip
    change: Row = line.get("taxes") or {"add": []}
    taxes = [tax["id"] for _, tax in change["add"]]
    return {"product": product, "account": line.get("account"), "unit": line.get("unit"), "taxes": taxes}


def _about(invoice: Invoice) -> str:
    """A credit note names the invoices that it corrects (T44). Of several projects the lines say whose they are (T43)."""
    project = f"{invoice.project}, " if invoice.project else ""
    if invoice.corrects:
        return f"{project}credit for {', '.join(invoice.corrects)}"
    return f"{project}work through {invoice.through.isoformat()}"


def _line(line: InvoiceLine, company: Company, found: _Found, sold: Row) -> Row:
    values: Row = {
        "type": "line", "company": company.id, "currency": found.currency, "description": line.description,
        "product": sold["product"], "account": sold["account"], "unit": sold["unit"],
        "quantity": float(line.quantity), "unit_price": line.unit_price, "taxes": [["add", sold["taxes"]]],
    }  # fmt: skip
    if line.department:
        root, account = found.departments[line.department]
        values["analytic_accounts"] = [["create", [{"root": root, "account": account}]]]
    return values


def _missing(books: Books, invoice: Invoice, found: _Found) -> Iterable[str]:
    if found.currency is None:
        yield f"Tryton has no currency {invoice.currency}"
    if invoice.payment_terms and found.terms is None:
        yield f"Tryton has no payment term “{invoice.payment_terms}”"
    for name in sorted({each.sold_as for each in invoice.lines} - found.products.keys()):
        hours = any(each.sold_as == name and each.kind == "time" for each in invoice.lines)
        yield f"Tryton has no service product for the role “{name}”" if hours else f"Tryton has no product “{name}”"
    for code in sorted({each.department for each in invoice.lines if each.department} - found.departments.keys()):
        yield f"Tryton has no account {code} in the dimension {books.config.analytic_root}"
    for name, label in _NEEDED:
        if not found.header[name]:
            yield f"Tryton has no {label} for invoices to this customer"


def _receipt(row: Row) -> Receipt:
    net, tax, total = (str(row[name]) for name in _TOTALS)
    return Receipt(str(row["id"]), answer={"net": net, "tax": tax, "total": total})
