"""Salesforce's records in canonical terms and back: which field of which object means what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tieout.domain.documents.customer import Address, Contact, Customer, TaxId
from tieout.domain.documents.engagement import ContractLine, Engagement
from tieout.domain.identity import Ref, business_key
from tieout.domain.mapping import Field, MappingTable, apply, at, text

Json = Mapping[str, Any]
_CONTACTS = 20


def day(value: Any) -> date | None:
    return date.fromisoformat(value) if value else None


def instant(value: Any) -> datetime | None:
    """2026-05-01T21:13:13.000+0000, as Salesforce writes it; a firm's own field may be a date alone."""
    if value and len(value) == 10:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC) if value else None


def amount(value: Any) -> Decimal | None:
    """Exact, and in plain digits: ten million comes as 1.0E7."""
    return None if value is None else Decimal(format(Decimal(str(value)), "f"))


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
ACCOUNT = MappingTable(
    "salesforce.account",
    1,
    (
        Field("name", "Name", text),
        Field("address.street", "BillingStreet", text),
        Field("address.city", "BillingCity", text),
        Field("address.postal_code", "BillingPostalCode", text),
        Field("address.country", "BillingCountry", text),
        Field("tax_id.type", "Tax_Id_Type__c", text),
        Field("tax_id.code", "Tax_Id__c", text),
        Field("payment_terms", "Payment_Terms__c", text),
    ),
)
LINE = MappingTable(
    "salesforce.opportunity_line",
    3,
    (
        Field("description", "Description", text),
        Field("task", "Task__c", text),
        Field("role", "Role__c", text),
        Field("hours", "Hours__c", amount),
        Field("rate", "Bill_Rate__c", amount),
        Field("amount", "TotalPrice", amount),
        Field("quantity", "", amount),
        Field("package", "", text),
        Field("instance", "", text),
        Field("start", "", day),
        Field("end", "", day),
        Field("region", "", text),
    ),
)
# A line of the managed package SBQQ. A bundle's own line names the service package, its parts are roles and hours.
QUOTE_LINE = MappingTable(
    "salesforce.cpq_line",
    2,
    (
        Field("description", "SBQQ__ProductName__c", text),
        Field("task", "SBQQ__Description__c", text),
        Field("role", "SBQQ__ProductCode__c", text),
        Field("hours", "SBQQ__Quantity__c", amount),
        Field("rate", "SBQQ__NetPrice__c", amount),
        Field("amount", "SBQQ__NetTotal__c", amount),
        Field("quantity", "", amount),
        Field("package", "SBQQ__ProductCode__c", text),
        Field("instance", "", text),
        Field("start", "SBQQ__StartDate__c", day),
        Field("end", "SBQQ__EndDate__c", day),
        Field("region", "", text),
    ),
)
QUOTE = "SBQQ__PrimaryQuote__c"
_ABOVE = "SBQQ__RequiredBy__c"
_PREFIXES = {"customer.": ACCOUNT, "line.": LINE, "quote.": QUOTE_LINE}
_BILL_TO = "Bill_To_Account__r"


@dataclass(frozen=True, slots=True)
class Words:
    """Which fields this firm's org uses. An empty source is a fact that the org does not keep."""

    opportunity: MappingTable
    account: MappingTable
    line: MappingTable
    bill_to: str
    quote: MappingTable = QUOTE_LINE
    currency: str = ""
    cpq: bool = False
    fields: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, fields: Mapping[str, str], currency: str = "", *, cpq: bool = False) -> Words:
        """The connector's own tables with the firm's sources in their place. Raises ValueError for an unknown target.

        `customer.…` are fields of the account, `line.…` of the opportunity's products, `quote.…` of CPQ's lines, `bill_to`
        is the relationship to the account that pays; everything else is the opportunity's, and what no document knows is
        an extension.
        """
        tables = {prefix: _with(table, prefix, fields) for prefix, table in _PREFIXES.items()}
        elsewhere = (*_PREFIXES, "change.", "change_line.", "bill_to")
        own = {name: path for name, path in fields.items() if not name.startswith(elsewhere)}
        if currency:
            own["currency"] = ""  # an org with one currency has no field for it
        return cls(
            OPPORTUNITY.with_sources(own),
            tables["customer."],
            tables["line."],
            fields.get("bill_to", _BILL_TO),
            tables["quote."],
            currency,
            cpq,
            fields,
        )

    def own(self, table: MappingTable, prefix: str) -> MappingTable:
        """Another table with the firm's sources in their place. Raises ValueError for an unknown target."""
        return _with(table, prefix, self.fields)

    def account_fields(self) -> list[str]:
        return _unique(["Id", "ParentId", "SystemModstamp", *_sources(self.account)])

    def opportunity_fields(self) -> list[str]:
        """What is asked for, so that everything the deal itself says comes with one query."""
        own = ["Id", "StageName", "IsClosed", "IsWon", "IsDeleted", "CreatedDate", "SystemModstamp", "AccountId"]
        own += [QUOTE] if self.cpq else []
        parents = ["Account", *([self.bill_to] if self.bill_to else [])]
        accounts = [f"{parent}.{name}" for parent in parents for name in self.account_fields()]
        line_fields = _unique(["Id", "IsDeleted", "SystemModstamp", *_sources(self.line)])
        lines = f"(SELECT {', '.join(line_fields)} FROM OpportunityLineItems ORDER BY Id)"  # noqa: S608
        return [*_unique([*own, *_sources(self.opportunity), *accounts]), lines]

    def quote_fields(self) -> list[str]:
        own = ["Id", "IsDeleted", "SystemModstamp", "SBQQ__Quote__c", "SBQQ__Number__c", _ABOVE]
        return _unique([*own, *_sources(self.quote)])


