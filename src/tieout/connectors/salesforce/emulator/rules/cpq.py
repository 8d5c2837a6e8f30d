"""What the CPQ package does in the background: prices of lines, sums of quotes, and one primary quote per deal."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from tieout.connectors.salesforce.emulator.drafts import Draft, revise
from tieout.connectors.salesforce.emulator.records import Records, Row

_CENT = Decimal("0.01")
_QUOTE, _LINE = "SBQQ__Quote__c", "SBQQ__QuoteLine__c"


def price(draft: Draft) -> None:
    """Net price from list price and discount (percent); a bundle's own line costs what it says, its parts are lines too."""
    row = draft.row
    listed: Decimal | None = row.get("SBQQ__ListPrice__c")
    if listed is None:
        return
    factor = 1 - (row.get("SBQQ__AdditionalDiscount__c") or Decimal(0)) / 100
    row["SBQQ__NetPrice__c"] = (listed * factor).quantize(_CENT, ROUND_HALF_UP)
    quantity = row.get("SBQQ__Quantity__c") or Decimal(0)
    row["SBQQ__NetTotal__c"] = (row["SBQQ__NetPrice__c"] * quantity).quantize(_CENT, ROUND_HALF_UP)


def sum_quote(records: Records, line: Row, actor: str) -> None:
    entity = records.schema[_QUOTE]
    quote = records.get(entity, line["SBQQ__Quote__c"])
    if quote is not None and not quote["IsDeleted"]:
        lines = records.live(records.schema[_LINE], "SBQQ__Quote__c", quote["Id"])
        total = sum((each["SBQQ__NetTotal__c"] or Decimal(0) for each in lines), Decimal(0))
        revise(records, entity, quote, {"SBQQ__NetAmount__c": total}, actor)


def keep_one_primary(records: Records, quote: Row, actor: str) -> None:
    """A new primary quote takes the flag from the old one, and the deal names it."""
    deal_id = quote["SBQQ__Opportunity2__c"]
    if not quote["SBQQ__Primary__c"] or quote["IsDeleted"] or deal_id is None:
        return
    entity, deals = records.schema[_QUOTE], records.schema["Opportunity"]
    for other in records.live(entity, "SBQQ__Opportunity2__c", deal_id):
        if other["SBQQ__Primary__c"] and other["Id"] != quote["Id"]:
            revise(records, entity, other, {"SBQQ__Primary__c": False}, actor)
    deal = records.get(deals, deal_id)
    if deal is not None and deal["SBQQ__PrimaryQuote__c"] != quote["Id"]:
        revise(records, deals, deal, {"SBQQ__PrimaryQuote__c": quote["Id"]}, actor)
