"""What the script has on paper: quotes of several packages, quoted again and won by, and a change order that somebody else approves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from tieout.sandbox.firm import KestrelFirm
from tieout.sandbox.story.deals import deal
from tieout.sandbox.story.desks import SalesDesk
from tieout.sandbox.story.journal import Journal
from tieout.sandbox.story.quoting import Amendment, Offered, Quoting


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote of a day: it is presented, or the deal is won by it."""

    on: date
    deal: str
    name: str
    offers: Sequence[Offered]
    act: Literal["present", "win"]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change order: raised by the deal's seller, approved on a later day by a seller of another company."""

    on: date
    deal: str
    words: str
    effective: date
    lines: Sequence[Amendment]
    approved: date
    by: str


_CLOSE = Offered("GC-1", "CLOSE-ACCELERATOR", {})
# Not to exceed what is sold: the second package of the second quote. More of it is worked than that (appointments.py).
_ADVICE = Offered("GC-2", "DATA-ADVISORY", {"Advice": Decimal(2), "Analysis": Decimal(6)})

QUOTES: Sequence[Quoted] = (
    Quoted(date(2026, 10, 13), "globex-close", "Globex Close, first offer", (_CLOSE,), "present"),
    Quoted(date(2026, 10, 15), "globex-close", "Globex Close and advice", (_CLOSE, _ADVICE), "win"),
)
# The pipelines that were added to the deal on 12 October become part of its contract.
CHANGES: Sequence[Changed] = (
    Changed(
        date(2026, 10, 14), "globex-data", "40 hours more of pipelines", date(2026, 10, 19),
        (Amendment("Change", "", Decimal(8400), "Pipelines", hours=Decimal(240)),), date(2026, 10, 16), "DE",
    ),
)  # fmt: skip


class Paper:
    """Everybody who quotes, each at a desk of their own. What was cut off is thrown away and written again."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, SalesDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def act(self, today: date, entity: str) -> None:
        """Everything of an entity's sellers up to a day that has not happened yet."""
        for quoted in QUOTES:
            if quoted.on <= today and deal(quoted.deal).entity == entity:
                await self._quote(quoted)
        for changed in CHANGES:
            if changed.on <= today and deal(changed.deal).entity == entity:
                await self._raise(changed)
            if changed.approved <= today and changed.by == entity:
                await self._approve(changed)

    async def _quote(self, quoted: Quoted) -> None:
        record, entity = self._record(quoted.deal), deal(quoted.deal).entity
        if record is None:
            return
        seller = self._seller(entity)
        settle = seller.win_by if quoted.act == "win" else seller.present
        fields = "Id, Opportunity.SyncedQuoteId, Opportunity.IsWon"
        where = f"OpportunityId = '{record}' AND Name = '{quoted.name}'"
        for each in await self._desk(entity).rows(f"SELECT {fields} FROM Quote WHERE {where}"):  # noqa: S608 - SOQL
            if not self._journal.done(f"quoted/{each['Id']}"):
                await self._desk(entity).remove("Quote", each["Id"])
                continue
            if each["Opportunity"]["SyncedQuoteId"] != each["Id"] and not each["Opportunity"]["IsWon"]:
                await settle(record, each["Id"])
            return
        await settle(record, await seller.quote(record, quoted.name, quoted.offers, quoted.on))

    async def _raise(self, changed: Changed) -> None:
        found = await self._orders(changed)
        if found is None or any(each["Status__c"] != "Draft" for each in found):
            return
        for each in found:
            await self._desk(deal(changed.deal).entity).remove("Change_Order__c", each["Id"])
        record = self._record(changed.deal)
        assert record is not None, "asked for its orders a moment ago"
        seller = self._seller(deal(changed.deal).entity)
        await seller.raise_change_order(record, changed.words, changed.effective, changed.lines)

    async def _approve(self, changed: Changed) -> None:
        for each in await self._orders(changed) or ():
            if each["Status__c"] == "Submitted":
                await self._seller(changed.by).decide(each["Id"], "Approved")

    async def _orders(self, changed: Changed) -> Sequence[Mapping[str, str]] | None:
        """The deal's change orders of that day; None when the deal is not entered yet."""
        record = self._record(changed.deal)
        if record is None:
            return None
        where = f"Opportunity__c = '{record}' AND Effective_Date__c = {changed.effective}"
        return await self._desk(deal(changed.deal).entity).rows(
            f"SELECT Id, Status__c FROM Change_Order__c WHERE {where}"  # noqa: S608 - SOQL
        )

    def _record(self, key: str) -> str | None:
        entered = self._journal.done(f"deal/{key}/entered")
        return entered.id if entered else None

    def _desk(self, entity: str) -> SalesDesk:
        return self._desks[self._firm.seller(entity).email]

    def _seller(self, entity: str) -> Quoting:
        return Quoting(self._firm, self._firm.seller(entity), self._desk(entity), self._journal)
