"""Salesforce's records in canonical terms and back: which field of an opportunity means what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tieout.domain.documents.customer import Address, Contact, Customer, TaxId
from tieout.domain.documents.engagement import ContractLine, Engagement
from tieout.domain.identity import Ref, business_key
from tieout.domain.mapping import Field, MappingTable, apply, text

Json = Mapping[str, Any]


def day(value: Any) -> date | None:
    return date.fromisoformat(value) if value else None


def instant(value: Any) -> datetime | None:
    """2026-05-01T21:13:13.000+0000, as Salesforce writes it."""
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC) if value else None


def amount(value: Any) -> Decimal | None:
    """JSON numbers become decimals by their shortest text, which is what the org shows."""
    return None if value is None else Decimal(str(value))


OPPORTUNITY = MappingTable(
    "salesforce.opportunity",
    1,
    (
        Field("source_id", "Id"),
        Field("name", "Name", text),
        Field("legal_entity", "Legal_Entity__c", text),
        Field("currency", "CurrencyIsoCode", text),
        Field("amount", "Amount", amount),
        Field("practice", "Practice__c", text),
        Field("package", "Service_Package__c", text),
        Field("start", "Expected_Start_Date__c", day),
        Field("end", "Expected_End_Date__c", day),
        Field("booked_at", "LastStageChangeDate", instant),
        Field("close_date", "CloseDate", day),
        Field("payment_terms", "Payment_Terms__c", text),
        Field("signed_payment_terms", "Signed_Payment_Terms__c", text),
        Field("po_number", "PO_Number__c", text),
        Field("po_required", "PO_Required__c", bool),
        Field("project_manager", "Project_Manager_Email__c", text),
        Field("owner", "Owner.Email", text),
    ),
)
_ACCOUNT_FIELDS = (
    "Id", "Name", "ParentId", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingCountry",
    "Tax_Id__c", "Tax_Id_Type__c", "Payment_Terms__c", "SystemModstamp",
)  # fmt: skip
_LINE_FIELDS = ("Id", "Description", "Task__c", "Role__c", "Hours__c", "Bill_Rate__c", "TotalPrice")


def opportunity_fields(table: MappingTable) -> list[str]:
    """What is asked for, so that everything the document needs comes with one query."""
    own = {each.source for each in table.fields} | {
        "StageName",
        "IsClosed",
        "IsWon",
        "IsDeleted",
        "SystemModstamp",
        "AccountId",
    }
    account = [f"Account.{name}" for name in _ACCOUNT_FIELDS]
    bill_to = [f"Bill_To_Account__r.{name}" for name in _ACCOUNT_FIELDS]
    lines = f"(SELECT {', '.join(_LINE_FIELDS)}, SystemModstamp FROM OpportunityLineItems ORDER BY Id)"  # noqa: S608
    return [*sorted(own), *account, "Bill_To_Account__c", *bill_to, lines]


def account_fields() -> list[str]:
    return list(_ACCOUNT_FIELDS)


def engagement(
    record: Json,
    table: MappingTable,
    *,
    connection: str,
    approved: Sequence[str],
    parents: Sequence[Json],
    contacts: Sequence[Json],
) -> tuple[Engagement, dict[str, dict[str, str]]]:
    """The deal with its customer; `parents` are the account's ancestors, the nearest first."""
    mapped = apply(table, record)
    account: Json = record.get("Account") or {}
    bill_to = record.get("Bill_To_Account__r")
    above = [customer(each, connection) for each in parents]
    document = Engagement.model_validate(
        {
            **mapped.values,
            "key": business_key("ENG", Ref(connection, "opportunity", record["Id"])),
            "stage": stage(record, approved),
            "customer": customer(account, connection, contacts),
            "bill_to": customer(bill_to, connection) if bill_to else None,
            "ancestors": tuple(reversed(above)),
            "lines": [contract_line(each) for each in lines_of(record)],
        }
    )
    trail = {**mapped.trail, "customer": {"source": "Account", "mapping": table.label}}
    return document, trail


