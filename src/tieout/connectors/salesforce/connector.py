"""Salesforce as the hub sees it: deals that change, and the facts that come back to the people in sales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from tieout.connectors.contract import (
    Change,
    Claim,
    Connector,
    ConnectorSpec,
    Doorbell,
    Guarantee,
    Health,
    Opening,
    Operation,
    OutcomeUnknown,
    Page,
    Reading,
    Receipt,
    Write,
)
from tieout.connectors.salesforce import changes, mapping, reporting
from tieout.connectors.salesforce.changes import ChangeOrders
from tieout.connectors.salesforce.client import Answer, Row, SalesforceClient, SalesforceError, members, soql_text
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.cursor import Cursor, onward
from tieout.connectors.salesforce.deals import Deal, Deals
from tieout.connectors.salesforce.doorbell import SalesforceDoorbell
from tieout.connectors.salesforce.mapping import Words
from tieout.connectors.salesforce.sweep import Sweep
from tieout.connectors.transports import paced
from tieout.connectors.transports.answers import readable
from tieout.connectors.transports.http import Request
from tieout.domain.identity import Ref, content_hash
from tieout.domain.money import Money
from tieout.domain.problems import Misconfigured, Problem, Rejected, Transient

OPERATIONS = {
    each.name: each
    for each in (
        Operation(
            "opportunity.update",
            Guarantee.UPSERT,
            "write the state of",
            lengths=reporting.DEAL_LENGTHS,
            creates="",
            money=Claim.UNTOUCHED,
            undo="clear the integration fields of the opportunity; the next report writes them again",
        ),
        Operation(
            "account.update",
            Guarantee.UPSERT,
            "write the ERP number of",
            lengths=reporting.ACCOUNT_LENGTHS,
            creates="",
            money=Claim.UNTOUCHED,
            undo="clear or correct the ERP number of the account",
        ),
        Operation(
            "invoice.upsert",
            Guarantee.UPSERT,
            "show the invoice",
            lengths=reporting.INVOICE_LENGTHS,
            creates="invoice",
            money=Claim.UNTOUCHED,
            undo="delete the invoice's record in Salesforce: it only shows what the ERP has",
        ),
    )
}
_OBJECTS = {"opportunity": "Opportunity", "account": "Account", "account_merge": "Account", "invoice": "Invoice__c"}
_DESCRIBED = ("Opportunity", "Account", "Contact", "OpportunityLineItem", "SBQQ__QuoteLine__c", "Invoice__c", "User")


class Salesforce:
    """One org. Kinds: `opportunity` (a deal with its account and lines as one document), `account_merge`, `change_order`."""

    def __init__(
        self, name: str, config: SalesforceConfig, client: SalesforceClient, words: Words, orders: ChangeOrders
    ) -> None:
        self.name = name
        self._config = config
        self._client = client
        self._words = words
        self._deals = Deals(client, config, words)
        self._sweep = Sweep(client, config, words)
        self._orders = orders

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> Health:
        """Two calls: who we are, and what is left of the day's allowance."""
        who = await self._client.get("/services/oauth2/userinfo")
        limits = await self._client.get(f"{self._client.base}/limits")
        told, requests = members(who.body), members(limits.body).get("DailyApiRequests")
        if not told or not requests:
            raise Transient(f"{self._config.url} does not say who we are")
        organization = self._config.organization_id
        if organization and not _same_id(organization, str(told["organization_id"])):
            raise Misconfigured(f"organization_id is {organization}, the org is {told['organization_id']}", self.name)
        return Health(
            ok=True,
            detail="connected",
            user=str(told["preferred_username"]),
            version=self._config.version,
            server_time=limits.date,
            limits={"api requests in 24 h": f"{requests['Max'] - requests['Remaining']} of {requests['Max']}"},
        )

    async def describe(self) -> Mapping[str, Sequence[str]]:
        """Field names by object, with those of its parents as dotted paths; an object that the org lacks is left out."""
        described: dict[str, list[Row]] = {}
        for entity in _DESCRIBED:
            answer = await self._client.get(f"{self._client.base}/sobjects/{entity}/describe")
            if answer.status == 200:
                described[entity] = answer.body["fields"]
        own = {entity: [field["name"] for field in fields] for entity, fields in described.items()}
        return {entity: [*own[entity], *_through_parents(fields, own)] for entity, fields in described.items()}

    def link(self, ref: Ref) -> str:
        """The record's page in Lightning, or where the address is no My Domain, what the org redirects there."""
        base = self._config.url.rstrip("/")
        entity = self._config.change_orders if ref.kind == "change_order" else _OBJECTS.get(ref.kind)
        if not entity:
            return ""
        if base.endswith(".my.salesforce.com"):
            lightning = f"{base.removesuffix('.my.salesforce.com')}.lightning.force.com"
            return f"{lightning}/lightning/r/{entity}/{quote(ref.id, safe='')}/view"
        return f"{base}/{quote(ref.id, safe='')}"

    # -- source

    async def changes(self, kind: str, since: str | None) -> Page:
        match kind:
            case "opportunity":
                with readable(self.name):
                    news = await self._sweep.news(Cursor.parse(since))
                    deals = await self._deals.fetch(news.ids)
                    return Page([self._change(each) for each in deals], str(news.cursor), more=news.more)
            case "account_merge":
                with readable(self.name):
                    return await self._merges(Cursor.parse(since))
            case "change_order":
                with readable(self.name):
                    rows, cursor = await self._orders.since(Cursor.parse(since))
                    return Page([self._orders.change(each) for each in rows], str(cursor), more=False)
            case _:
                raise LookupError(f"salesforce has no kind {kind!r}")

    async def look(self, ref: Ref) -> Change | None:
        match ref.kind:
            case "opportunity":
                with readable(self.name):
                    found = await self._deals.fetch([ref.id])
                    return self._change(found[0]) if found else None
            case "account_merge":
                with readable(self.name):
                    rows = await self._merged(f"Id = {soql_text(ref.id)}")
                    return self._merge(rows[0]) if rows else None
            case "change_order":
                with readable(self.name):
                    row = await self._orders.one(ref.id)
                    return self._orders.change(row) if row else None
            case _:
                raise LookupError(f"salesforce has no kind {ref.kind!r}")

    async def read(self, ref: Ref) -> Reading | None:
        if ref.kind == "change_order":
            row = await self._orders.one(ref.id)
            if row is None or row["IsDeleted"]:
                return None
            order, trail = self._orders.document(row)
            return Reading(order, self._orders.version(row), trail)
        if ref.kind != "opportunity":
            raise LookupError(f"salesforce has no documents of kind {ref.kind!r}")
        found = await self._deals.fetch([ref.id], always=True)
        if not found or found[0].record["IsDeleted"]:
            return None
        deal = found[0]
        document, trail = mapping.engagement(
            deal.record,
            self._words,
            connection=self.name,
            approved=self._config.approved_stages,
            parents=deal.chain,
            contacts=deal.contacts,
            quote=deal.quote,
        )
        return Reading(document, deal.version, trail)

    def _change(self, deal: Deal) -> Change:
        value = mapping.amount(deal.record.get("Amount"))
        currency = self._config.currency or deal.record.get("CurrencyIsoCode")
        return Change(
            Ref(self.name, "opportunity", deal.record["Id"]),
            deal.version,
            amount=Money(value, currency) if value is not None and currency else None,
            deleted=bool(deal.record["IsDeleted"]),
        )

    async def _merges(self, cursor: Cursor) -> Page:
        """Accounts that lost a merge: the id vanishes with the recycle bin, so it is remembered now (T01)."""
        rows = await self._merged(f"SystemModstamp >= {cursor.since}" if cursor.since else "")
        following = onward([each["SystemModstamp"] for each in rows], cursor.since)
        return Page([self._merge(each) for each in rows], str(Cursor(since=following)), more=False)

    async def _merged(self, condition: str) -> list[Row]:
        more = f" AND {condition}" if condition else ""
        return await self._client.query(
            f"SELECT Id, Name, MasterRecordId, SystemModstamp FROM Account"  # noqa: S608
            f" WHERE IsDeleted = true AND MasterRecordId != null{more} ORDER BY SystemModstamp, Id",
            deleted=True,
        )

    def _merge(self, row: Row) -> Change:
        said = content_hash([row["Name"], row["MasterRecordId"]])[:16]
        return Change(
            Ref(self.name, "account_merge", row["Id"]),
            f"{row['SystemModstamp']}#{said}",
            record={"name": row["Name"]},
            deleted=True,
            merged_into=row["MasterRecordId"],
        )

    # -- sink

    def operation(self, name: str) -> Operation:
        """A request that was given up counts as on its way for as long again as a call may take: nothing is known of longer ones."""
        return replace(OPERATIONS[name], settle=timedelta(seconds=2 * self._config.timeout))

    async def prepare(self, write: Write) -> bytes:
        base = f"{self._client.base}/sobjects"
        match write.operation:
            case "opportunity.update":
                body = await self._deal_update(write)
                path = f"{base}/Opportunity/{write.ids['record']}"
            case "account.update":
                body = reporting.account_update(write.body)
                path = f"{base}/Account/{write.ids['record']}"
            case "invoice.upsert":
                single = bool(self._config.currency)
                body = reporting.invoice_record(write.subject, write.body, write.ids, single_currency=single)
                path = f"{base}/Invoice__c/{reporting.INVOICE_KEY}/{quote(write.subject, safe='')}"
            case _:
                raise LookupError(f"salesforce has no operation {write.operation!r}")
        return Request("PATCH", path, body).encode()

    async def _deal_update(self, write: Write) -> dict[str, Any]:
        """Without what the org may lack, and does."""
        body = reporting.opportunity_update(write.body)
        if not reporting.OPTIONAL & body.keys():
            return body
        with readable(self.name):
            answer = await self._client.get(f"{self._client.base}/sobjects/Opportunity/describe")
            there = {each["name"] for each in answer.body["fields"]}
        return {name: value for name, value in body.items() if name in there or name not in reporting.OPTIONAL}

    async def send(self, operation: str, request: bytes) -> Receipt:
        sent = Request.decode(request)
        try:
            answer = await self._client.write(sent)
        except SalesforceError as refused:
            if operation == "invoice.upsert" and refused.status == 404:
                # No record can be missing here: the object or its external id is.
                raise Misconfigured(f"{refused}: Invoice__c with {reporting.INVOICE_KEY}", self.name) from refused
            raise Rejected(self._refusal(operation, sent, refused)) from refused
        return _receipt(operation, sent, answer)

    def _refusal(self, operation: str, sent: Request, refused: SalesforceError) -> Problem:
        subject = sent.path.rsplit("/", 1)[-1]
        kind = operation.partition(".")[0]
        facts = {
            "system": self.name,
            "action": OPERATIONS[operation].does,
            "subject": subject,
            "amount": "its facts are not shown in the CRM",
            "link": "" if kind == "invoice" else self.link(Ref(self.name, kind, subject)),
        }
        return Problem("target.refused", facts, quote=str(refused))

    async def find(self, write: Write) -> Receipt | None:
        """An invoice by its key. An update is there when the record already says all of it."""
        match write.operation:
            case "invoice.upsert":
                found = await self._client.query(
                    f"SELECT Id FROM Invoice__c WHERE {reporting.INVOICE_KEY} = {soql_text(write.subject)}"  # noqa: S608
                )
                return Receipt(found[0]["Id"]) if found else None
            case "opportunity.update":
                wanted = await self._deal_update(write)
            case "account.update":
                wanted = reporting.account_update(write.body)
            case _:
                raise LookupError(f"salesforce has no operation {write.operation!r}")
        entity, record = _OBJECTS[write.operation.partition(".")[0]], write.ids["record"]
        rows = await self._client.query(
            f"SELECT {', '.join(['Id', *wanted])} FROM {entity} WHERE Id = {soql_text(record)}"  # noqa: S608
        )
        there = bool(rows) and all(reporting.same(value, rows[0][name]) for name, value in wanted.items())
        return Receipt(record) if there else None


