"""What the org does by itself when a record is saved: one table of the objects that have behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.connectors.salesforce.emulator.drafts import Draft
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules import deals, lines, paper, people, prices

# Completes or refuses a draft before it is checked and stored.
BEFORE_SAVE: Mapping[str, Callable[[Draft], None]] = {
    "User": people.full_name,
    "Contact": people.full_name,
    "Opportunity": deals.complete,
    "OpportunityContactRole": deals.keep_one_primary,
    "OpportunityLineItem": lines.complete,
    "OrderItem": lines.complete,
    "QuoteLineItem": lines.complete,
    "PricebookEntry": prices.complete,
    "Contract": paper.complete_contract,
    "Order": paper.complete_order,
    "Quote": paper.complete_quote,
}
# Carries a row's new state (saved, deleted or restored) to the records that sum it up.
AFTER_CHANGE: Mapping[str, Callable[[Records, Row, str], None]] = {
    "OpportunityLineItem": lines.sum_opportunity,
    "OrderItem": lines.sum_order,
    "QuoteLineItem": lines.sum_quote,
}
# Refuses a deletion.
BEFORE_DELETE: Mapping[str, Callable[[Records, Row], None]] = {
    "Account": deals.keep_accounts_with_won_deals,
}
