"""Time and expenses as they change: swept by their own time stamps, by those of their submissions, and by events.

Nothing is believed but what a line says when it is read: an approval is a hint to read its lines again, an event of
deletion is a hint to see whether the line is still there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from tieout.connectors.contract import Change, Page, Reading
from tieout.connectors.kantata import mapping
from tieout.connectors.kantata.client import Envelope, KantataClient, Row, step
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.people import people
from tieout.connectors.transports.answers import MISSHAPEN
from tieout.domain.documents.document import Document
from tieout.domain.identity import Ref, content_hash
from tieout.domain.mapping import MappingTable
from tieout.domain.money import Money
from tieout.domain.problems import Misconfigured, Transient

_INCLUDE = "user,workspace,active_submission,recent_submission"
_EVERYWHERE = {"from_archived_workspaces": "true", "include": _INCLUDE}
_PAGE = 200
_SUBMISSIONS = 20
_FULL = 200
# Events are generated minutes after the change, and not in its order.
_EVENT_LAG = timedelta(minutes=30)
# Every so many sweeps, events of updates are looked at: there are as many as lines that are approved, and few tell any news.
_SELDOM = 40


@dataclass(frozen=True, slots=True)
class LineKind:
    """What tells time from expenses. `days` filters by its day; `updates` are events of what moves no time stamp."""

    name: str
    collection: str
    subject: str
    submissions: str
    of_submissions: str
    days: str
    deletions: str
    updates: str
    table: MappingTable
    joined: Callable[[Row, Row | None, Row | None, Mapping[str, Row]], Row]
    record_of: Callable[[Row, Mapping[str, Any]], Row]
    worth: Callable[[Mapping[str, Any]], Money | None]
    document: Callable[[Ref, Mapping[str, Any], str], Document]


TIME = LineKind(
    "time_entry", "time_entries", "TimeEntry", "timesheet_submissions", "with_recent_timesheet_ids", "date_performed_between",
    "time_entry:deleted", "", mapping.TIME_ENTRY, mapping.joined, mapping.record_of, mapping.worth, mapping.document,
)  # fmt: skip
# An expense changes without a new time stamp, when its receipt is deleted: only an event tells (T32).
EXPENSES = LineKind(
    "expense", "expenses", "Expense", "expense_report_submissions", "with_recent_expense_report_ids", "date_between",
    "expense:deleted", "expense:updated", mapping.EXPENSE, mapping.joined_expense, mapping.record_of, mapping.claimed,
    mapping.expense,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far each of the lists has been read, and where the sweep stands that is going on: `passed` rows of its list
    have been read, the last of them was `last`. `sweeps` are counted since events of updates were looked at."""

    entries: str = ""
    submissions: str = ""
    events: str = ""
    step: str = "entries"
    offset: int = 0
    mark: str = ""
    pending: tuple[str, ...] | None = None
    passed: int | None = None
    last: str | None = None
    updates: str = ""
    sweeps: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        told: dict[str, Any] = json.loads(text) if text else {}
        pending = told.pop("pending", None)
        return cls(**told, pending=None if pending is None else tuple(pending))

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(slots=True)
class _Found:
    """Changes of a page, each state once."""

    changes: dict[tuple[str, str], Change] = field(default_factory=dict[tuple[str, str], Change])

    def add(self, changes: Iterable[Change]) -> None:
        self.changes |= {(each.ref.id, each.version): each for each in changes}


