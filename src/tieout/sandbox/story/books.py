"""What stands in the systems in the end, per entity: asked of each of them through its own API, for whoever wants to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.firm import Entity, KestrelFirm
from tieout.sandbox.story.desks import SalesDesk, WorkDesk
from tieout.sandbox.story.ledger import ledger
from tieout.sandbox.story.play import Story

_CENT = Decimal("0.01")
_STATES = ("approved", "submitted", "draft")
Figures = dict[str, Any]


class Auditor:
    """Reads with the rights of people who see everything in a system: a seller, a lead, an entity's accountant."""

    def __init__(self, story: Story, crm: SalesDesk, psa: WorkDesk, erps: Mapping[str, TrytonClient]) -> None:
        self._story = story
        self.crm = crm
        self._psa = psa
        self._erps = erps

    async def books(self) -> Figures:
        """Amounts are decimal strings in the entity's currency, hours come as minutes; `acts` counts what people did."""
        firm = self._story.firm
        deals = await self.crm.rows(
            "SELECT Name, StageName, IsWon, IsClosed, Amount, CurrencyIsoCode, Legal_Entity__c FROM Opportunity ORDER BY Name"
        )
        quotes = await self.crm.rows(
            "SELECT Id, Name, OpportunityId, Opportunity.Legal_Entity__c FROM Quote WHERE Status = 'Accepted' ORDER BY Name"
        )
        work = await self._work(firm)
        return {
            "day": self._story.clock.today.isoformat(),
            "finished": self._story.finished,
            "entities": {
                each.code: await self._entity(each, deals, quotes, work.get(each.currency, {}))
                for each in firm.entities
            },
            "acts": self._story.journal.counts(),
        }

    async def _entity(
        self, entity: Entity, deals: Sequence[Figures], quotes: Sequence[Figures], work: Figures
    ) -> Figures:
        won_by = [
            {"quote": each["Name"], "deal": each["OpportunityId"]}
            for each in quotes
            if each["Opportunity"]["Legal_Entity__c"] == entity.code
        ]
        erp = self._erps.get(entity.code)
        return {
            "currency": entity.currency,
            "crm": {**_sales([each for each in deals if each["Legal_Entity__c"] == entity.code]), "won_by": won_by},
            "psa": work,
            "erp": await ledger(erp) if erp is not None else {},
        }

    async def _work(self, firm: KestrelFirm) -> dict[str, Figures]:
        """By currency, which is what tells the entities' projects apart in the PSA."""
        projects = await self._psa.all("workspaces", include_archived="true")
        submitted = {each["id"] for each in await self._psa.all("timesheet_submissions", statuses="new")}
        entries = await self._psa.all("time_entries", from_archived_workspaces="true", include="active_submission")
        return {
            entity.currency: _work_of(
                [each for each in projects if each["currency"] == entity.currency],
                [each for each in entries if each["currency"] == entity.currency],
                submitted,
            )
            for entity in firm.entities
        }


def _sales(deals: Sequence[Figures]) -> Figures:
    won = [each for each in deals if each["IsWon"]]
    lost = [each for each in deals if each["IsClosed"] and not each["IsWon"]]
    return {
        "won": len(won),
        "won_amount": _sum(each["Amount"] for each in won),
        "lost": len(lost),
        "open": len(deals) - len(won) - len(lost),
        "deals": [
            {"name": each["Name"], "stage": each["StageName"], "amount": _sum([each["Amount"]])} for each in deals
        ],
    }


def _work_of(projects: Sequence[Figures], entries: Sequence[Figures], submitted: set[str]) -> Figures:
    figures: Figures = {
        "projects": len(projects),
        "archived_projects": sum(each["archived"] for each in projects),
        "entries": len(entries),
    }
    for state in _STATES:
        mine = [each for each in entries if _state(each, submitted) == state]
        billable = [each for each in mine if each["billable"]]
        figures[state] = {
            "entries": len(mine),
            "minutes": sum(each["time_in_minutes"] for each in mine),
            "billable_minutes": sum(each["time_in_minutes"] for each in billable),
            "value": _sum(_worth(each) for each in billable),
        }
    return figures


def _state(entry: Figures, submitted: set[str]) -> str:
    if entry["approved"]:
        return "approved"
    return "submitted" if entry["active_submission_id"] in submitted else "draft"


def _worth(entry: Figures) -> Decimal:
    """One entry at the rate it carries, rounded by itself."""
    hours = Decimal(entry["time_in_minutes"]) / 60
    return (hours * Decimal(entry["rate_in_cents"] or 0) / 100).quantize(_CENT, ROUND_HALF_UP)


def _sum(amounts: Iterable[Any]) -> str:
    total = sum((Decimal(str(each)) for each in amounts if each is not None), Decimal(0))
    return str(total.quantize(_CENT, ROUND_HALF_UP))
