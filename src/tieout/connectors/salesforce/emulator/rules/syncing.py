"""A quote that is synced with its deal: its lines replace the deal's products, and each follows the other from then on."""

from __future__ import annotations

from typing import Any

from tieout.connectors.salesforce.emulator.drafts import new_row, revise
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules.lines import sum_opportunity, sum_quote

_QUOTED, _SOLD = "QuoteLineItem", "OpportunityLineItem"
_SHARED = (
    "PricebookEntryId", "Product2Id", "Quantity", "UnitPrice", "ListPrice", "Discount", "Subtotal", "TotalPrice",
    "ServiceDate", "Description", "SortOrder", "CurrencyIsoCode",
)  # fmt: skip


def start_or_stop(records: Records, deal: Row, actor: str) -> None:
    """`SyncedQuoteId` of a deal says which of its quotes is synced. When one stops, the deal keeps its products."""
    for quote in records.live(records.schema["Quote"], "OpportunityId", deal["Id"]):
        synced = quote["Id"] == deal["SyncedQuoteId"]
        if synced != quote["IsSyncing"]:
            revise(records, records.schema["Quote"], quote, {"IsSyncing": synced}, actor)
            if synced:
                _replace_products(records, deal, quote, actor)


def forget(records: Records, quote: Row, actor: str) -> None:
    """A quote that comes back from the recycle bin is not synced any more."""
    deal = _live(records, "Opportunity", quote["OpportunityId"])
    if quote["IsSyncing"] and not quote["IsDeleted"] and deal and deal["SyncedQuoteId"] != quote["Id"]:
        revise(records, records.schema["Quote"], quote, {"IsSyncing": False}, actor)


def quoted(records: Records, line: Row, actor: str) -> None:
    """A line of a quote was saved, deleted or restored."""
    sum_quote(records, line, actor)
    quote = _live(records, "Quote", line["QuoteId"])
    if quote is None or not quote["IsSyncing"]:
        return
    sold = _live(records, _SOLD, line["OpportunityLineItemId"])
    if line["IsDeleted"]:
        changed = revise(records, records.schema[_SOLD], sold, {"IsDeleted": True}, actor) if sold else None
    elif sold:
        changed = revise(records, records.schema[_SOLD], sold, _shared(records, line), actor)
    else:
        changed = _sell(records, quote, line, actor)
    if changed:
        sum_opportunity(records, changed, actor)


def sold(records: Records, line: Row, actor: str) -> None:
    """A product of a deal was saved, deleted or restored."""
    sum_opportunity(records, line, actor)
    deal = _live(records, "Opportunity", line["OpportunityId"])
    quote = _live(records, "Quote", deal["SyncedQuoteId"]) if deal else None
    if quote is None:
        return
    entity = records.schema[_QUOTED]
    pair = next((each for each in _lines(records, quote) if each["OpportunityLineItemId"] == line["Id"]), None)
    if line["IsDeleted"]:
        changed = revise(records, entity, pair, {"IsDeleted": True}, actor) if pair else None
    elif pair:
        changed = revise(records, entity, pair, _shared(records, line), actor)
    else:
        values = {**_shared(records, line), "QuoteId": quote["Id"], "OpportunityLineItemId": line["Id"]}
        changed = new_row(records, entity, values, actor)
        records.put(entity, changed)
    if changed:
        sum_quote(records, changed, actor)


def _replace_products(records: Records, deal: Row, quote: Row, actor: str) -> None:
    """The old products go, and each line of the quote becomes a new one with a new id."""
    entity = records.schema[_SOLD]
    gone = [
        revise(records, entity, each, {"IsDeleted": True}, actor)
        for each in records.live(entity, "OpportunityId", deal["Id"])
    ]
    current = records.get(records.schema["Opportunity"], deal["Id"]) or deal
    revise(records, records.schema["Opportunity"], current, {"Pricebook2Id": quote["Pricebook2Id"]}, actor)
    made = [_sell(records, quote, each, actor) for each in _lines(records, quote)]
    for last in (made or gone)[-1:]:
        sum_opportunity(records, last, actor)


def _sell(records: Records, quote: Row, line: Row, actor: str) -> Row:
    entity, deal = records.schema[_SOLD], _live(records, "Opportunity", quote["OpportunityId"]) or {}
    entry = records.get(records.schema["PricebookEntry"], line["PricebookEntryId"]) or {}
    named = {"Name": f"{deal.get('Name')} {entry.get('Name')}", "ProductCode": entry.get("ProductCode")}
    values = {**_shared(records, line), **named, "OpportunityId": quote["OpportunityId"]}
    made = new_row(records, entity, values, actor)
    records.put(entity, made)
    revise(records, records.schema[_QUOTED], line, {"OpportunityLineItemId": made["Id"]}, actor)
    return made


def _shared(records: Records, line: Row) -> dict[str, Any]:
    names = (*_SHARED, *records.schema.carried_line_fields)
    return {name: line[name] for name in names if name in line}


def _lines(records: Records, quote: Row) -> list[Row]:
    return records.live(records.schema[_QUOTED], "QuoteId", quote["Id"])


def _live(records: Records, entity: str, record_id: str | None) -> Row | None:
    row = records.get(records.schema[entity], record_id) if record_id else None
    return row if row is not None and not row["IsDeleted"] else None