class Lines:
    """Reads the time entries or the expenses of one account."""

    def __init__(self, kind: LineKind, client: KantataClient, config: KantataConfig) -> None:
        self._kind = kind
        self._client = client
        self._config = config
        self._overlap = timedelta(seconds=config.overlap)
        worked = {kind.days: f"{config.go_live}:9999-12-31"} if config.go_live else {}
        self._ours: Mapping[str, str] = {**_EVERYWHERE, **worked}

    async def changes(self, since: str | None) -> Page:
        """One page of a sweep; the steps of a sweep that finds little fit into one page."""
        cursor, found = Cursor.parse(since), _Found()
        while True:
            match cursor.step:
                case "entries":
                    cursor = await self._sweep_entries(cursor, found)
                case "submissions":
                    cursor = await self._sweep_submissions(cursor, found)
                case _:
                    cursor = await self._sweep_events(cursor, found)
            finished = cursor.step == "entries" and cursor.offset == 0
            if finished or len(found.changes) >= _FULL:
                return Page(list(found.changes.values()), str(cursor), more=not finished)

    async def look(self, ref: Ref) -> Change | None:
        page = await self._client.list(self._kind.collection, only=ref.id, **_EVERYWHERE)
        if page.rows:
            return (await self._told(page))[0]
        if not self._config.events:
            return None
        events = await self._client.all(
            "subscribed_events", subject_type=self._kind.subject, subject_id=ref.id, event_types=self._kind.deletions
        )
        return max((self._deletion(each) for each in _deleted(events)), key=lambda each: each.version, default=None)

    async def read(self, ref: Ref) -> Reading | None:
        page = await self._client.list(self._kind.collection, only=ref.id, **_EVERYWHERE)
        if not page.rows:
            return None
        full, submission = self._joined(page.rows[0], page, await self._people(page))
        values, trail = mapping.values_of(full, self._kind.table)
        version = self._version(page.rows[0], submission, full, values)
        return Reading(self._kind.document(ref, values, version), version, trail)

    # -- the three steps of a sweep

    async def _sweep_entries(self, cursor: Cursor, found: _Found) -> Cursor:
        """In the order of creation, which nothing changes any more: a row that changes meanwhile keeps its place."""
        after = {"updated_after": cursor.entries} if cursor.entries else {}
        page = await self._client.list(
            self._kind.collection, **after, **self._ours, order="created_at:asc", limit=_PAGE, offset=cursor.offset
        )
        if (
            cursor.passed is not None
            and page.rows
            and page.rows[-1]["id"] == cursor.last
            and page.count > cursor.passed
        ):
            # Whoever ignores the offset gives the page before: believing the count alone would leave rows out.
            raise Transient(
                f"{self._client.name} gives the same page of {self._kind.collection} again, after {cursor.passed} of "
                f"{page.count} rows"
            )
        found.add(await self._told(page))
        passed = cursor.offset + len(page.rows)
        last = passed >= page.count or not page.rows
        if cursor.offset == 0:
            # What changes from now on, while further pages are read, belongs to the next sweep.
            mark = max((changed(each, page) for each in page.rows), default="")
            cursor = replace(cursor, mark=mark if last else await self._newest())
        if not last:
            return replace(cursor, offset=cursor.offset + step(page), passed=passed, last=page.rows[-1]["id"])
        cursor = replace(cursor, passed=None, last=None)
        entries = max(cursor.entries, mapping.before(cursor.mark, self._overlap))
        # At the very first, every entry has told its state: only what is approved from now on has to be followed.
        return replace(cursor, entries=entries, submissions=cursor.submissions or entries, step="submissions", offset=0)

    async def _sweep_submissions(self, cursor: Cursor, found: _Found) -> Cursor:
        if cursor.pending is None:
            after = {"updated_after": cursor.submissions} if cursor.submissions else {}
            changed = await self._client.all(self._kind.submissions, **after)
            newest = max((mapping.stamp(each["updated_at"]) for each in changed), default="")
            cursor = replace(
                cursor,
                submissions=max(cursor.submissions, mapping.before(newest, self._overlap)),
                pending=tuple(each["id"] for each in changed),
                mark=max(cursor.mark, newest),
            )
        now, later = (cursor.pending or ())[:_SUBMISSIONS], (cursor.pending or ())[_SUBMISSIONS:]
        if now:
            async for page in self._client.pages(
                self._kind.collection, **{self._kind.of_submissions: ",".join(now)}, **self._ours
            ):
                found.add(await self._told(page))
        return replace(cursor, pending=later) if later else replace(cursor, pending=None, step="events")

    async def _sweep_events(self, cursor: Cursor, found: _Found) -> Cursor:
        done = replace(cursor, step="entries", mark="", sweeps=(cursor.sweeps + 1) % _SELDOM)
        if not self._config.events:
            return done
        events = await self._events(self._kind.deletions, cursor.events)
        kept = await self._look_again(events, found)
        gone = {str(each["subject_id"]): each for each in _deleted(events)}
        found.add(self._deletion(event) for subject, event in gone.items() if subject not in kept)
        if self._kind.updates:
            done = replace(done, updates=await self._sweep_updates(cursor, found))
        return replace(done, events=max(cursor.events, _until(events, cursor.mark)))

    async def _sweep_updates(self, cursor: Cursor, found: _Found) -> str:
        """What an event alone tells; how far that is read. At the very first, everything has just told its state."""
        if not cursor.updates:
            return _until((), cursor.mark)
        if cursor.sweeps:
            return cursor.updates
        events = await self._events(self._kind.updates, cursor.updates)
        await self._look_again(events, found)
        return max(cursor.updates, _until(events, cursor.mark))

    async def _events(self, types: str, since: str) -> list[Row]:
        after = {"created_after": since} if since else {}
        try:
            return await self._client.all("subscribed_events", **after, event_types=types)
        except Misconfigured as refused:
            raise Misconfigured(
                f"{refused}. Without subscribed events deletions are not seen: ask for the add-on and an administrator's "
                "token, or set `events: false`",
                self._client.name,
            ) from refused

    async def _look_again(self, events: Sequence[Row], found: _Found) -> set[str]:
        """Tells what these events are about as it is now; the ids of what is still there."""
        about = {str(each["subject_id"]) for each in events}
        there = await self._client.by_ids(self._kind.collection, about, **_EVERYWHERE)
        found.add(await self._told(there))
        return {each["id"] for each in there.rows}

    async def _newest(self) -> str:
        page = await self._client.list(
            self._kind.collection, order="updated_at:desc", per_page=1, from_archived_workspaces="true"
        )
        return mapping.stamp(page.rows[0]["updated_at"]) if page.rows else ""

    # -- what a row says

    async def _told(self, page: Envelope) -> list[Change]:
        people = await self._people(page)
        return [self._change(each, page, people) for each in page.rows]

    def _change(self, entry: Row, page: Envelope, people: Mapping[str, Row]) -> Change:
        """Time that cannot be understood is told as such, and is no reason to leave the others of its page alone."""
        try:
            return self._understood(entry, page, people)
        except MISSHAPEN as wrong:
            return unreadable(Ref(self._client.name, self._kind.name, str(entry["id"])), entry, page, wrong)

    def _understood(self, entry: Row, page: Envelope, people: Mapping[str, Row]) -> Change:
        full, submission = self._joined(entry, page, people)
        values, _ = mapping.values_of(full, self._kind.table)
        version = self._version(entry, submission, full, values)
        record = {
            **self._kind.record_of(full, values),
            "source_version": version,
            "mapping": self._kind.table.label,
        }
        return Change(Ref(self._client.name, self._kind.name, entry["id"]), version, record, self._kind.worth(values))

    def _version(self, entry: Row, submission: Row | None, full: Row, values: Mapping[str, Any]) -> str:
        return mapping.version_of(entry, submission, self._kind.record_of(full, values))

    def _deletion(self, event: Row) -> Change:
        entry_id = str(event["subject_id"])
        version = mapping.gone(entry_id, event["subject_changed_at"])
        record = {
            "source_id": entry_id,
            "source_version": version,
            "state": "deleted",
            "mapping": self._kind.table.label,
        }
        return Change(Ref(self._client.name, self._kind.name, entry_id), version, record, deleted=True)

    def _joined(self, entry: Row, page: Envelope, people: Mapping[str, Row]) -> tuple[Row, Row | None]:
        submission = self._submission(entry, page)
        return self._kind.joined(
            entry, page.one("workspaces", entry.get("workspace_id")), submission, people
        ), submission

    def _submission(self, entry: Row, page: Envelope) -> Row | None:
        for name in ("active_submission_id", "recent_submission_id"):
            if (found := page.one(self._kind.submissions, entry.get(name))) is not None:
                return found
        return None

    async def _people(self, page: Envelope) -> dict[str, Row]:
        """Owners and approvers by user id. Their personnel numbers are no part of what comes with an entry."""
        ids = {str(each["user_id"]) for each in page.rows if each.get("user_id")}
        ids |= {
            str(one)
            for each in page.rows
            if (one := (self._submission(each, page) or {}).get("current_resolution_creator_id"))
        }
        service = self._config.personnel_service
        known = await people(self._client, ids, service)
        seen: Sequence[Row] = list(page.maps.get("users", {}).values())
        return {each["id"]: mapping.person_of(each, {}, service) for each in seen} | known


