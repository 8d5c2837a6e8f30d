"""Expenses as they are charged: recharged as our own cost with its markup, or passed on in the customer's name as they are (T31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.domain.charging.fees import Due
from tieout.domain.charging.pieces import Event
from tieout.domain.money import Money

# What stands in an expense's evidence, beside what its invoice line says.
_BASIS = (
    "version", "person", "category", "notes", "treatment", "markup", "receipt_amount", "receipt_currency", "claim_amount",
    "claim_currency", "rate", "rate_date", "project_rate", "project_rate_date", "input_tax", "approved_by", "approved_at",
    "mapping",
)  # fmt: skip


def expenses(rows: Sequence[Mapping[str, Any]]) -> list[Due]:
    """What approved expenses come to for the customer, each an event of its own; what is not billable is none.

    A recharge is the cost without the tax that we get back, with its markup, and the ledger taxes it; a disbursement is what
    was paid, and no tax comes on it. An expense without an amount in the contract's currency, or with a problem, waits.
    `rows` are those of `tieout.store.expenses.approved`.
    """
    found: list[Due] = []
    for each in rows:
        if each["treatment"] not in ("recharge", "disbursement"):
            continue
        waits = each["waits"] or each["amount"] is None
        # An expense and a time entry of one system may have the same id.
        ref = f"{each['connection']}/expense/{each['source_id']}"
        worth = Money.zero(each["currency"]) if each["amount"] is None else _worth(each)
        event = Event(ref, "expense", each["sold"], each["day"], worth)
        basis = {name: str(each[name]) for name in _BASIS if each[name] not in (None, "")}
        name = ", ".join(filter(None, (each["category"], str(each["day"]), each["notes"])))
        taxed = each["treatment"] == "recharge"
        found.append(
            Due(
                event,
                name,
                product=each["product"],
                contract_version=each["contract_version"],
                basis=basis,
                waits=waits,
                taxed=taxed,
                project=each["project"],
            )
        )
    return found


def _worth(row: Mapping[str, Any]) -> Money:
    cost = Money(row["amount"], row["currency"])
    if row["treatment"] == "disbursement":
        return cost.rounded()
    ours = cost - Money(row["input_tax"] or Decimal(0), row["currency"])
    return (ours * (1 + (row["markup"] or Decimal(0)))).rounded()
