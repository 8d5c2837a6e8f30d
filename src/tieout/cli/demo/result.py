"""What a demo came to: the figures, the comparison with the systems' own books, the holds, and how long it took."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.cli.amounts import differences, written
from tieout.cli.demo.box import Box
from tieout.cli.demo.comparison import Compared, compare
from tieout.cli.demo.documents import Document, documents
from tieout.cli.one_hold import shown
from tieout.store import holds, invoices, watching, worklist
from tieout.store.database import Database
from tieout.store.figures import Figures, Totals, figures
from tieout.store.happened import happened

# What people call a figure → the hub's name for it.
_FIGURES = {
    "booked": "booked",
    "delivered": "approved",
    "billed": "billed_net",
    "tax": "billed_tax",
    "billed_total": "billed_total",
    "paid": "paid",
    "open": "open",
    "unbilled": "unbilled",
    "at_risk": "at_risk",
    "set_aside": "set_aside",
    "overage": "overage",
    "proposed": "proposed",
    "rounding": "rounding",
    "left": "left",
}
# Records that a second start on the same data must not make again.
_RECORDS = {
    "customers": "erp.customer.create",
    "projects": "erp.project.create",
    "clients in the PSA": "psa.client.create",
    "projects in the PSA": "psa.project.create",
    "time entries": "erp.time.deliver",
    "invoices": "erp.invoice.propose",
}


@dataclass(frozen=True, slots=True)
class Result:
    """Everything at the end. `made` counts what this run wrote into the target systems, by operation."""

    figures: Figures
    compared: Sequence[Compared]
    documents: Sequence[Document]
    happened: Mapping[str, Sequence[Mapping[str, Any]]]
    holds: Sequence[Mapping[str, Any]]
    approvals: Sequence[Mapping[str, Any]]
    made: Mapping[str, int]
    timings: Mapping[str, Any]
    story: Mapping[str, Any]
    seconds: float
    hub_kills: int
    console: str

    @property
    def ties_out(self) -> bool:
        """The story is over, the hub's own figures agree with each other, and with every system, document by document."""
        agreed = not any(e.difference for e in self.compared) and not any(e.differing for e in self.documents)
        return bool(self.story["finished"]) and self.figures.ties_out and agreed

    @property
    def missing(self) -> list[str]:
        """What the month should have had and did not."""
        return [name for name, found in self.happened.items() if not found]

    @property
    def created(self) -> dict[str, int]:
        return {name: self.made.get(operation, 0) for name, operation in _RECORDS.items()}

    def as_dict(self) -> dict[str, Any]:
        by = Counter(each["resolved_by"] for each in self.holds if each["state"] == "resolved")
        counted = [each for each in self.figures.totals if each.entity]
        return {
            "ties_out": self.ties_out,
            "happened": [_happened(name, found) for name, found in self.happened.items()],
            "missing": self.missing,
            "story": {name: self.story[name] for name in ("day", "first_day", "last_day", "finished", "acts")},
            "deals_won": sum(each.deals for each in counted),
            "customers": sum(each.customers for each in counted),
            "projects": sum(each.projects for each in counted),
            "entries": sum(each.entries for each in self.figures.totals),
            "invoices": sum(each.invoices for each in counted),
            "payments": sum(each.payments for each in counted),
            "holds": {
                "opened": len(self.holds),
                "resolved": sum(by.values()),
                "resolved_by": dict(by),
                "open": sum(each["state"] == "open" for each in self.holds),
                "list": [_hold(each) for each in self.holds],
            },
            "approvals": [_approval(each) for each in self.approvals],
            "entities": [self._entity(each) for each in counted],
            "differences": differences(self.figures.differences),
            "created": {name.replace(" ", "_").lower(): number for name, number in self.created.items()},
            "written": dict(self.made),
            "timings": dict(self.timings),
            "hub_kills": self.hub_kills,
            "console": self.console,
            "seconds": round(self.seconds, 1),
        }

    def _entity(self, each: Totals) -> dict[str, Any]:
        """What one legal entity has in one currency, and each figure beside what a system says of it."""
        own = [one for one in self.compared if one.entity == each.entity and one.currency in ("", each.currency)]
        named = {name: written(getattr(each, figure), each.currency) for name, figure in _FIGURES.items()}
        return {
            "entity": each.entity,
            "currency": each.currency,
            **named,
            "differences": [_compared(one) for one in own],
            "documents": [one.as_dict() for one in self.documents if one.entity == each.entity],
        }


async def result(
    database: Database, box: Box, *, since: datetime, seconds: float, hub_kills: int, console: str
) -> Result:
    """Reads everything; `since` is when this run began."""
    found = await figures(database)
    books = await box.books()
    async with database.transaction() as tx:
        known = await invoices.with_payments(tx)
        cases = await happened(tx, **_told_by(books))
        made = await watching.made(tx, since)
        waited = [*await holds.listed(tx, "open"), *await holds.listed(tx, "resolved")]
        waited.sort(key=lambda each: each["id"])
        approvals = await worklist.approvals(tx)
        timings = _timings(
            await watching.kickoffs(tx, since), await watching.billings(tx, since), await watching.page_path(tx, since)
        )
    return Result(
        figures=found,
        compared=compare(found, books),
        documents=documents(known, books),
        happened=cases,
        holds=waited,
        approvals=approvals,
        made=made,
        timings=timings,
        story=await box.status(),
        seconds=seconds,
        hub_kills=hub_kills,
        console=console,
    )


def _told_by(books: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """What the systems alone know: the quotes that deals were won by, and the months that are closed in the ledgers."""
    entities: Mapping[str, Any] = books["entities"]
    return {
        "quotes": [each for book in entities.values() for each in book["crm"]["won_by"]],
        "closed": [
            {"entity": code, "month": month}
            for code, book in entities.items()
            for month in book["erp"].get("closed", ())
        ],
    }


def _happened(name: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = [{each: one[each] for each in ("entity", "engagement", "told", "documents")} for one in found]
    return {"what": name, "happened": bool(found), "times": told}


def _timings(
    kickoffs: Sequence[Mapping[str, Any]], billings: Sequence[float], pages: Mapping[str, Any]
) -> dict[str, Any]:
    """In seconds; None where this run had nothing to measure."""
    won = [each["seconds"] for each in kickoffs]
    rate = pages["entries"] / pages["seconds"] if pages["seconds"] else None
    return {
        "won_to_project": _spread(won),
        "approved_entry_to_invoice_line": _spread(billings),
        "entries_per_second": round(rate, 1) if rate is not None else None,
    }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {
        "first": round(seconds[0], 2),
        "median": round(statistics.median(seconds), 2),
        "slowest": round(max(seconds), 2),
    }


def _approval(found: Mapping[str, Any]) -> dict[str, Any]:
    names = ("title", "terms", "entity", "state", "requested_by", "decided_by")
    return {"approval": f"A-{found['id']}", **{name: found[name] for name in names}}


def _hold(found: Mapping[str, Any]) -> dict[str, Any]:
    names = ("hold", "what", "entity", "amount", "currency", "state", "resolved_by", "resolution")
    told = shown(dict(found))
    return {name: told[name] for name in names}


def _compared(each: Compared) -> dict[str, str]:
    return {
        "name": each.name,
        "currency": each.currency,
        "hub": written(each.hub, each.currency),
        "system": written(each.system, each.currency),
        "difference": written(each.difference, each.currency),
    }
