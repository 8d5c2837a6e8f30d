"""Product lines of opportunities, orders and quotes: priced from a price book entry, summed up on their parent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout.connectors.salesforce.emulator.drafts import Draft, revise
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules.deals import expected_revenue

_CENT = Decimal("0.01")
_PARENTS = {"OpportunityLineItem": "OpportunityId", "OrderItem": "OrderId", "QuoteLineItem": "QuoteId"}


def complete(draft: Draft) -> None:
    """Take product and list price from the entry, work out the totals. The price book of the first line becomes the
    parent's; a line from another price book, or in another currency, is refused.
    """
    parent = draft.parent(_PARENTS[draft.entity.name])
    entry = draft.parent("PricebookEntryId")
    if parent is not None and entry is not None:
        if draft.creating:
            _fit(draft, parent, entry)
        draft.row["Product2Id"] = entry["Product2Id"]
        draft.row["ListPrice"] = entry["UnitPrice"]
        if "ProductCode" in draft.entity.fields:
            draft.row["ProductCode"] = entry.get("ProductCode")
            draft.row["Name"] = f"{parent['Name']} {entry['Name']}"
    _price(draft)


def _fit(draft: Draft, parent: Row, entry: Row) -> None:
    label = draft.entity.fields[_PARENTS[draft.entity.name]].relationship.lower()
    if "CurrencyIsoCode" in entry:
        if entry["CurrencyIsoCode"] != parent["CurrencyIsoCode"]:
            message = f"The pricebook entry currency code does not match the {label} currency code"
            raise refusal("FIELD_INTEGRITY_EXCEPTION", message, "PricebookEntryId")
        draft.row["CurrencyIsoCode"] = parent["CurrencyIsoCode"]
    if parent.get("Pricebook2Id") not in (None, entry["Pricebook2Id"]):
        message = f"pricebook entry is in a different pricebook than the one assigned to the {label}"
        raise refusal("FIELD_INTEGRITY_EXCEPTION", message, "PricebookEntryId")


def _price(draft: Draft) -> None:
    row = draft.row
    quantity: Decimal | None = row.get("Quantity")
    if quantity is None:
        return  # required, and said so in a moment
    total_given = "TotalPrice" in draft.given and row.get("TotalPrice") is not None
    factor = 1 - (row.get("Discount") or Decimal(0)) / 100
    if total_given and "UnitPrice" in draft.given and row.get("UnitPrice") is not None:
        message = "Only one of UnitPrice and TotalPrice may be specified"
        raise refusal("FIELD_INTEGRITY_EXCEPTION", message, "UnitPrice", "TotalPrice")
    if total_given and quantity * factor:
        row["UnitPrice"] = (row["TotalPrice"] / (quantity * factor)).quantize(_CENT, ROUND_HALF_UP)
    elif row.get("UnitPrice") is None:
        if draft.entity.name == "OpportunityLineItem":
            raise refusal("REQUIRED_FIELD_MISSING", "Required fields are missing: [TotalPrice]", "TotalPrice")
        row["UnitPrice"] = row.get("ListPrice") or Decimal(0)
    if not total_given:
        row["TotalPrice"] = (row["UnitPrice"] * quantity * factor).quantize(_CENT, ROUND_HALF_UP)
    if "Subtotal" in draft.entity.fields:
        row["Subtotal"] = (row["UnitPrice"] * quantity).quantize(_CENT, ROUND_HALF_UP)


def sum_opportunity(records: Records, line: Row, actor: str) -> None:
    """The opportunity's amount is the sum of its lines; when the last line goes, the amount stays as it was."""
    lines = _siblings(records, "OpportunityLineItem", line)
    changes: dict[str, Any] = {"HasOpportunityLineItem": bool(lines)}
    if lines:
        changes["Amount"] = _total(lines, "TotalPrice")
    _sum_up(records, "Opportunity", line["OpportunityId"], line, changes, actor)


def sum_order(records: Records, line: Row, actor: str) -> None:
    lines = _siblings(records, "OrderItem", line)
    _sum_up(records, "Order", line["OrderId"], line, {"TotalAmount": _total(lines, "TotalPrice")}, actor)


def sum_quote(records: Records, line: Row, actor: str) -> None:
    lines = _siblings(records, "QuoteLineItem", line)
    quote = records.get(records.schema["Quote"], line["QuoteId"]) or {}
    total = _total(lines, "TotalPrice")
    changes = {
        "Subtotal": _total(lines, "Subtotal"),
        "TotalPrice": total,
        "GrandTotal": total + (quote.get("Tax") or 0) + (quote.get("ShippingHandling") or 0),
        "LineItemCount": len(lines),
    }
    _sum_up(records, "Quote", line["QuoteId"], line, changes, actor)


def _siblings(records: Records, entity: str, line: Row) -> list[Row]:
    return records.live(records.schema[entity], _PARENTS[entity], line[_PARENTS[entity]])


def _total(lines: Iterable[Row], field: str) -> Decimal:
    return sum((each[field] for each in lines), Decimal(0))


def _sum_up(records: Records, parent: str, parent_id: str, line: Row, changes: dict[str, Any], actor: str) -> None:
    entity = records.schema[parent]
    row = records.get(entity, parent_id)
    if row is None or row["IsDeleted"]:
        return  # the parent is being deleted, and its lines with it
    if row.get("Pricebook2Id") is None:
        entry = records.get(records.schema["PricebookEntry"], line["PricebookEntryId"])
        changes["Pricebook2Id"] = entry["Pricebook2Id"] if entry else None
    if "ExpectedRevenue" in entity.fields:
        changes["ExpectedRevenue"] = expected_revenue({**row, **changes})
    revise(records, entity, row, changes, actor)