def stage(record: Json, approved: Sequence[str]) -> str:
    if record["StageName"] in approved:
        return "won"
    return "lost" if record["IsClosed"] and not record["IsWon"] else "open"


def customer(account: Json, connection: str, contacts: Sequence[Json] = ()) -> Customer:
    tax_id = text(account.get("Tax_Id__c"))
    parent = account.get("ParentId")
    return Customer(
        key=customer_key(connection, account.get("Id", "")),
        name=text(account.get("Name")),
        address=Address(
            street=text(account.get("BillingStreet")),
            city=text(account.get("BillingCity")),
            postal_code=text(account.get("BillingPostalCode")),
            country=text(account.get("BillingCountry")),
        ),
        tax_id=TaxId(type=text(account.get("Tax_Id_Type__c")), code=tax_id) if tax_id else None,
        payment_terms=text(account.get("Payment_Terms__c")),
        parent=customer_key(connection, parent) if parent else None,
        contacts=tuple(
            Contact(
                key=business_key("CON", Ref(connection, "contact", each["Id"])),
                name=text(each.get("Name")),
                email=text(each.get("Email")),
                role=text(each.get("Title")),
            )
            for each in contacts
        ),
        email=next((text(each.get("Email")) for each in contacts if each.get("Email")), ""),
        source_id=account.get("Id", ""),
    )


def customer_key(connection: str, account_id: str) -> str:
    return business_key("CUS", Ref(connection, "account", account_id))


def contract_line(line: Json) -> ContractLine:
    return ContractLine(
        id=line["Id"],
        description=text(line.get("Description")),
        task=text(line.get("Task__c")),
        role=text(line.get("Role__c")),
        hours=amount(line.get("Hours__c")) or Decimal(0),
        rate=amount(line.get("Bill_Rate__c")) or Decimal(0),
        amount=amount(line.get("TotalPrice")) or Decimal(0),
    )


def lines_of(record: Json) -> Sequence[Json]:
    children = record.get("OpportunityLineItems")
    return children["records"] if children else ()


# Canonical fact → field on the opportunity: what comes back to the people in sales.
REPORT = {
    "status": "Integration_Status__c",
    "message": "Integration_Message__c",
    "engagement": "Engagement_Key__c",
    "erp_project": "ERP_Project_Id__c",
    "psa_project": "PSA_Project_Id__c",
    "billed": "Billed_To_Date__c",
    "paid": "Paid_To_Date__c",
    "unbilled": "Unbilled_WIP__c",
    "invoice_status": "Invoice_Status__c",
}


def opportunity_update(facts: Json) -> dict[str, Any]:
    """Raises KeyError for a fact that has no field."""
    return {REPORT[name]: number(value) for name, value in facts.items()}


def invoice_record(facts: Json, *, account: str, opportunity: str) -> dict[str, Any]:
    """An Invoice__c by the names of the canonical invoice; its key is the external id and stands in the address."""
    return {
        "Name": facts["number"] or facts["key"],
        "Invoice_Number__c": facts["number"],
        "Account__c": account,
        "Opportunity__c": opportunity,
        "Entity__c": facts["legal_entity"],
        "CurrencyIsoCode": facts["currency"],
        "Status__c": facts["state"],
        "Invoice_Date__c": facts["invoice_date"],
        "Due_Date__c": facts["due_date"],
        "Net__c": number(facts["net"]),
        "Tax__c": number(facts["tax"]),
        "Total__c": number(facts["total"]),
        "Paid__c": number(facts["paid"]),
        "Balance__c": number(facts["open_amount"]),
    }


def number(value: Any) -> Any:
    """Decimals leave as JSON numbers, which is what the org's currency fields take."""
    return float(value) if isinstance(value, Decimal) else value
