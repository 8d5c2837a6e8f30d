"""Price book entries: one price per product, price book and currency, and a standard price before any other."""

from __future__ import annotations

from tieout.connectors.salesforce.emulator.drafts import Draft
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Row


def complete(draft: Draft) -> None:
    product, book = draft.parent("Product2Id"), draft.parent("Pricebook2Id")
    if product is None or book is None:
        return  # both are required, and said so in a moment
    draft.row["Name"] = product["Name"]
    draft.row["ProductCode"] = product.get("ProductCode")
    if not draft.creating:
        return
    rivals = [
        each for each in _prices_of(draft, product) if each.get("CurrencyIsoCode") == draft.row.get("CurrencyIsoCode")
    ]
    if any(each["Pricebook2Id"] == book["Id"] for each in rivals):
        raise refusal("DUPLICATE_VALUE", "This price definition already exists in this price book")
    if not book["IsStandard"] and not any(_standard(draft, each) for each in rivals):
        message = "Before creating a custom price, create a standard price."
        raise refusal("STANDARD_PRICE_NOT_DEFINED", message)


def _prices_of(draft: Draft, product: Row) -> list[Row]:
    return draft.records.live(draft.entity, "Product2Id", product["Id"])


def _standard(draft: Draft, entry: Row) -> bool:
    book = draft.records.get(draft.records.schema["Pricebook2"], entry["Pricebook2Id"])
    return book is not None and bool(book["IsStandard"])
