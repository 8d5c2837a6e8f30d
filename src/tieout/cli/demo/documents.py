"""Each invoice, credit note and payment twice: as the hub has it, and as the ERP says through its own API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """One of the ERP's documents. `hub` and `system` have the same names; one that has none of it is empty.

    Amounts are decimal strings in `currency`; a credit note's are negative.
    """

    entity: str
    currency: str
    number: str
    kind: str
    hub: Facts
    system: Facts

    @property
    def differing(self) -> list[str]:
        return [name for name in {**self.hub, **self.system} if self.hub.get(name) != self.system.get(name)]

    def as_dict(self) -> dict[str, Any]:
        named = {"number": self.number, "kind": self.kind, "currency": self.currency}
        return {**named, "hub": dict(self.hub), "system": dict(self.system), "differing": self.differing}


def documents(known: Sequence[Mapping[str, Any]], books: Mapping[str, Any]) -> list[Document]:
    """Entity by entity, in the ERP's order, then what only the hub has. `known` are the rows of `invoices.with_payments`."""
    return [each for code, book in books["entities"].items() if book.get("erp") for each in _entity(known, code, book)]


def _entity(known: Sequence[Mapping[str, Any]], code: str, book: Mapping[str, Any]) -> Iterator[Document]:
    mine = {each["record_id"] or each["key"]: each for each in known if each["entity"] == code}
    for told in book["erp"]["documents"]:
        row = mine.pop(told["id"], None)
        hub = _known(row) if row is not None else dict[str, str]()
        yield Document(
            code, book["currency"], told["number"] or told["reference"], _kind(told["net"]), hub, _told(told)
        )
    for row in mine.values():
        yield Document(code, row["currency"], row["number"] or row["key"], _kind(row["net"]), _known(row), {})


def _known(row: Mapping[str, Any]) -> Facts:
    total = row["net"] if row["total"] is None else row["total"]
    facts = {
        "number": row["number"],
        "state": "posted" if row["state"] == "partly_paid" else row["state"],
        "net": _amount(row["net"]),
    }
    if row["tax"] is None:  # a draft, of which the ERP's answer is read when finance has posted it
        return facts
    return {
        **facts,
        "date": str(row["invoice_date"]),
        "tax": _amount(row["tax"]),
        "total": _amount(total),
        "open": _amount(row["open_amount"]),
        "payments": _payments(row["payments"]),
    }


def _told(told: Mapping[str, Any]) -> Facts:
    """The ERP's side. What a credit note is set off with stands there as the invoice's payment alone."""
    if told["state"] in ("draft", "validated"):
        return {"number": told["number"], "state": told["state"], "net": _amount(told["net"])}
    payments: Sequence[Mapping[str, Any]] = told["payments"]
    taken = Decimal(told["total"]) - Decimal(told["open"])
    if not payments and taken:
        payments = [{"id": "set-off", "date": told["date"], "amount": str(taken)}]
    amounts = {name: _amount(told[name]) for name in ("net", "tax", "total", "open")}
    return {
        **{name: told[name] for name in ("number", "state", "date")},
        **amounts,
        "payments": _payments(payments),
    }


def _payments(payments: Sequence[Mapping[str, Any]]) -> str:
    """Each with its id, day and amount: two of one day are two."""
    told = sorted(f"{each['id']} on {each['date']}: {_amount(each['amount'])}" for each in payments)
    return "; ".join(told) or "none"


def _kind(net: Any) -> str:
    return "credit note" if Decimal(str(net)) < 0 else "invoice"


def _amount(value: Any) -> str:
    return f"{Decimal(str(value)):.2f}"
