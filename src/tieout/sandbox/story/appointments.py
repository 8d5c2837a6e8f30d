"""Work that the script fixes to the minute: advice for Globex, the last of which goes beyond what was sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tieout.sandbox.firm import Colleague, KestrelFirm
from tieout.sandbox.story.desks import WorkDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Kantata"


@dataclass(frozen=True, slots=True)
class Appointment:
    """A person works for so many minutes on a task of theirs, by its name in the project."""

    day: date
    person: str
    task: str
    minutes: int
    note: str


_ADVICE, _ANALYSIS = "Data Advisory: Advice", "Data Advisory: Analysis"
# Two and six hours are sold, not to be exceeded; of the last entry one hour fits beneath that.
APPOINTMENTS: Sequence[Appointment] = (
    Appointment(date(2026, 10, 20), "K004", _ANALYSIS, 150, "sources of the ledger"),
    Appointment(date(2026, 10, 21), "K002", _ADVICE, 120, "which sources to trust"),
    Appointment(date(2026, 10, 22), "K004", _ANALYSIS, 150, "sources of the sub-ledgers"),
    Appointment(date(2026, 10, 27), "K004", _ANALYSIS, 210, "what the client asked for on top"),
)
# Nobody books anything else on these.
BY_APPOINTMENT = frozenset(each.task for each in APPOINTMENTS)


class Appointments:
    """Everybody who has one, each at a desk of their own."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, WorkDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def keep(self, today: date, entity: str) -> None:
        """Whatever was fixed up to a day and is not booked yet, as soon as the task is there."""
        for each in APPOINTMENTS:
            person, key = self._firm.person(each.person), f"appointment/{each.person}/{each.day}"
            if person.entity == entity and each.day <= today and not self._journal.done(key):
                await self._book(key, each, person, self._desks[each.person])

    async def _book(self, key: str, appointment: Appointment, person: Colleague, desk: WorkDesk) -> None:
        me = await desk.me()
        tasks = await desk.all("stories", include="assignees")
        task = next((each for each in tasks if each["title"] == appointment.task and me in each["assignee_ids"]), None)
        if task is None:
            return
        note = f"{appointment.task}: {appointment.note}"
        there = await desk.all("time_entries", with_user_ids=me)
        record = next((each["id"] for each in there if each["notes"] == note), None) or await desk.create(
            "time_entries",
            "time_entry",
            {
                "workspace_id": task["workspace_id"],
                "story_id": task["id"],
                "date_performed": appointment.day.isoformat(),
                "time_in_minutes": appointment.minutes,
                "billable": True,
                "notes": note,
            },
        )
        hours = f"{appointment.minutes // 60}:{appointment.minutes % 60:02} h"
        self._journal.write(key, person.name, "gave", f"{hours} of {appointment.task}", _WHERE, record)