def _receipt(operation: str, sent: Request, answer: Answer) -> Receipt:
    """Raises OutcomeUnknown for everything but the answer that the operation has: status 200 alone proves nothing."""
    if operation == "invoice.upsert":
        body = members(answer.body)
        if answer.status in (200, 201) and body.get("success") is True and body.get("id"):
            return Receipt(str(body["id"]), answer={"created": body.get("created")})
    elif answer.status == 204:
        return Receipt(sent.path.rsplit("/", 1)[-1])
    raise OutcomeUnknown(f"{sent.method} {sent.path}: status {answer.status} with {str(answer.body)[:200]}")


def _through_parents(fields: Sequence[Row], own: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"{field['relationshipName']}.{name}"
        for field in fields
        if field.get("relationshipName")
        for entity in field["referenceTo"][:1]
        for name in own.get(entity, ())
    ]


def _same_id(one: str, other: str) -> bool:
    return one[:15] == other[:15]


def _config_of(opening: Opening) -> SalesforceConfig:
    assert isinstance(opening.config, SalesforceConfig)
    return opening.config


def _open(opening: Opening) -> Connector:
    """Raises Misconfigured when the firm maps a field that no document has."""
    config = _config_of(opening)
    try:
        words = Words.of(opening.fields, config.currency, cpq=config.cpq)
        orders = words.own(changes.ORDER, "change."), words.own(changes.LINE, "change_line.")
    except ValueError as wrong:
        raise Misconfigured(str(wrong), opening.name) from wrong
    http = paced.client(opening, config.url, config.timeout)
    client = SalesforceClient(opening.name, config, http)
    return Salesforce(opening.name, config, client, words, ChangeOrders(client, config, opening.name, *orders))


def _doorbell(opening: Opening) -> Doorbell:
    return SalesforceDoorbell(opening.name, _config_of(opening))


SPEC = ConnectorSpec(
    kind="salesforce",
    title="Salesforce",
    roles=("crm",),
    config=SalesforceConfig,
    open=_open,
    reads=("opportunity", "account_merge", "change_order"),
    writes=OPERATIONS,
    mappings=(mapping.OPPORTUNITY, mapping.ACCOUNT, mapping.LINE, mapping.QUOTE_LINE, changes.ORDER, changes.LINE),
    doorbell=_doorbell,
    waivers={
        "a_change_is_seen:account_merge": "A merge is final.",
        "a_document_has_the_version_of_its_record:account_merge": "A merge is no document: the deals it moved are read again.",
    },
)
