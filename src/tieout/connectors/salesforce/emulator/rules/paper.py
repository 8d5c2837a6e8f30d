"""Contracts, orders and quotes: drafts first, activated later, with the dates and accounts that follow."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

from tieout.connectors.salesforce.emulator.drafts import Draft
from tieout.connectors.salesforce.emulator.failures import refusal

_STATUS_CODES = {"Draft": "Draft", "In Approval Process": "InApproval", "Activated": "Activated"}


def complete_contract(draft: Draft) -> None:
    _activate(draft, "Choose a valid contract status and save your changes. Ask your admin for details.")
    if draft.row.get("Status") == "Activated" and draft.changed("Status"):
        draft.row["ActivatedDate"] = draft.records.stamp()
    start, months = draft.row.get("StartDate"), draft.row.get("ContractTerm")
    draft.row["EndDate"] = end_of_term(start, months) if start and months else None


def complete_order(draft: Draft) -> None:
    _activate(draft, "Choose a valid order status and save your changes. Ask your admin for details.")
    if draft.row.get("Status") == "Activated" and draft.changed("Status"):
        items = draft.records.live(draft.records.schema["OrderItem"], "OrderId", draft.row["Id"])
        if not items:
            raise refusal("FAILED_ACTIVATION", "An order must have at least one product.")


def complete_quote(draft: Draft) -> None:
    """A quote belongs to its opportunity's account and currency."""
    deal = draft.parent("OpportunityId")
    if deal is not None:
        draft.row["AccountId"] = deal.get("AccountId")
        if "CurrencyIsoCode" in deal:
            draft.row["CurrencyIsoCode"] = deal["CurrencyIsoCode"]
    charges = (draft.row.get("TotalPrice"), draft.row.get("Tax"), draft.row.get("ShippingHandling"))
    draft.row["GrandTotal"] = sum((each for each in charges if each is not None), Decimal(0))


def _activate(draft: Draft, message: str) -> None:
    """Nothing is created active: activation is a change of its own."""
    status = draft.row.get("Status") or "Draft"
    if draft.creating and status == "Activated":
        raise refusal("FAILED_ACTIVATION", message, "Status")
    draft.row["StatusCode"] = _STATUS_CODES.get(status, "Draft")


def end_of_term(start: date, months: int) -> date:
    """The last day of a term of whole months: twelve months from 1 March end on the last of February."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    day = min(start.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)
