"""Finds the deals that changed: themselves, or through their account, its parents, its contacts or their products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tieout.connectors.salesforce.client import Row, SalesforceClient, soql_text
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.cursor import NEVER, Cursor, before, certain, digest, onward
from tieout.connectors.salesforce.deals import before_go_live
from tieout.connectors.salesforce.mapping import Words
from tieout.domain.mapping import at

_LEVELS = 10
# A quote that becomes primary changes its deal; CPQ's lines move by themselves.
_QUOTED = "SELECT Id, SBQQ__Quote__r.SBQQ__Opportunity2__c, SystemModstamp FROM SBQQ__QuoteLine__c"


@dataclass(frozen=True, slots=True)
class News:
    """Ids of deals to read, the cursor that follows once they are read, and whether another page waits."""

    ids: Sequence[str]
    cursor: Cursor
    more: bool = False


class Sweep:
    """The first sweep goes through all deals by id, in pages; every later one asks what moved since the cursor."""

    def __init__(self, client: SalesforceClient, config: SalesforceConfig, words: Words) -> None:
        self._client = client
        self._page = config.page_size
        self._ours = before_go_live(config)
        self._bill_to = _reference(words.bill_to)
        self._cpq = words.cpq

    async def news(self, cursor: Cursor) -> News:
        return await self._moved(cursor) if cursor.since else await self._everything(cursor)

    async def _everything(self, cursor: Cursor) -> News:
        upto = cursor.upto or await self._newest()
        conditions = [f"Id > {soql_text(cursor.after)}"] if cursor.after else []
        conditions += [self._ours] if self._ours else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = await self._client.query(
            f"SELECT Id FROM Opportunity{where} ORDER BY Id LIMIT {self._page}",  # noqa: S608
            deleted=True,
        )
        ids = [each["Id"] for each in rows]
        if len(ids) == self._page:
            return News(ids, Cursor(after=ids[-1], upto=upto), more=True)
        return News(ids, Cursor(since=before(upto)))

    async def _newest(self) -> str:
        """The newest stamp in the org; whatever moves from now on has the same or a later one, or is within the overlap."""
        asked = [
            f"SELECT SystemModstamp FROM {entity} ORDER BY SystemModstamp DESC LIMIT 1"  # noqa: S608
            for entity in ("Opportunity", "Account")
        ]
        found = [row["SystemModstamp"] for rows in await self._client.queries(asked) for row in rows]
        return max(found, default=NEVER)

    async def _moved(self, cursor: Cursor) -> News:
        """One API call when nothing moved: then what stands after the cursor is what stood there the last time.

        That says nothing as long as a record can move again and bear the same stamp.
        """
        since = cursor.since
        deals, accounts, lines, contacts, *quotes = await self._client.queries(
            [
                f"SELECT Id, SystemModstamp FROM Opportunity WHERE SystemModstamp >= {since}",  # noqa: S608
                f"SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp >= {since}",  # noqa: S608
                f"SELECT Id, OpportunityId, SystemModstamp FROM OpportunityLineItem WHERE SystemModstamp >= {since}",  # noqa: S608
                f"SELECT Id, AccountId, SystemModstamp FROM Contact WHERE AccountId != null AND SystemModstamp >= {since}",  # noqa: S608
                *([f"{_QUOTED} WHERE SystemModstamp >= {since}"] if self._cpq else []),
            ]
        )
        quoted = [row for rows in quotes for row in rows]
        listing = [(row["Id"], row["SystemModstamp"]) for row in (*deals, *accounts, *lines, *contacts, *quoted)]
        if digest(listing, since) == cursor.seen:
            return News([], cursor)
        ids = {row["Id"] for row in deals} | {row["OpportunityId"] for row in lines}
        ids |= {deal for row in quoted if (deal := at(row, "SBQQ__Quote__r.SBQQ__Opportunity2__c"))}
        ids |= await self._of_accounts(accounts, contacts)
        following = onward([stamp for _, stamp in listing], since)
        seen = digest(listing, following) if self._is_over(listing) else ""
        return News(sorted(ids), replace(cursor, since=following, seen=seen))

    def _is_over(self, listing: Sequence[tuple[str, str]]) -> bool:
        """Whether the second of the newest stamp had passed when the org was asked; it may have taken its time to answer."""
        newest = max((stamp for _, stamp in listing), default=NEVER)
        return self._client.now is not None and certain(newest, self._client.now)

    async def _of_accounts(self, accounts: Sequence[Row], contacts: Sequence[Row]) -> set[str]:
        moved = {row["Id"] for row in accounts}
        families = moved | await self._below(moved) | {row["AccountId"] for row in contacts}
        found = await self._client.query_each(
            "SELECT Id FROM Opportunity WHERE AccountId IN ({ids})", sorted(families), deleted=True
        )
        if self._bill_to:
            found += await self._client.query_each(
                f"SELECT Id FROM Opportunity WHERE {self._bill_to} IN ({{ids}})",  # noqa: S608
                sorted(moved),
                deleted=True,
            )
        return {row["Id"] for row in found}

    async def _below(self, accounts: set[str]) -> set[str]:
        """Every account beneath these: its deals carry the names of its parents."""
        known, level = set(accounts), accounts
        for _ in range(_LEVELS):
            children = await self._client.query_each("SELECT Id FROM Account WHERE ParentId IN ({ids})", sorted(level))
            level = {row["Id"] for row in children} - known
            if not level:
                break
            known |= level
        return known - accounts


def _reference(relationship: str) -> str:
    """The field behind a relationship: Payer__c behind Payer__r, PartnerId behind Partner."""
    if not relationship:
        return ""
    return f"{relationship.removesuffix('__r')}__c" if relationship.endswith("__r") else f"{relationship}Id"
