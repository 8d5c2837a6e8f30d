"""What a firm says of a system's limits: the vendor's figures, the hub's own share of them, and when which work may call."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from tieout.domain.documents.document import Part

# Most pressing first. A person waits for `interactive`; `billing` is what this month's invoices need; `master` is customers,
# projects and what others show; `backfill` is everything that was there before.
Lane = Literal["interactive", "billing", "master", "backfill"]
LANES: tuple[Lane, ...] = ("interactive", "billing", "master", "backfill")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(Part):
    """Hours in which only some of the work may call. Without lanes it is a blackout."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1, description="The days on which it begins: mon to sun")
    begins: time = Field(description="When it begins in the firm's time zone, such as 08:00")
    ends: time = Field(description="When it ends; before `begins` it ends the next day, the same means a whole day")
    lanes: tuple[Lane, ...] = Field(
        default=LANES,
        description="Which work may call: interactive, billing, master, backfill; an empty list is a blackout",
    )
    share: float | None = Field(
        default=None, gt=0, le=1, description="The hub's share in these hours instead of its usual one"
    )

    @field_validator("begins", "ends", mode="after")
    @classmethod
    def _without_zone(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("the hours are the firm's own: leave the zone out")
        return value

    def covers(self, moment: datetime) -> bool:
        """Whether a moment, in the firm's time zone, lies in it."""
        now, today = moment.time().replace(tzinfo=None), DAYS[moment.weekday()]
        yesterday = DAYS[moment.weekday() - 1]
        if self.begins < self.ends:
            return today in self.days and self.begins <= now < self.ends
        return (today in self.days and now >= self.begins) or (yesterday in self.days and now < self.ends)


class LimitSettings(Part):
    """The limits of one connection. What is left out is learned from the system's answers."""

    share: float = Field(
        default=0.8, gt=0, le=1, description="The part of the vendor's limits that the hub uses, above 0 and at most 1"
    )
    per_second: float | None = Field(default=None, gt=0, description="Calls per second that the vendor allows in all")
    per_day: int | None = Field(
        default=None,
        ge=1,
        description="Calls per 24 hours that the vendor allows in all, where it does not report them itself",
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="Calls at the same time that the vendor allows in all; an ERP gets so many batches at once, our share of them",
    )
    backlog: int = Field(
        default=500_000,
        ge=1,
        description="When so many lines wait for the system, sources of what leads to it are read later",
    )
    windows: tuple[Window, ...] = Field(
        default=(), description="Hours with other rules; of several the first that covers a moment counts"
    )

    def window(self, moment: datetime) -> Window | None:
        return next((each for each in self.windows if each.covers(moment)), None)

    def lanes_at(self, moment: datetime) -> tuple[Lane, ...]:
        """Which work may call at a moment in the firm's time zone."""
        found = self.window(moment)
        return LANES if found is None else found.lanes

    def opens(self, lane: Lane, moment: datetime) -> datetime:
        """When a lane may call next; the moment itself when it may call now."""
        return next(each for each in [moment, *self.edges(moment)] if lane in self.lanes_at(each))

    def edges(self, moment: datetime) -> list[datetime]:
        """The moments of the next eight days at which other rules may begin, in order."""
        days = [moment.date() + timedelta(days=n) for n in range(9)]
        clock = {at for each in self.windows for at in (each.begins, each.ends)}
        return sorted(
            at for day in days for each in clock if (at := datetime.combine(day, each, moment.tzinfo)) > moment
        )

    def share_at(self, moment: datetime) -> float:
        found = self.window(moment)
        return self.share if found is None or found.share is None else found.share

    def at_once_at(self, moment: datetime) -> int | None:
        """Our calls that may be under way at once at a moment, at least one; None where the firm does not say."""
        return self.concurrency and max(int(self.concurrency * self.share_at(moment)), 1)

    def never(self) -> list[Lane]:
        """Lanes that no quarter of an hour of the week allows."""
        week = [datetime(2026, 1, 5 + day, at // 4, at % 4 * 15, tzinfo=UTC) for day in range(7) for at in range(96)]
        allowed = {lane for each in week for lane in self.lanes_at(each)}
        return [each for each in LANES if each not in allowed]

    @model_validator(mode="after")
    def _all_work_is_done_some_day(self) -> LimitSettings:
        if self.windows and self.never():
            raise ValueError(f"no hour of the week allows {', '.join(self.never())}: that work would wait for ever")
        return self
