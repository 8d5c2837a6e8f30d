"""On which days a firm works: what waits for a person waits in working days, by the calendar of its legal entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from tieout.domain.documents.document import Part
from tieout.domain.limits.settings import DAYS, Day
from tieout.domain.routing import Region

_DAY = timedelta(days=1)


class WorkingCalendar(Part):
    """The working days of some legal entities, or of all that have no calendar of their own."""

    name: str = Field(min_length=1, max_length=100, description="What it is called, such as Germany")
    entities: tuple[str, ...] = Field(default=(), description="The legal entities that work by it")
    regions: tuple[str, ...] = Field(
        default=(), description="Regions under holds whose legal entities work by it, unless one has its own calendar"
    )
    time_zone: str = Field(default="", description="Where its days begin and end; left out, in the firm's time zone")
    working_days: tuple[Day, ...] = Field(
        default=DAYS[:5], min_length=1, description="The weekdays on which people work: mon to sun"
    )
    holidays: dict[date, str] = Field(
        default_factory=dict[date, str], description="Day → the name of the holiday: 2026-12-25: Christmas"
    )


def running_out(calendars: Sequence[WorkingCalendar], today: date) -> list[str]:
    """Calendars that name no holiday after a day, in words: the days to come would all be working days."""
    return [
        f"{each.name} names no holiday after {max(each.holidays)}: write down those of the next year"
        for each in calendars
        if each.holidays and max(each.holidays) <= today
    ]


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """A calendar in its time zone. Moments have a zone; those it returns are in UTC."""

    calendar: WorkingCalendar
    zone: ZoneInfo

    def works(self, day: date) -> bool:
        return DAYS[day.weekday()] in self.calendar.working_days and day not in self.calendar.holidays

    def next(self, day: date) -> date:
        """The first working day after a day."""
        day += _DAY
        while not self.works(day):
            day += _DAY
        return day

    def after(self, moment: datetime, days: int) -> datetime:
        """So many working days later, at the same time of day: Friday 16:00 and one day is Monday 16:00.

        What begins on a day off begins with the next working day: Saturday and one day is the beginning of Tuesday.
        """
        day, hour = self._begins(moment)
        for _ in range(days):
            day = self.next(day)
        return datetime.combine(day, hour, tzinfo=self.zone).astimezone(UTC)

    def later(self, moment: datetime, span: timedelta) -> datetime:
        """The moment when so much time has passed on working days: each of them counts from midnight to midnight."""
        day, hour = self._begins(moment)
        at = datetime.combine(day, hour, tzinfo=self.zone).astimezone(UTC)
        while (ends := self._midnight(day + _DAY)) < at + span:
            span -= ends - at
            day = self.next(day)
            at = self._midnight(day)
        return at + span

    def _begins(self, moment: datetime) -> tuple[date, time]:
        """The working day, and the time of it, from which something counts that begins at a moment."""
        here = moment.astimezone(self.zone)
        return (here.date(), here.time()) if self.works(here.date()) else (self.next(here.date()), time())

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars of a firm; `time_zone` is the firm's own."""

    listed: Sequence[WorkingCalendar]
    regions: Mapping[str, Region]
    time_zone: str

    def of(self, entity: str | None) -> WorkingDays:
        """The entity's own calendar, else that of a region it is in, else the firm's; Monday to Friday where there is none."""
        found = next(iter(self._nearest_first(entity)), WorkingCalendar(name="Monday to Friday"))
        return WorkingDays(found, ZoneInfo(found.time_zone or self.time_zone))

    def _nearest_first(self, entity: str | None) -> list[WorkingCalendar]:
        own = [each for each in self.listed if entity in each.entities]
        regional = [each for each in self.listed if any(entity in self._entities(name) for name in each.regions)]
        general = [each for each in self.listed if not each.entities and not each.regions]
        return [*own, *regional, *general]

    def _entities(self, region: str) -> tuple[str, ...]:
        return self.regions[region].entities if region in self.regions else ()
