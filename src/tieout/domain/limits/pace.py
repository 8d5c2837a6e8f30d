"""How fast one system may be called, learned from its answers: one pace for all workers, a pure function of what was heard.

Rate and concurrency are each a limit that nobody knows. Each is found as CUBIC finds the width of a line: it doubles until
the first refusal; a refusal cuts it to 85 %, from where it comes back to just below the limit, stays there, and then tries
for more. Who is refused again at once was far above it, and comes down by a third. Moments are seconds of one clock, the database's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_CUT = 0.85
# Seconds of full use from a cut until the limit is reached again.
_BACK = 25.0
# What was sent before a cut may still be refused, and is the same refusal; after so many seconds it counts for lost.
_REACTION = 1.0
_FAR_ABOVE = 0.8
# The longest that calls are kept back for saving up: a pause is not made good by a burst.
_BURST = 0.2
# A system that takes so many calls at once has one place kept for persons: behind arrays that take seconds each they would wait
# for as long.
_WIDE = 12
# Without `Retry-After`, a system that refuses everything is left alone for so long, doubled each time.
_PAUSE, _LONGEST_PAUSE = 0.25, 60.0
_LONGEST_WISH = 3600.0
# A system that has refused everything so often, one call at a time, counts by the minute: what it took in one is its limit.
_BY_THE_MINUTE = 3
_MINUTE, _PIECE = 60, 5


@dataclass(frozen=True, slots=True)
class Learned:
    """A limit that is found out: `ceiling` is where the last refusal was, `used` for how many seconds it was fully used since."""

    start: float
    ceiling: float = 0.0
    used: float = 0.0

    @property
    def value(self) -> float:
        if self.ceiling == 0.0:
            return self.start * 2 ** min(self.used, 6.0)
        return self.ceiling * min(1 + (1 - _CUT) * (self.used / _BACK - 1) ** 3, 4.0)

    def cut(self, at: float) -> Learned:
        """A refusal came at this use of it."""
        return Learned(self.start, max(min(at, self.value), 0.02), 0.0)

    def full(self, seconds: float) -> Learned:
        return replace(self, used=self.used + seconds)


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls of a period as the system told it last: everybody's, not ours alone."""

    used: int
    limit: int
    at: float


@dataclass(frozen=True, slots=True)
class Rule:
    """What may not be exceeded whatever was learned: calls per second, at once, and of a reported budget (a part of 1)."""

    per_second: float | None = None
    at_once: int | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the system answered since it was last told: calls carried out and refused, the longest wait that it asked for.

    `crowded` says that it complained of too many calls at once, not of too many in a time; `down` that it refused for another
    reason than a limit.
    """

    accepted: int = 0
    refused: int = 0
    wait: float | None = None
    crowded: bool = False
    down: bool = False
    budget: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one system. `room` are calls that may begin now; `quiet_until` is when anybody may call again.

    `taken` are the calls that it carried out in the last minute, by pieces of five seconds, each with the seconds in which it
    was used; `echo` are the answers that are still to come of calls that began before it was cut; `busy` says that calls were
    under way or waited when it was last asked for, `used` for how long until then.
    """

    rate: Learned = field(default_factory=lambda: Learned(100.0))
    at_once: Learned = field(default_factory=lambda: Learned(64.0))
    room: float = 10.0
    at: float = 0.0
    cut_at: float = -_REACTION
    echo: int = 0
    accepted_at: float = 0.0
    quiet_until: float = 0.0
    strikes: int = 0
    budget: Budget | None = None
    taken: tuple[tuple[int, int, float], ...] = ()
    busy: bool = False
    used: float = 0.0


def per_second(pace: Pace, rule: Rule) -> float:
    """The allowed rate now."""
    return min(pace.rate.value, rule.per_second) if rule.per_second else pace.rate.value


def at_once(pace: Pace, rule: Rule) -> int:
    learned = max(int(pace.at_once.value), 1)
    return min(learned, rule.at_once) if rule.at_once else learned


