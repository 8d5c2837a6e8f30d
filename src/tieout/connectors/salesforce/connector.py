"""Salesforce as the hub sees it: deals that change, and the facts that come back to the people in sales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tieout.connectors.contract import (
    Change,
    Guarantee,
    Health,
    Operation,
    OutcomeUnknown,
    Page,
    Reading,
    Receipt,
    Write,
)
from tieout.connectors.salesforce import mapping
from tieout.connectors.salesforce.client import SalesforceClient, SalesforceError, soql_text
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.transports.http import Request
from tieout.domain.identity import Ref, content_hash
from tieout.domain.mapping import MappingTable, at
from tieout.domain.money import Money
from tieout.domain.problems import Problem, Rejected

# A transaction may commit after a later one's stamp was seen: every sweep reads this much again (T57).
_OVERLAP = timedelta(minutes=2)
_ANCESTORS = 10

OPERATIONS = {
    each.name: each
    for each in (
        Operation("opportunity.update", Guarantee.UPSERT, "write the state of"),
        Operation("account.update", Guarantee.UPSERT, "write the ERP number of"),
        Operation("invoice.upsert", Guarantee.UPSERT, "show the invoice"),
    )
}


class Salesforce:
    """One org. Kinds: `opportunity` (a deal with its account and lines as one document), `account_merge`."""

    def __init__(
        self, name: str, config: SalesforceConfig, client: SalesforceClient, fields: Mapping[str, str]
    ) -> None:
        self.name = name
        self._config = config
        self._client = client
        self._table: MappingTable = mapping.OPPORTUNITY.with_sources(fields)

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> Health:
        info = await self._client.call(Request("GET", "/services/oauth2/userinfo"))
        used = self._client.usage
        limits = {"api requests in 24 h": f"{used[0]} of {used[1]}"} if used else {}
        return Health(
            ok=True,
            detail="connected",
            user=str(info["preferred_username"]),
            version=self._config.version,
            limits=limits,
        )

    # -- source

    async def changes(self, kind: str, since: str | None) -> Page:
        match kind:
            case "opportunity":
                return await self._deals_changed(since)
            case "account_merge":
                return await self._merges(since)
            case _:
                raise LookupError(f"salesforce has no kind {kind!r}")

    async def look(self, ref: Ref) -> Change | None:
        found = await self._opportunities(f"Id = {soql_text(ref.id)}")
        return self._change(found[0], await self._parents(found)) if found else None

    async def read(self, ref: Ref) -> Reading | None:
        found = await self._opportunities(f"Id = {soql_text(ref.id)}")
        if not found or found[0]["IsDeleted"]:
            return None
        parents = await self._parents(found)
        account = found[0].get("AccountId")
        contacts = await self._contacts(account) if account else []
        document, trail = mapping.engagement(
            found[0],
            self._table,
            connection=self.name,
            approved=self._config.approved_stages,
            parents=_chain(found[0], parents),
            contacts=contacts,
        )
        return Reading(document, self._change(found[0], parents).version, trail)

    async def _deals_changed(self, since: str | None) -> Page:
        """Deals that changed themselves, or whose account or lines did: the document is the deal with all of it."""
        after = f"SystemModstamp >= {since}" if since else ""
        found = {each["Id"]: each for each in await self._opportunities(after)}
        if since:
            for where in (
                f"AccountId IN (SELECT Id FROM Account WHERE {after})",  # noqa: S608
                f"Id IN (SELECT OpportunityId FROM OpportunityLineItem WHERE {after})",  # noqa: S608
            ):
                found |= {each["Id"]: each for each in await self._opportunities(where)}
        parents = await self._parents(list(found.values()))
        changes = [self._change(each, parents) for each in found.values()]
        return Page(changes, _cursor([each.version for each in changes], since), more=False)

    async def _merges(self, since: str | None) -> Page:
        """Accounts that lost a merge: the id vanishes with the recycle bin, so it is remembered now (T01)."""
        after = f" AND SystemModstamp >= {since}" if since else ""
        rows = await self._client.query(
            f"SELECT Id, Name, MasterRecordId, SystemModstamp FROM Account "  # noqa: S608
            f"WHERE IsDeleted = true AND MasterRecordId != null{after} ORDER BY SystemModstamp, Id",
            deleted=True,
        )
        changes = [
            Change(
                Ref(self.name, "account_merge", each["Id"]),
                _version(each["SystemModstamp"], each),
                record={"name": each["Name"]},
                deleted=True,
                merged_into=each["MasterRecordId"],
            )
            for each in rows
        ]
        return Page(changes, _cursor([each.version for each in changes], since), more=False)

    async def _opportunities(self, where: str) -> list[dict[str, Any]]:
        fields = ", ".join(mapping.opportunity_fields(self._table))
        condition = f" WHERE {where}" if where else ""
        return await self._client.query(
            f"SELECT {fields} FROM Opportunity{condition} ORDER BY SystemModstamp, Id",  # noqa: S608
            deleted=True,
        )

    async def _parents(self, deals: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Every ancestor of the deals' accounts, by id, level by level; a circle ends by itself."""
        known: dict[str, dict[str, Any]] = {}
        wanted = {each["Account"]["ParentId"] for each in deals if each.get("Account")} - {None}
        for _ in range(_ANCESTORS):
            if not wanted:
                break
            ids = ", ".join(soql_text(each) for each in sorted(wanted))
            fields = ", ".join(mapping.account_fields())
            found = await self._client.query(f"SELECT {fields} FROM Account WHERE Id IN ({ids})")  # noqa: S608
            known |= {each["Id"]: each for each in found}
            wanted = {each["ParentId"] for each in found} - {None} - known.keys()
        return known

    async def _contacts(self, account: str) -> list[dict[str, Any]]:
        return await self._client.query(
            f"SELECT Id, Name, Email, Title FROM Contact WHERE AccountId = {soql_text(account)} ORDER BY CreatedDate, Id LIMIT 20"  # noqa: S608
        )

    def _change(self, record: dict[str, Any], parents: Mapping[str, Mapping[str, Any]]) -> Change:
        chain = _chain(record, parents)
        stamps = [record, record.get("Account") or {}, *mapping.lines_of(record), *chain]
        newest = max(each["SystemModstamp"] for each in stamps if each.get("SystemModstamp"))
        value = mapping.amount(record.get("Amount"))
        currency = record.get("CurrencyIsoCode")
        return Change(
            Ref(self.name, "opportunity", record["Id"]),
            _version(newest, [record, chain]),
            amount=Money(value, currency) if value is not None and currency else None,
            deleted=bool(record["IsDeleted"]),
        )

    # -- sink

    def operation(self, name: str) -> Operation:
        return OPERATIONS[name]

    async def prepare(self, write: Write) -> bytes:
        base = self._client.base
        match write.operation:
            case "opportunity.update":
                body = mapping.opportunity_update(write.body)
                return Request("PATCH", f"{base}/sobjects/Opportunity/{write.ids['record']}", body).encode()
            case "account.update":
                body = {"ERP_Customer_Id__c": write.body["erp_customer"]}
                return Request("PATCH", f"{base}/sobjects/Account/{write.ids['record']}", body).encode()
            case "invoice.upsert":
                body = mapping.invoice_record(
                    write.body, account=write.ids["account"], opportunity=write.ids["opportunity"]
                )
                key = quote(write.subject, safe="")
                return Request("PATCH", f"{base}/sobjects/Invoice__c/Invoice_Key__c/{key}", body).encode()
            case _:
                raise LookupError(f"salesforce has no operation {write.operation!r}")

    async def send(self, operation: str, request: bytes) -> Receipt:
        sent = Request.decode(request)
        try:
            answer = await self._client.call(sent)
        except SalesforceError as refused:
            facts = {
                "system": self.name,
                "action": OPERATIONS[operation].does,
                "subject": sent.path.rsplit("/", 1)[-1],
                "amount": "its facts are not shown in the CRM",
                "link": "",
            }
            raise Rejected(Problem("target.refused", facts, quote=str(refused))) from refused
        if answer is None:  # 204: an update by id
            return Receipt(sent.path.rsplit("/", 1)[-1])
        if not answer.get("id"):
            raise OutcomeUnknown(f"no id in the answer: {answer}")
        return Receipt(answer["id"], answer={"created": answer.get("created")})

    async def find(self, write: Write) -> Receipt | None:
        if write.operation == "invoice.upsert":
            found = await self._client.query(
                f"SELECT Id FROM Invoice__c WHERE Invoice_Key__c = {soql_text(write.subject)}"  # noqa: S608
            )
            return Receipt(found[0]["Id"]) if found else None
        return Receipt(write.ids["record"])


