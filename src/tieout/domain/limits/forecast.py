"""When what waits for a system will be done: by its speed, its hours, and what is left of its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tieout.domain.limits.settings import LANES, Lane, LimitSettings
from tieout.domain.limits.turns import WEIGHTS

_DAY = 86_400.0
# Nobody plans further than this.
_FURTHEST = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Load:
    """Work that waits for a system: its lane, its lines as the business counts them, and the calls that they will take."""

    lane: Lane
    lines: int
    calls: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Calls per second that the system is known to take at the share of this hour. `left` and `day` are calls of a daily
    budget, ours alone: what may still be made, and what may be made in 24 hours; None where there is no such limit. `persons` are
    calls per second that persons go on asking for beside what waits."""

    per_second: float
    left: int | None = None
    day: int | None = None
    persons: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """`working` is how long calls will be made, `ends` when the last is; None when that is more than a week away."""

    lines: int
    calls: int
    working: timedelta
    ends: datetime | None


def forecast(loads: Sequence[Load], speed: Speed, settings: LimitSettings, now: datetime) -> Forecast:
    """What waits in all. `now` is in the firm's time zone, and so is the end."""
    lines, calls = sum(each.lines for each in loads), sum(each.calls for each in loads)
    left: dict[Lane, float] = {
        lane: total for lane in LANES if (total := sum(each.calls for each in loads if each.lane == lane))
    }
    moment, working, made = now, 0.0, 0.0
    for edge in [*settings.edges(now), now + _FURTHEST]:
        while left and moment < edge:
            allowed: list[Lane] = [lane for lane in left if lane in settings.lanes_at(moment)]
            if not allowed:
                break
            rate, most = _rate(speed, settings, now, moment, made)
            part = _beside_persons(speed, rate, allowed)
            rate, most = rate * part, most * part
            seconds = min((edge - moment).total_seconds(), most / rate, *_until_done(left, allowed, rate))
            for lane in allowed:
                left[lane] -= seconds * rate * _part(lane, allowed)
            left = {lane: n for lane, n in left.items() if n > 1e-6}
            made, working, moment = made + seconds * rate, working + seconds, moment + timedelta(seconds=seconds)
        if not left:
            return Forecast(lines, round(calls), timedelta(seconds=working), moment)
        moment = max(edge, moment)
    return Forecast(lines, round(calls), timedelta(seconds=working), None)


def _rate(speed: Speed, settings: LimitSettings, now: datetime, moment: datetime, made: float) -> tuple[float, float]:
    """Calls per second at a moment, and for how many calls that stays so."""
    rate = speed.per_second
    if settings.per_second is not None or settings.concurrency is not None:
        rate *= settings.share_at(moment) / settings.share_at(now)
    if settings.per_second is not None:
        rate = min(rate, settings.per_second * settings.share_at(moment))
    if speed.left is None or speed.day is None:
        return rate, float("inf")
    rest = speed.left - made
    return (rate, rest) if rest > 1e-6 else (min(rate, max(speed.day, 1) / _DAY), float("inf"))


def _beside_persons(speed: Speed, rate: float, allowed: Sequence[Lane]) -> float:
    """The part of a rate that is for what waits: persons take the rest, at most as much as their lane weighs."""
    if "interactive" in allowed:
        return 1.0  # what they ask for is among what waits
    return max(1 - speed.persons / rate, 1 - _part("interactive", ["interactive", *allowed]))


def _until_done(left: Mapping[Lane, float], allowed: Sequence[Lane], rate: float) -> list[float]:
    return [left[lane] / (rate * _part(lane, allowed)) for lane in allowed]


def _part(lane: Lane, allowed: Sequence[Lane]) -> float:
    return WEIGHTS[lane] / sum(WEIGHTS[each] for each in allowed)


def told(found: Forecast, now: datetime) -> str:
    """A forecast in words: 41,200 lines, 3 h 10 min at its limit, ends 21:40."""
    lines = f"{found.lines:,} {'line' if found.lines == 1 else 'lines'}"
    if found.ends is None:
        return f"{lines}, more than a week at its limit and in its hours"
    day = "" if found.ends.date() == now.date() else f"{found.ends:%a} "
    return f"{lines}, {_duration(found.working)} at its limit, ends {day}{found.ends:%H:%M}"


def _duration(time: timedelta) -> str:
    if time < timedelta(minutes=1):
        return "less than a minute"
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes or not hours else [])])
