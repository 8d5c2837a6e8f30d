"""The hub's figures beside what each system says of itself: every difference must be zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.store.figures import Figures, Totals


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure twice: as the hub has it and as a system has it. `currency` is empty for a count."""

    entity: str
    currency: str
    name: str
    hub: Decimal
    system: Decimal

    @property
    def difference(self) -> Decimal:
        return self.hub - self.system


# Figure → the hub's name for it, and where it stands in the books of the systems. Money first, then counts.
_MONEY = {
    "won deals in the CRM": ("sold", ("crm", "won_amount")),
    "approved work in the PSA": ("worked", ("psa", "approved", "value")),
    "invoices in the ERP, net": ("billed_net", ("erp", "net")),
    "invoices in the ERP, tax": ("billed_tax", ("erp", "tax")),
    "invoices in the ERP, total": ("billed_total", ("erp", "total")),
    "payments in the ERP": ("paid", ("erp", "paid")),
    "open items in the ERP": ("open", ("erp", "open")),
}
_COUNTS = {
    "won deals in the CRM": ("deals", ("crm", "won")),
    "projects in the PSA": ("projects", ("psa", "projects")),
    "projects in the ERP": ("projects", ("erp", "projects")),
    "time entries in the PSA": ("entries", ("psa", "entries")),
    "approved minutes in the PSA": ("approved_minutes", ("psa", "approved", "billable_minutes")),
    "minutes on the ERP's timesheets": ("delivered_minutes", ("erp", "minutes")),
}


def compare(figures: Figures, books: Mapping[str, Any]) -> list[Compared]:
    """Every figure that both sides have, entity by entity."""
    return [each for code, book in books["entities"].items() for each in _entity(figures, code, book)]


def _entity(figures: Figures, code: str, book: Mapping[str, Any]) -> Iterator[Compared]:
    currency = book["currency"]
    mine = next((each for each in figures.totals if each.entity == code and each.currency == currency), None)
    known = mine if mine is not None else Totals(code, currency)
    for name, (field, path) in _MONEY.items():
        yield from _one(known, code, currency, name, field, _at(book, path))
    for name, (field, path) in _COUNTS.items():
        yield from _one(known, code, "", name, field, _at(book, path))
    if book.get("erp"):
        invoices = Decimal(book["erp"]["invoices"]) + Decimal(book["erp"]["drafts"])
        yield Compared(code, "", "invoices and drafts in the ERP", Decimal(known.invoices), invoices)


def _one(known: Totals, code: str, currency: str, name: str, field: str, system: Decimal | None) -> Iterator[Compared]:
    if system is not None:
        yield Compared(code, currency, name, Decimal(getattr(known, field)), system)


def _at(book: Mapping[str, Any], path: tuple[str, ...]) -> Decimal | None:
    """A figure of the books; None when that system is not there."""
    found: Any = book
    for step in path:
        found = found.get(step) if found else None
    return None if found is None else Decimal(str(found))
