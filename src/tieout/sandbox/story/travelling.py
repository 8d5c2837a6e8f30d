"""Trips: people claim what they paid for their projects, each with its receipt; the leads decide, and look again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.sandbox.firm import Colleague, KestrelFirm
from tieout.sandbox.story.claiming import Claiming, Paid
from tieout.sandbox.story.delivery import projects_of
from tieout.sandbox.story.desks import WorkDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Kantata"
_REPORTS = "expense_report_submissions"


@dataclass(frozen=True, slots=True)
class Trip:
    """Somebody claims it on this day or as soon after as they have a project that runs.

    `corrected` is what the lead makes of the claim that was approved already, in the project's currency, and when.
    """

    since: date
    person: str
    paid: Paid
    corrected: tuple[date, Decimal] | None = None


TRIPS: Sequence[Trip] = (
    Trip(
        date(2026, 10, 14), "K003",
        Paid(date(2026, 10, 13), "Lodging", Decimal("412.00"), "GBP", "hotel-london.pdf", "Two nights in London"),
    ),
    Trip(
        date(2026, 10, 15), "K103",
        Paid(date(2026, 10, 14), "Travel", Decimal("238.00"), "CHF", "rail-zurich.pdf", "Rail to Zurich and back"),
    ),
    Trip(
        date(2026, 10, 20), "K004",
        Paid(date(2026, 10, 19), "Travel", Decimal("386.40"), "USD", "train-boston.pdf", "Train to Boston and back"),
        (date(2026, 10, 28), Decimal("193.20")),
    ),
    Trip(
        date(2026, 10, 22), "K005",
        Paid(date(2026, 10, 21), "Visa fees", Decimal("185.00"), "USD", "visa-toronto.pdf", "Visa for the workshop in Toronto"),
    ),
    Trip(
        date(2026, 10, 27), "K105",
        Paid(date(2026, 10, 26), "Team dinner", Decimal("96.50"), "EUR", "dinner.pdf", "Dinner after the go-live"),
    ),
)  # fmt: skip


class Travellers:
    """Everybody who travels, and each entity's lead."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, WorkDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def claim(self, today: date, entity: str) -> None:
        for trip in TRIPS:
            person = self._firm.person(trip.person)
            if person.entity == entity and trip.since <= today and not self._journal.done(_key(trip)):
                await self._claim(trip, person)

    async def _claim(self, trip: Trip, person: Colleague) -> None:
        desk = self._desks[person.number]
        expense = await self._claimed(trip, desk)
        if expense is None:
            project = await self._project(trip, person, desk)
            if project is None:
                return
            expense, _ = await Claiming(person, desk, self._journal).file_expense(project, trip.paid)
        self._journal.write(_key(trip), person.name, "came back from", trip.paid.words, _WHERE, expense)

    async def _claimed(self, trip: Trip, desk: WorkDesk) -> str | None:
        """What was claimed by a process that was killed before it could say so; a report that it did not make is made now."""
        found = [
            each for each in await desk.all("expenses", include="active_submission") if each["notes"] == trip.paid.words
        ]
        for each in found:
            if each["active_submission_id"] is None:
                facts = {"workspace_id": each["workspace_id"], "title": trip.paid.words, "line_item_ids": [each["id"]]}
                await desk.create(_REPORTS, "expense_report_submission", facts)
        return found[0]["id"] if found else None

    async def _project(self, trip: Trip, person: Colleague, desk: WorkDesk) -> str | None:
        """The first of their projects that has begun by the day of the receipt."""
        for each in await projects_of(desk, self._firm.entity(person.entity).currency):
            if (each["start_date"] or "") <= trip.paid.day.isoformat():
                return each["id"]
        return None

    async def decide(self, today: date, entity: str) -> None:
        """Every report that waits, and what the lead finds out about an approved one."""
        lead = self._firm.lead(entity)
        desk = self._desks[lead.number]
        people = {await self._desks[each.number].me() for each in self._firm.people if each.entity == entity}
        waiting = await desk.all(_REPORTS, statuses="new")
        for report in sorted(waiting, key=lambda each: int(each["id"])):
            if report["user_id"] in people:
                await Claiming(lead, desk, self._journal).approve(report["id"], _REPORTS)
        for trip in TRIPS:
            if trip.corrected is not None and self._firm.person(trip.person).entity == entity:
                await self._correct(trip, trip.corrected, today, lead, desk)

    async def _correct(
        self, trip: Trip, corrected: tuple[date, Decimal], today: date, lead: Colleague, desk: WorkDesk
    ) -> None:
        since, amount = corrected
        claimed, key = self._journal.done(_key(trip)), f"{_key(trip)}/corrected"
        if claimed is None or since > today or self._journal.done(key):
            return
        facts: dict[str, Any] = {"amount_in_cents": int(amount * 100)}
        await desk.change("expenses", "expense", claimed.id, facts)
        what = f"{trip.paid.words}, approved already, to {amount}"
        self._journal.write(key, lead.name, "reduced", what, _WHERE, claimed.id)


def _key(trip: Trip) -> str:
    return f"trip/{trip.person}/{trip.since}"