def _with(table: MappingTable, prefix: str, fields: Mapping[str, str]) -> MappingTable:
    sources = {name.removeprefix(prefix): path for name, path in fields.items() if name.startswith(prefix)}
    targets = {each.target for each in table.fields}
    if unknown := sorted(sources.keys() - targets):
        raise ValueError(f"{prefix}{unknown[0]} is no field that can be mapped; there are {sorted(targets)}")
    return table.with_sources(sources)


def _sources(table: MappingTable) -> list[str]:
    return [each.source for each in table.fields if each.source]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


# -- from the org


def engagement(
    record: Json,
    words: Words,
    *,
    connection: str,
    approved: Sequence[str],
    parents: Sequence[Json],
    contacts: Sequence[Json],
    quote: Sequence[Json] = (),
) -> tuple[Engagement, dict[str, dict[str, str]]]:
    """The deal with its customer; `parents` are the account's ancestors, the nearest first.

    `quote` are the lines of its primary quote in CPQ, which say what is sold instead of the deal's products.
    """
    mapped = apply(words.opportunity, record)
    stage = stage_of(record, approved)
    values, trail = dict(mapped.values), dict(mapped.trail)
    if words.currency:
        values["currency"] = words.currency
        trail["currency"] = {"source": "the connection's settings", "mapping": words.opportunity.label}
    if stage != "won":
        values["booked_at"] = None
    elif values["booked_at"] is None:  # it was won from the first moment: no stage was ever changed
        values["booked_at"] = instant(record.get("CreatedDate"))
        trail["booked_at"] = {"source": "CreatedDate", "mapping": words.opportunity.label}
    bill_to = at(record, words.bill_to) if words.bill_to else None
    document = Engagement.model_validate(
        {
            **values,
            "key": business_key("ENG", Ref(connection, "opportunity", record["Id"])),
            "stage": stage,
            "stage_name": text(record["StageName"]),
            "customer": customer(record.get("Account") or {}, words, connection, contacts),
            "bill_to": customer(bill_to, words, connection) if bill_to else None,
            "ancestors": tuple(customer(each, words, connection) for each in reversed(parents)),
            "lines": quote_lines(quote, words) if quote else [contract_line(each, words) for each in lines_of(record)],
        }
    )
    for each in words.account.fields:
        trail[f"customer.{each.target}"] = {"source": f"Account.{each.source}", "mapping": words.account.label}
    trail["stage_name"] = {"source": "StageName", "mapping": words.opportunity.label}
    source, table = (QUOTE, words.quote) if quote else ("OpportunityLineItems", words.line)
    trail["lines"] = {"source": source, "mapping": table.label}
    return document, trail


def stage_of(record: Json, approved: Sequence[str]) -> str:
    if record["StageName"] in approved:
        return "won"
    return "lost" if record["IsClosed"] and not record["IsWon"] else "open"


def customer(account: Json, words: Words, connection: str, contacts: Sequence[Json] = ()) -> Customer:
    values = apply(words.account, account).values
    tax_id, parent = values["tax_id"], account.get("ParentId")
    people = tuple(
        Contact(
            key=business_key("CON", Ref(connection, "contact", each["Id"])),
            name=text(each.get("Name")),
            email=text(each.get("Email")),
            role=text(each.get("Title")),
        )
        for each in contacts[:_CONTACTS]
    )
    return Customer(
        key=customer_key(connection, account.get("Id", "")),
        name=values["name"],
        address=Address(**values["address"]),
        tax_id=TaxId(**tax_id) if tax_id["code"] else None,
        payment_terms=values["payment_terms"],
        parent=customer_key(connection, parent) if parent else None,
        contacts=people,
        email=next((each.email for each in people if each.email), ""),
        source_id=account.get("Id", ""),
    )


def customer_key(connection: str, account_id: str) -> str:
    return business_key("CUS", Ref(connection, "account", account_id))


def contract_line(line: Json, words: Words) -> ContractLine:
    return _line(apply(words.line, line).values, line["Id"])


def quote_lines(rows: Sequence[Json], words: Words) -> list[ContractLine]:
    """CPQ's lines in the quote's order. A line that nothing requires is a service package, what it requires is its work."""
    by_id = {each["Id"]: each for each in rows}
    found: list[ContractLine] = []
    for each in sorted(rows, key=lambda row: (row["SBQQ__Number__c"] or 0, row["Id"])):
        top = each
        while top[_ABOVE] in by_id:
            top = by_id[top[_ABOVE]]
        values, whole = dict(apply(words.quote, each).values), apply(words.quote, top).values
        if each is top:
            values |= {"task": "", "role": "", "hours": None, "rate": None}
        values |= {"package": whole["package"], "instance": whole["instance"], "bundle": top["Id"]}
        found.append(_line(values, each["Id"]))
    return found


def _line(values: Json, row: str) -> ContractLine:
    numbers = {name: values[name] or Decimal(0) for name in ("hours", "rate", "amount")}
    return ContractLine.model_validate({**values, **numbers, "id": row})


def lines_of(record: Json, *, deleted: bool = False) -> Sequence[Json]:
    """The deal's products. A deal is read with its recycle bin, so deleted ones come along and are left out."""
    children = record.get("OpportunityLineItems")
    return [each for each in children["records"] if deleted or not each["IsDeleted"]] if children else []
