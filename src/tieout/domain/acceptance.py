"""What a contract's milestones have come to: the words for sales, and what stands between a milestone and its fee (T39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.terms import FixedTerms
from tieout.domain.money import Money
from tieout.domain.problems import Problem

Row = Mapping[str, Any]


def news(milestones: Sequence[Row]) -> str:
    """Every milestone of the contract, as it stands now: “Design: accepted 2026-11-02, invoice 2026/0042 posted; Go-live: open”."""
    return "; ".join(f"{_name(each)}: {_state(each)}{_billed(each)}" for each in milestones)


def _name(milestone: Row) -> str:
    """With the sale that it belongs to, where that has a project of its own: two of them may have milestones of one name."""
    return f"{milestone['agreed']} ({milestone['sale']})" if milestone.get("sale") else str(milestone["agreed"])


def _billed(milestone: Row) -> str:
    state = str(milestone["invoice_state"]).replace("_", " ")
    return f", invoice {milestone['invoice']} {state}" if milestone["invoice"] else ""


def _state(milestone: Row) -> str:
    state, share, since = milestone["state"], milestone["share"], milestone["since"]
    held = "on hold, " if state == "on_hold" else ""
    if share:
        part = "" if share == 1 else f"{(share * 100).normalize():f} % "
        return f"{held}{part}accepted {since}"
    if since is not None:
        return f"{held}taken back {since}"
    return "on hold" if held else "open"


def fee_of(contract: ContractVersion, milestone: str, own: str = "") -> Money:
    """What becomes due with a milestone, retainage that it releases not counted; `own` is the project of its own of its sale."""
    fees = [
        each.amount
        for sold in contract.sold
        if isinstance(sold.terms, FixedTerms) and sold.project == own
        for each in sold.terms.instalments
        if each.milestone == milestone
    ]
    return Money(sum(fees, Decimal(0)), contract.currency)


def unclear(
    contract: ContractVersion, milestones: Sequence[Row], accepted: Sequence[str], *, deal: str, project: str, link: str
) -> list[Problem]:
    """Which milestones of the contract cannot be told in the PSA.

    One is missing there when something else has been `accepted` that the contract does not name: it may be the same under
    another name. Before that it may simply not be planned yet.
    """
    found: list[Problem] = []
    for each in milestones:
        fee = fee_of(contract, each["agreed"], each.get("own", ""))
        facts = {"milestone": _name(each), "project": project, "amount": str(fee), "link": link}
        if each["source_id"] is None and accepted:
            others = "”, “".join(accepted)
            found.append(Problem("milestone.missing", {**facts, "deal": deal, "others": others}, amount=fee))
        elif each["alike"] > 1:
            found.append(Problem("milestone.doubled", {**facts, "count": str(each["alike"])}, amount=fee))
    return found