def heard(pace: Pace, told: Heard, in_flight: int, now: float) -> Pace:
    """The pace after some answers. `in_flight` is how many calls were under way when they were given."""
    if told.budget is not None:
        pace = replace(pace, budget=Budget(*told.budget, now))
    if told.accepted:
        pace = replace(pace, strikes=0, accepted_at=now, taken=_counted(pace, told.accepted, 0.0, now))
    late = pace.echo if now - pace.cut_at < _REACTION else 0
    pace = replace(pace, echo=max(late - told.accepted - told.refused, 0))
    if told.refused == 0:
        return pace
    if told.wait is not None:
        pace = replace(pace, quiet_until=max(pace.quiet_until, now + min(told.wait, _LONGEST_WISH)))
    if told.refused <= late or (pace.strikes and now < pace.quiet_until):
        return pace
    pace, again = replace(pace, echo=max(in_flight - told.accepted - told.refused, 0)), now - pace.cut_at < _REACTION
    if pace.accepted_at < pace.cut_at:
        pause = min(_PAUSE * 2**pace.strikes, _LONGEST_PAUSE)
        pace = replace(pace, strikes=pace.strikes + 1, quiet_until=max(pace.quiet_until, now + pause))
    if told.crowded:
        return replace(pace, at_once=pace.at_once.cut(max(in_flight, 1)), cut_at=now)
    at = pace.rate.value * (_FAR_ABOVE if again else 1.0)
    if pace.strikes == _BY_THE_MINUTE and not told.down:
        at = sum(n for _, n, _ in _counted(pace, 0, 0.0, now)) / _MINUTE
    return replace(pace, rate=pace.rate.cut(at), room=0.0, cut_at=now)


def _counted(pace: Pace, accepted: int, busy: float, now: float) -> tuple[tuple[int, int, float], ...]:
    """What was carried out in the last minute, and this."""
    piece = int(now // _PIECE)
    pieces = {each: (n, seconds) for each, n, seconds in pace.taken if each > piece - _MINUTE // _PIECE}
    n, seconds = pieces.get(piece, (0, 0.0))
    pieces[piece] = (n + accepted, seconds + busy)
    return tuple((each, n, seconds) for each, (n, seconds) in pieces.items())


def measured(pace: Pace, now: float) -> float | None:
    """Calls per second in the last minute, while there was something to call for; None when that was too short to tell."""
    pieces = [(n, busy) for piece, n, busy in pace.taken if piece < int(now // _PIECE)]
    calls, busy = sum(n for n, _ in pieces), sum(busy for _, busy in pieces)
    return calls / busy if busy >= _PIECE and calls else None


def refilled(pace: Pace, rule: Rule, waiting: int, in_flight: int, now: float) -> Pace:
    """Time has passed. What was fully used, because calls waited for it, is tried a little wider."""
    if pace.at == 0.0 or now < pace.at:
        return replace(pace, at=now)
    passed, quiet = now - pace.at, now < pace.quiet_until
    used = min(passed, 1.0) if pace.busy else 0.0
    pace = replace(pace, taken=_counted(pace, 0, used, now), used=used)
    room = 0.0 if quiet else min(pace.room + passed * per_second(pace, rule), _most(pace, rule))
    free = at_once(pace, rule) - in_flight
    if not quiet and pace.strikes == 0:
        wide = min(passed, 1.0)
        if waiting > room and (rule.per_second is None or pace.rate.value < rule.per_second):
            pace = replace(pace, rate=pace.rate.full(wide))
        if waiting > free and (rule.at_once is None or pace.at_once.value < rule.at_once):
            pace = replace(pace, at_once=pace.at_once.full(wide))
    return replace(pace, room=room, at=now)


def _most(pace: Pace, rule: Rule) -> float:
    """The most calls that are kept back for saving up."""
    return max(per_second(pace, rule) * _BURST, 1.0)


def allowance(pace: Pace, rule: Rule, in_flight: int, now: float) -> int:
    """How many calls may begin now. A system that has just refused everything is asked by one call first."""
    if now < pace.quiet_until:
        return 0
    if pace.strikes:
        return 1 if in_flight == 0 else 0
    return max(min(int(pace.room + 1e-9), at_once(pace, rule) - in_flight), 0)


def saved_up(pace: Pace, rule: Rule, in_flight: int) -> int:
    """How many of the calls that may begin now are kept for persons, so that they find some while others want all of them."""
    if pace.strikes:
        return 0  # the one call that asks whether it works again is anybody's
    wide = at_once(pace, rule)
    if pace.room <= wide - in_flight:
        return int(_most(pace, rule) / 4)
    return max(wide // 20, int(wide >= _WIDE))


def left(pace: Pace, rule: Rule) -> int | None:
    """Calls that our share of the reported budget still allows; None where the system reports none."""
    if pace.budget is None:
        return None
    return max(int(pace.budget.limit * rule.share) - pace.budget.used, 0)


def returned(pace: Pace, calls: int) -> Pace:
    """Calls that had leave were not made."""
    budget = pace.budget and replace(pace.budget, used=max(pace.budget.used - calls, 0))
    return replace(pace, room=pace.room + calls, budget=budget)


def begun(pace: Pace, calls: int, now: float) -> Pace:
    """Calls have begun; what the system reports of its budget comes with their answers, and until then they are counted here."""
    if not calls:
        return pace
    budget = pace.budget and replace(pace.budget, used=pace.budget.used + calls, at=now)
    return replace(pace, room=max(pace.room - calls, 0.0), budget=budget)
