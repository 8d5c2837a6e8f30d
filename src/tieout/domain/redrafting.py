"""Whether the drafts of a cut-off still say what would be billed now, and whether one may be made anew (T23)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.domain.consolidating import is_as_drafted
from tieout.domain.documents.billing import Invoice
from tieout.domain.proposal import Proposal

Row = Mapping[str, Any]


def version_of(invoice_key: str) -> int:
    """How often the invoices of a cut-off were made by then, this one included."""
    found = re.search(r"-V(\d+)", invoice_key)
    return int(found.group(1)) if found else 1


def is_current(proposal: Proposal | None, drafts: Sequence[Invoice], evidence: Iterable[Row]) -> bool:
    """Whether drafts, with their stored `evidence`, are what would be proposed now: the same heads and lines, of the same work."""
    beneath: dict[str, list[Row]] = {each.key: [] for each in drafts}
    for each in evidence:
        beneath[each["invoice"]].append(each)
    now = Counter(_told(each.invoice, each.evidence) for each in (proposal.every if proposal else ()))
    return now == Counter(_told(each, beneath[each.key]) for each in drafts)


def is_untouched(invoice: Invoice, told: Row, sabotage: frozenset[str] = frozenset()) -> bool:
    """Whether what the ERP has is a draft still, with the lines that were proposed. What finance has changed is finance's.

    `sabotage` brings a bug back, so that the suite can prove that it would catch it: `redraft_anything` takes no heed of it.
    """
    return told["state"] == "draft" and ("redraft_anything" in sabotage or is_as_drafted(invoice, told))


def _told(invoice: Invoice, evidence: Iterable[Row]) -> tuple[str, frozenset[tuple[Any, int]]]:
    said = invoice.model_copy(update={"key": "", "invoice_date": None}).model_dump_json()
    work = Counter(
        (each["line"], each["connection"], each["source_id"], each["minutes"], Decimal(str(each["amount"])))
        for each in evidence
    )
    return said, frozenset(work.items())
