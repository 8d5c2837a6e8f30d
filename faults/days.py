"""The same instants as people see them at both ends of the world's clock, and where an hour is skipped or comes twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from tieout.app import business_day
from tieout.connectors.kantata import mapping
from tieout.domain.firm import Firm
from tieout.engine.run import Calendar, Clock

Today = Callable[[Clock, Callable[[], Firm]], Calendar]
Stamp = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Zone:
    """`winter` and `summer` are hours ahead of UTC; summer lasts `during` these instants, written down here once more."""

    name: str
    winter: float
    summer: float = 0.0
    during: tuple[datetime, datetime] | None = None

    def shown(self, instant: datetime) -> datetime:
        summer = self.during is not None and self.during[0] <= instant < self.during[1]
        return instant.astimezone(timezone(timedelta(hours=self.summer if summer else self.winter)))


def _utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


ZONES = (
    Zone("UTC", 0),
    Zone("Pacific/Kiritimati", 14),
    Zone("Etc/GMT+12", -12),
    Zone("America/New_York", -5, -4, (_utc(3, 8, 7), _utc(11, 1, 6))),
    Zone("Europe/Berlin", 1, 2, (_utc(3, 29, 1), _utc(10, 25, 1))),
)
# So long around each month's end in UTC, which is its end everywhere, and around the changes to and from summer time.
_STEP, _AROUND = timedelta(minutes=7), timedelta(hours=15)


def instants() -> Sequence[datetime]:
    """In their order, each once."""
    ends = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)]
    changes = [each for zone in ZONES for each in zone.during or ()]
    steps = range(-(_AROUND // _STEP), _AROUND // _STEP + 1)
    return sorted({centre + step * _STEP for centre in (*ends, *changes) for step in steps})


def judged(today: Today = business_day, stamp: Stamp = mapping.stamp) -> tuple[int, list[str]]:
    """How many instants were seen, and what was wrong: another day or month than on the firm's own walls, or an order of
    two states that is not that in which they came."""
    seen, wrong = 0, list[str]()
    for zone in ZONES:
        firm = Firm.model_construct(name="Kestrel", time_zone=zone.name)
        before = ""
        for instant in instants():
            seen += 1
            told = today(lambda at=instant: at, lambda here=firm: here)()
            wrong += _another_day(zone, instant, told)
            now = stamp(zone.shown(instant).isoformat(timespec="seconds"))
            if now <= before:
                wrong.append(f"{zone.name}: what changed at {instant} is not after {before}")
            before = now
    return seen, wrong


def _another_day(zone: Zone, instant: datetime, told: date) -> Sequence[str]:
    wanted = zone.shown(instant).date()
    return () if told == wanted else [f"{zone.name}: at {instant} it is {wanted}, not {told}"]


def saboteurs() -> dict[str, bool]:
    """Which of the known bugs are noticed."""
    return {
        "today is the day in UTC": bool(judged(today=lambda clock, firm: lambda: clock().date())[1]),
        "states are ordered as the account shows their time": bool(judged(stamp=lambda shown: shown)[1]),
    }
