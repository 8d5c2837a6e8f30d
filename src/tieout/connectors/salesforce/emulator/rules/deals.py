"""Opportunities: a stage decides closed, won and forecast, and products decide the amount."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from tieout.connectors.salesforce.emulator.drafts import Draft, revise
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.schema import Stage

_FORECAST_CODES = {"Best Case": "BestCase", "Commit": "Forecast"}
_FIXED_BY_PRODUCTS = ("Pricebook2Id", "CurrencyIsoCode")
_CENT = Decimal("0.01")


def complete(draft: Draft) -> None:
    """Fill what follows from the stage and, once there are products, keep the amount to theirs.

    The API ignores an amount given for an opportunity with products; it refuses another price book or currency.
    """
    _follow_stage(draft)
    _sync_own_quote(draft)
    if draft.before is not None and draft.before["HasOpportunityLineItem"]:
        draft.row["Amount"] = draft.before["Amount"]
        for field in _FIXED_BY_PRODUCTS:
            if field in draft.entity.fields and draft.changed(field):
                message = f"{draft.entity.fields[field].label} cannot be changed: the opportunity has products"
                raise refusal("FIELD_INTEGRITY_EXCEPTION", message, field)
    draft.row["ExpectedRevenue"] = expected_revenue(draft.row)


def _follow_stage(draft: Draft) -> None:
    row = draft.row
    stage = draft.records.schema.stages.get(row.get("StageName") or "") or Stage(name="", probability=0)
    if draft.changed("StageName"):
        if "Probability" not in draft.given:
            row["Probability"] = Decimal(stage.probability)
        if "ForecastCategoryName" not in draft.given:
            row["ForecastCategoryName"] = stage.forecast
        if not draft.creating:
            row["LastStageChangeDate"] = draft.records.stamp()
    row["IsClosed"], row["IsWon"] = stage.closed, stage.won
    forecast = row.get("ForecastCategoryName")
    row["ForecastCategory"] = _FORECAST_CODES.get(forecast, forecast) if forecast else None


def _sync_own_quote(draft: Draft) -> None:
    quote = draft.parent("SyncedQuoteId")
    if quote is not None and draft.changed("SyncedQuoteId") and quote["OpportunityId"] != draft.row["Id"]:
        message = "The quote cannot be synced: it belongs to another opportunity"
        raise refusal("FIELD_INTEGRITY_EXCEPTION", message, "SyncedQuoteId")


def expected_revenue(row: Row) -> Decimal | None:
    if row.get("Amount") is None or row.get("Probability") is None:
        return None
    return (row["Amount"] * row["Probability"] / 100).quantize(_CENT, ROUND_HALF_UP)


def keep_one_primary(draft: Draft) -> None:
    """A new primary contact takes the flag from the old one."""
    if not draft.row.get("IsPrimary"):
        return
    for other in draft.records.live(draft.entity, "OpportunityId", draft.row.get("OpportunityId")):
        if other["IsPrimary"] and other["Id"] != draft.row.get("Id"):
            revise(draft.records, draft.entity, other, {"IsPrimary": False}, draft.actor)


def keep_accounts_with_won_deals(records: Records, account: Row) -> None:
    deals = records.live(records.schema["Opportunity"], "AccountId", account["Id"])
    won = [each["Name"] for each in deals if each["IsWon"]]
    if won:
        name = account["Name"]
        message = (
            f"Your attempt to delete {name} could not be completed because some opportunities in {name} were closed won."
            f" The following opportunities were closed won.: {', '.join(won)}\n"
        )
        raise refusal("DELETE_FAILED", message)
