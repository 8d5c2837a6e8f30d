"""The consultants: they book their time every day, correct it when they must, and submit it for each project every Friday."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any, Literal

from tieout.sandbox.firm import Colleague, KestrelFirm
from tieout.sandbox.story.appointments import BY_APPOINTMENT
from tieout.sandbox.story.desks import Refused, WorkDesk
from tieout.sandbox.story.journal import Journal
from tieout.sandbox.story.workday import Piece, workday

_WHERE = "Kantata"
_FRIDAY = 4
_ON_HOLD = "On Hold"
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slip:
    """Something goes wrong, or is noticed late, with the time of a person on this day or as soon after as there is time to go wrong."""

    since: date
    person: str
    kind: Literal["booked twice", "changed yesterday", "forgot a day"]
    # For a day that was forgotten: which.
    about: date | None = None


SLIPS: Sequence[Slip] = (
    Slip(date(2026, 10, 14), "K103", "changed yesterday"),
    Slip(date(2026, 10, 20), "K006", "booked twice"),
    # October is billed, and closed in the books, when this comes in.
    Slip(date(2026, 11, 4), "K005", "forgot a day", date(2026, 10, 29)),
)


class Consultants:
    """Everybody with a desk in Kantata."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, WorkDesk], journal: Journal, seed: int) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal
        self._seed = seed
        self._first_day: date | None = None

    # -- in the morning

    async def correct(self, today: date, entity: str) -> None:
        """What came back, and what went wrong yesterday."""
        for person, desk in self._people(entity):
            await self._answer_objections(today, person, desk)
            for slip in SLIPS:
                if slip.person == person.number and slip.since <= today:
                    await self._mend(slip, today, person, desk)

    async def _answer_objections(self, today: date, person: Colleague, desk: WorkDesk) -> None:
        """A timesheet that was rejected, or whose approval was cancelled, is corrected and submitted again."""
        if not any(each.who == person.name and each.did == "submitted" for each in self._journal.acts):
            return  # nothing can have come back
        me = await desk.me()
        back = await desk.all(
            "timesheet_submissions", statuses="rejected,cancelled", user_ids=me, include="time_entries"
        )
        loose = {each["id"]: each for each in await self._loose(desk, me)} if back else {}
        for timesheet in sorted(back, key=lambda each: int(each["id"])):
            entries = [loose[each] for each in timesheet["time_entry_ids"] if each in loose]
            key = f"corrected/{timesheet['id']}"
            if not entries or self._journal.done(key):
                continue
            first = min(entries, key=lambda each: (each["date_performed"], int(each["id"])))
            minutes = max(15, first["time_in_minutes"] - (60 if timesheet["status"] == "cancelled" else 25))
            facts = {"time_in_minutes": minutes, "notes": f"{first['notes']}, corrected"}
            await desk.change("time_entries", "time_entry", first["id"], facts)
            self._journal.write(
                key, person.name, "corrected", f"{first['date_performed']} to {_clock(minutes)} h", _WHERE, first["id"]
            )
            await self._submit(today, person, desk, entries)

    async def _mend(self, slip: Slip, today: date, person: Colleague, desk: WorkDesk) -> None:
        key = f"slip/{slip.person}/{slip.kind}"
        if self._journal.done(key):
            return
        me = await desk.me()
        drafts = [each for each in await self._loose(desk, me) if each["date_performed"] < today.isoformat()]
        drafts.sort(key=lambda each: (each["date_performed"], int(each["id"])))
        match slip.kind:
            case "booked twice":
                await self._undo_double(key, today, person, desk, drafts)
            case "changed yesterday":
                if drafts:
                    last = drafts[-1]
                    facts = {
                        "time_in_minutes": last["time_in_minutes"] + 20,
                        "notes": f"{last['notes']}, and the follow-up",
                    }
                    await desk.change("time_entries", "time_entry", last["id"], facts)
                    what = f"the entry of {last['date_performed']}, 20 minutes more"
                    self._journal.write(key, person.name, "changed", what, _WHERE, last["id"])
            case "forgot a day":
                await self._book_late(key, slip, person, desk)

    async def _undo_double(
        self, key: str, today: date, person: Colleague, desk: WorkDesk, drafts: Sequence[Entry]
    ) -> None:
        """The same piece was booked a second time yesterday evening; this morning it is noticed and deleted."""
        made = self._journal.done(f"{key}/made")
        if made is not None:
            if any(each["id"] == made.id for each in drafts):
                await desk.delete("time_entries", made.id)
            self._journal.write(key, person.name, "deleted", "an entry that was booked twice", _WHERE, made.id)

    async def _book_late(self, key: str, slip: Slip, person: Colleague, desk: WorkDesk) -> None:
        assert slip.about is not None
        tasks = await self._tasks(desk, slip.about)
        if tasks:
            facts = self._entry(tasks[0], slip.about, Piece(0, 95, True, "Data quality review, booked late"))
            record = await desk.create("time_entries", "time_entry", facts)
            self._journal.write(key, person.name, "booked late", f"1:35 h for {slip.about}", _WHERE, record)

    # -- in the evening

    async def book(self, today: date, entity: str) -> None:
        """The day's time on the tasks one is assigned to; nobody works on what is not there yet."""
        for person, desk in self._people(entity):
            if self._journal.done(f"time/{person.number}/{today}"):
                continue
            tasks = await self._tasks(desk, today)
            try:
                if tasks:
                    await self._book_day(today, person, desk, tasks)
            except Refused as refused:
                key = f"unbooked/{person.number}/{today}"
                self._journal.write(key, person.name, "could not book:", str(refused), _WHERE)

    async def _book_day(
        self, today: date, person: Colleague, desk: WorkDesk, tasks: Sequence[Mapping[str, Any]]
    ) -> None:
        key = f"time/{person.number}/{today}"
        there = await self._booked_already(today, desk)
        taken = {(each["story_id"], each["billable"]) for each in there}
        pieces = workday(Random(f"{self._seed}/{key}"), person, [_left(each) for each in tasks])  # noqa: S311 - repeatable
        wanted = [self._entry(tasks[each.task], today, each) for each in pieces]
        entries = [each for each in wanted if (each["story_id"], each["billable"]) not in taken]
        made = await desk.create_all("time_entries", entries) if entries else [each["id"] for each in there]
        minutes = sum(each.minutes for each in pieces)
        what = f"{_clock(minutes)} h on {len({each.task for each in pieces})} tasks"
        await self._book_twice(today, person, desk, entries)
        self._journal.write(key, person.name, "booked", what, _WHERE, made[0] if made else "")

    async def _booked_already(self, today: date, desk: WorkDesk) -> list[Entry]:
        """Only the first day that this process plays may have been begun by one that was killed."""
        self._first_day = self._first_day or today
        if today != self._first_day:
            return []
        return await desk.all("time_entries", with_user_ids=await desk.me(), date_performed_between=f"{today}:{today}")

    async def _book_twice(self, today: date, person: Colleague, desk: WorkDesk, entries: Sequence[Entry]) -> None:
        for slip in SLIPS:
            key = f"slip/{slip.person}/{slip.kind}/made"
            due = slip.person == person.number and slip.kind == "booked twice" and slip.since <= today
            if due and entries and not self._journal.done(key):
                record = await desk.create("time_entries", "time_entry", entries[0])
                self._journal.write(key, person.name, "booked twice", "the same piece of work", _WHERE, record)

    async def submit(self, today: date, entity: str) -> None:
        """On Fridays: everything that is in no timesheet, one for each project."""
        if today.weekday() != _FRIDAY:
            return
        for person, desk in self._people(entity):
            entries = await self._loose(desk, await desk.me())
            by_project: dict[str, list[Entry]] = defaultdict(list)
            for each in entries:
                by_project[each["workspace_id"]].append(each)
            for project in sorted(by_project, key=int):
                await self._submit(today, person, desk, by_project[project])

    async def _submit(self, today: date, person: Colleague, desk: WorkDesk, entries: Sequence[Entry]) -> None:
        facts = {
            "workspace_id": entries[0]["workspace_id"],
            "line_item_ids": [each["id"] for each in entries],
            "title": f"Week to {today}",
        }
        record = await desk.create("timesheet_submissions", "timesheet_submission", facts)
        minutes = sum(each["time_in_minutes"] for each in entries)
        self._journal.write(
            f"submitted/{record}",
            person.name,
            "submitted",
            f"{len(entries)} entries, {_clock(minutes)} h",
            _WHERE,
            record,
        )

    # -- what they see

    def _people(self, entity: str) -> list[tuple[Colleague, WorkDesk]]:
        return [(each, self._desks[each.number]) for each in self._firm.people if each.entity == entity]

    async def _tasks(self, desk: WorkDesk, day: date) -> list[dict[str, Any]]:
        """Tasks of theirs that can be worked on that day, in the order they were made."""
        me = await desk.me()
        tasks, projects = await desk.all_with("stories", "workspaces", include="assignees,workspace")
        running = {each["id"] for each in projects if _runs(each, day)}
        mine = [
            each
            for each in tasks
            if me in each["assignee_ids"] and each["workspace_id"] in running and _left(each) > 0
            if each["title"] not in BY_APPOINTMENT
        ]
        return sorted(mine, key=lambda each: int(each["id"]))

    async def _loose(self, desk: WorkDesk, me: str) -> list[Entry]:
        """Their entries that are in no timesheet."""
        found = await desk.all("time_entries", with_user_ids=me, in_active_submission="false")
        return [each for each in found if not each["approved"] and not each["is_invoiced"]]

    def _entry(self, task: Mapping[str, Any], day: date, piece: Piece) -> Entry:
        return {
            "workspace_id": task["workspace_id"],
            "story_id": task["id"],
            "date_performed": day.isoformat(),
            "time_in_minutes": piece.minutes,
            "billable": piece.billable,
            "notes": f"{task['title']}: {piece.note}",
        }


def _runs(project: Mapping[str, Any], day: date) -> bool:
    start, end = project["start_date"], project["due_date"]
    held = project["status"]["message"] == _ON_HOLD
    return not held and (not start or start <= day.isoformat()) and (not end or day.isoformat() <= end)


def _left(task: Mapping[str, Any]) -> int:
    """Minutes of the budget that nobody has booked yet; a task without a budget has a whole day left, every day."""
    if not task["time_estimate_in_minutes"]:
        return 8 * 60
    used = (task["logged_billable_time_in_minutes"] or 0) + (task["logged_nonbillable_time_in_minutes"] or 0)
    return task["time_estimate_in_minutes"] - used


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
