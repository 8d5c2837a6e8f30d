"""What the hub writes into the org for the people in sales: the state of a deal, a customer's number, an invoice."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout.connectors.lengths import Length, Text

Json = Mapping[str, Any]

# Canonical fact → field on the opportunity: what comes back to the people in sales.
DEAL = {
    "status": "Integration_Status__c",
    "message": "Integration_Message__c",
    "engagement": "Engagement_Key__c",
    "erp_project": "ERP_Project_Id__c",
    "psa_project": "PSA_Project_Id__c",
    "billed": "Billed_To_Date__c",
    "paid": "Paid_To_Date__c",
    "unbilled": "Unbilled_WIP__c",
    "invoice_status": "Invoice_Status__c",
    "milestones": "Milestones__c",
    "contract_version": "Contract_Version__c",
}
# Written where the org has them; the others it must have.
OPTIONAL = frozenset({DEAL["milestones"], DEAL["contract_version"]})
ACCOUNT = {"erp_customer": "ERP_Customer_Id__c"}
INVOICE_KEY = "Invoice_Key__c"
INVOICE = {
    "number": "Invoice_Number__c",
    "legal_entity": "Entity__c",
    "currency": "CurrencyIsoCode",
    "state": "Status__c",
    "invoice_date": "Invoice_Date__c",
    "due_date": "Due_Date__c",
    "net": "Net__c",
    "tax": "Tax__c",
    "total": "Total__c",
    "paid": "Paid__c",
    "open_amount": "Balance__c",
}
_NUMBERS = {"contract_version", "billed", "paid", "unbilled", "net", "tax", "total", "open_amount"}
# As the package of fields defines them that the org is asked for (README, “What the org needs”).
_SOURCE = "the fields that the connector's README asks for"
# Longer words are cut: the hold in the console has them in full.
DEAL_LENGTHS = (
    Length("status", 40, Text.PROSE, _SOURCE),
    Length("message", 2000, Text.PROSE, _SOURCE),
    Length("invoice_status", 40, Text.PROSE, _SOURCE),
    Length("milestones", 255, Text.PROSE, _SOURCE),
    Length("engagement", 80, Text.EXACT, _SOURCE),
    Length("erp_project", 64, Text.EXACT, _SOURCE),
    Length("psa_project", 64, Text.EXACT, _SOURCE),
)
ACCOUNT_LENGTHS = (Length("erp_customer", 64, Text.EXACT, _SOURCE, owner="finance master data"),)
INVOICE_LENGTHS = (
    Length("key", 80, Text.EXACT, _SOURCE),  # the name of an invoice without a number
    Length("number", 40, Text.EXACT, _SOURCE, owner="finance operations"),
    Length("legal_entity", 8, Text.EXACT, _SOURCE),
    Length("state", 40, Text.EXACT, _SOURCE),
)

# Ours alone: they are no facts about the deal, and a change of them is our own echo (T59).
OURS = frozenset({*DEAL.values(), *ACCOUNT.values()})


def opportunity_update(facts: Json) -> dict[str, Any]:
    """Raises KeyError for a fact that has no field."""
    return {DEAL[name]: _value(name, value) for name, value in facts.items()}


def account_update(facts: Json) -> dict[str, Any]:
    return {ACCOUNT[name]: _value(name, value) for name, value in facts.items()}


def invoice_record(key: str, facts: Json, ids: Mapping[str, str], *, single_currency: bool) -> dict[str, Any]:
    """An Invoice__c by the names of the canonical invoice; its key is the external id and stands in the address.

    Facts that are not given are left as they are in the org.
    """
    record = {field: _value(name, facts[name]) for name, field in INVOICE.items() if name in facts}
    if single_currency:
        record.pop(INVOICE["currency"], None)
    record |= {field: ids[role] for role, field in _PARENTS.items() if ids.get(role)}
    return {"Name": facts.get("number") or key, **record}


_PARENTS = {"account": "Account__c", "opportunity": "Opportunity__c"}


def _value(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name in _NUMBERS:
        return number(value)
    return str(value)


def number(value: Decimal | str | int) -> int | float:
    """A JSON number that reads back as exactly this amount. Raises ValueError where there is none.

    Salesforce keeps 15 digits of a number exactly; an amount with more would silently become another one.
    """
    exact = Decimal(value)
    if exact == exact.to_integral_value():
        return int(exact)
    shown = float(exact)
    if Decimal(repr(shown)) != exact:
        raise ValueError(f"{value} has more digits than Salesforce keeps")
    return shown


def same(sent: Any, found: Any) -> bool:
    """Whether a field has the value that was sent for it."""
    if sent is None or found is None:
        return sent is found
    if isinstance(sent, int | float):
        return Decimal(str(sent)) == Decimal(str(found))
    return str(sent) == str(found)