def unreadable(ref: Ref, row: Row, page: Envelope, wrong: Exception) -> Change:
    """A record that cannot be understood, with its own words."""
    quote = f"{wrong}; the account says {json.dumps(row, sort_keys=True)}"[:500]
    version = f"{changed(row, page)}#{content_hash(quote)[:16]}"
    return Change(ref, version, {"source_id": ref.id, "source_version": version, "unreadable": quote})


def changed(entry: Row, page: Envelope) -> str:
    """When an entry changed last; where that cannot be read, it counts as the newest of its page."""
    told = _stamp(entry.get("updated_at"))
    return told or max(_stamp(each.get(name)) for each in page.rows for name in ("updated_at", "created_at"))


def _stamp(value: Any) -> str:
    """Empty for what is no moment."""
    try:
        return mapping.stamp(value)
    except MISSHAPEN:
        return ""


def _until(events: Iterable[Row], mark: str) -> str:
    """So far events are read for good."""
    return mapping.before(max([mark, *(mapping.stamp(each["created_at"]) for each in events)]), _EVENT_LAG)


def _deleted(events: Iterable[Row]) -> list[Row]:
    """The events of deletions, in the order of their making."""
    found = (each for each in events if str(each["event_type"]).endswith(":deleted"))
    return sorted(found, key=lambda each: str(each["created_at"]))
