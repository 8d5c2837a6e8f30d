"""What the org does by itself when a record is saved: one table of the objects that have behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.connectors.salesforce.emulator.drafts import Draft
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.rules import change_orders, cpq, deals, lines, paper, people, prices, syncing

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
    "SBQQ__QuoteLine__c": cpq.price,
    "Change_Order__c": change_orders.approve,
    "Change_Order_Line__c": change_orders.keep_lines,
}
# Carries a row's new state (saved, deleted or restored) to the records that sum it up.
AFTER_CHANGE: Mapping[str, Callable[[Records, Row, str], None]] = {
    "Opportunity": syncing.start_or_stop,
    "OpportunityLineItem": syncing.sold,
    "OrderItem": lines.sum_order,
    "Quote": syncing.forget,
    "QuoteLineItem": syncing.quoted,
    "SBQQ__Quote__c": cpq.keep_one_primary,
    "SBQQ__QuoteLine__c": cpq.sum_quote,
}
# Refuses a deletion.
BEFORE_DELETE: Mapping[str, Callable[[Records, Row], None]] = {
    "Account": deals.keep_accounts_with_won_deals,
    "Change_Order__c": change_orders.keep_order,
    "Change_Order_Line__c": change_orders.keep_line,
}
