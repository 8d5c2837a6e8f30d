"""A deal as one whole: the opportunity with its account and the account's parents, its contacts and its products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.connectors.salesforce import reporting
from tieout.connectors.salesforce.client import CHUNK, Row, SalesforceClient, soql_text
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.mapping import QUOTE, Words, lines_of
from tieout.domain.identity import content_hash
from tieout.domain.mapping import at

_ANCESTORS = 10
_CONTACTS = 40
# They move when nothing that we read has changed, or when we ourselves wrote.
_NO_CONTENT = frozenset({"SystemModstamp", "attributes", *reporting.OURS})


@dataclass(frozen=True, slots=True)
class Deal:
    """`chain` are the account's ancestors, the nearest first; `people` are its contacts, deleted ones too.

    `quoted` are the lines of its primary quote in CPQ, deleted ones too.
    """

    record: Row
    chain: Sequence[Row]
    people: Sequence[Row]
    bill_to: Row | None
    quoted: Sequence[Row] = ()

    @property
    def quote(self) -> list[Row]:
        return [each for each in self.quoted if not each["IsDeleted"]]

    @property
    def contacts(self) -> list[Row]:
        return [each for each in self.people if not each["IsDeleted"]]

    @property
    def version(self) -> str:
        """The newest stamp of all its parts, then a fingerprint of what they say.

        Deleted lines and contacts count for the stamp, so that it never runs backwards; our own write-back moves the
        stamp and leaves the fingerprint as it was (T59).
        """
        parts = [self.record, self.record.get("Account"), self.bill_to, *self.chain, *self.people, *self.quoted]
        stamps = [each["SystemModstamp"] for each in (*parts, *lines_of(self.record, deleted=True)) if each]
        said = [self.record, lines_of(self.record), self.chain, self.contacts, *([self.quote] if self.quote else [])]
        return f"{max(stamps)}#{content_hash(_content(said))[:16]}"


def _content(value: Any) -> Any:
    match value:
        case list() | tuple():
            return [_content(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {k: _content(v) for k, v in value.items() if k not in _NO_CONTENT and not _is_children(v)}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _is_children(value: Any) -> bool:
    """A list of children within a record; deleted ones are in it, so the live ones are told beside the record."""
    return isinstance(value, dict) and "records" in value


class Deals:
    """Reads deals whole, in chunks of ids."""

    def __init__(self, client: SalesforceClient, config: SalesforceConfig, words: Words) -> None:
        self._client = client
        self._words = words
        self._ours = before_go_live(config)

    async def fetch(self, ids: Sequence[str], *, always: bool = False) -> list[Deal]:
        """Deals by id, deleted ones too, in the order of their stamps; `always` includes those from before go-live."""
        found: list[Deal] = []
        for start in range(0, len(ids), CHUNK):
            found += await self._some(ids[start : start + CHUNK], always=always)
        return sorted(found, key=lambda each: each.version)

    async def _some(self, ids: Sequence[str], *, always: bool) -> list[Deal]:
        fields = ", ".join(self._words.opportunity_fields())
        condition = f" AND {self._ours}" if self._ours and not always else ""
        records = await self._client.query_each(
            f"SELECT {fields} FROM Opportunity WHERE Id IN ({{ids}}){condition}",  # noqa: S608
            ids,
            deleted=True,
        )
        parents = await self._parents(records)
        people = await self._people(records)
        quotes = await self._quotes(records)
        return [
            Deal(
                record,
                chain_of(record, parents),
                people.get(record.get("AccountId") or "", []),
                at(record, self._words.bill_to) if self._words.bill_to else None,
                quotes.get(record.get(QUOTE) or "", []),
            )
            for record in records
        ]

    async def _parents(self, records: Sequence[Row]) -> dict[str, Row]:
        """Every ancestor of the deals' accounts, by id, level by level; a circle ends by itself."""
        known: dict[str, Row] = {}
        fields = ", ".join(self._words.account_fields())
        wanted = _ids(at(each, "Account.ParentId") for each in records)
        for _ in range(_ANCESTORS):
            if not wanted:
                break
            found = await self._client.query_each(
                f"SELECT {fields} FROM Account WHERE Id IN ({{ids}})",  # noqa: S608
                wanted,
            )
            known |= {each["Id"]: each for each in found}
            wanted = [each for each in _ids(each["ParentId"] for each in found) if each not in known]
        return known

    async def _quotes(self, records: Sequence[Row]) -> dict[str, list[Row]]:
        """The lines of each deal's primary quote, by quote."""
        found: dict[str, list[Row]] = {}
        fields = ", ".join(self._words.quote_fields())
        rows = await self._client.query_each(
            f"SELECT {fields} FROM SBQQ__QuoteLine__c WHERE SBQQ__Quote__c IN ({{ids}})",  # noqa: S608
            _ids(each.get(QUOTE) for each in records),
            deleted=True,
        )
        for each in rows:
            found.setdefault(each["SBQQ__Quote__c"], []).append(each)
        return found

    async def _people(self, records: Sequence[Row]) -> dict[str, list[Row]]:
        """The first contacts of each account, by account."""
        accounts = await self._client.query_each(
            "SELECT Id, (SELECT Id, Name, Email, Title, IsDeleted, SystemModstamp FROM Contacts"  # noqa: S608
            f" ORDER BY CreatedDate, Id LIMIT {_CONTACTS}) FROM Account WHERE Id IN ({{ids}})",
            _ids(each.get("AccountId") for each in records),
            deleted=True,
        )
        return {each["Id"]: each["Contacts"]["records"] for each in accounts if each["Contacts"]}


def before_go_live(config: SalesforceConfig, deal: str = "") -> str:
    """The condition that leaves out deals that were over, or sold, before the hub began; empty where there is no such day.

    `deal` is the way from the queried object to its deal, such as `Opportunity__r.`.
    """
    if config.go_live is None:
        return ""
    day = f"{config.go_live.isoformat()}T00:00:00Z"
    approved = ", ".join(soql_text(each) for each in config.approved_stages)
    return (
        f"(({deal}IsClosed = false AND {deal}StageName NOT IN ({approved})) OR {deal}LastStageChangeDate >= {day}"
        f" OR ({deal}LastStageChangeDate = null AND {deal}CreatedDate >= {day}))"
    )


def chain_of(record: Mapping[str, Any], parents: Mapping[str, Row]) -> list[Row]:
    """The account's ancestors, the nearest first; in a circle one comes round again and again until the chain is long."""
    chain: list[Row] = []
    above = parents.get(at(record, "Account.ParentId") or "")
    while above is not None and len(chain) <= _ANCESTORS:
        chain.append(above)
        above = parents.get(above["ParentId"] or "")
    return chain


def _ids(found: Iterable[Any]) -> list[str]:
    return sorted({each for each in found if each})