def _chain(record: Mapping[str, Any], parents: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The account's ancestors, the nearest first; one that comes round again is named once more and ends the chain."""
    chain: list[Mapping[str, Any]] = []
    above = parents.get(at(record, "Account.ParentId") or "")
    while above is not None and len(chain) <= _ANCESTORS:
        chain.append(above)
        above = parents.get(above["ParentId"] or "")
    return chain


def _version(stamp: str, content: Any) -> str:
    """The org's stamp, then a fingerprint of what we read: our own write-back moves the stamp and not the content (T59)."""
    return f"{stamp}#{content_hash(_without_stamps(content))[:16]}"


def _without_stamps(content: Any) -> Any:
    if isinstance(content, list):
        return [_without_stamps(each) for each in content]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(content, dict):
        return {k: _without_stamps(v) for k, v in content.items() if k not in ("SystemModstamp", "attributes")}  # pyright: ignore[reportUnknownVariableType]
    return content


def _cursor(versions: Sequence[str], since: str | None) -> str:
    """The newest stamp seen, less the overlap, in the form that SOQL compares with."""
    if not versions:
        return since or "1970-01-01T00:00:00Z"
    newest = datetime.strptime(max(each.split("#")[0] for each in versions), "%Y-%m-%dT%H:%M:%S.%f%z")
    cursor = (newest - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
    return max(cursor, since or "")
