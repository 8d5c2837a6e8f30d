"""How fast one system may be called, learned from its answers: one pace for all workers, a pure function of what was heard.

Rate and concurrency are each a limit that is found out (`learned`). Who is refused half of its calls right after a cut was far
above it, and comes down by a quarter, though not below what the system has just carried out. Who is refused everything for a
while has met a system that counts by longer times: what it carried out until it answered again, silence included, is then its
rate. Moments are seconds of one clock, the database's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tieout.domain.limits.learned import Learned

# What was sent before a cut may still be refused, and is the same refusal; after so many seconds it counts for lost.
_REACTION = 1.0
# Who is refused half of its calls within that time, or so soon after a pause, was far above the limit.
_FAR_ABOVE = 0.8
# Nothing is concluded from fewer seconds.
_LEAST_USED = 0.5
# The longest that calls are kept back for saving up, and the fewest that are: a pause is not made good by a burst, but one call
# is kept for persons while another waits for its turn.
_BURST, _FEWEST = 0.2, 2.0
# A system that takes so many calls at once has one place kept for persons: behind arrays that take seconds each they would wait
# for as long.
_WIDE = 12
# Without `Retry-After`, a system that refuses everything is left alone for so long, doubled each time.
_PAUSE, _LONGEST_PAUSE = 0.25, 60.0
_LONGEST_WISH = 3600.0
# A system that has refused everything so often, one call at a time, counts by longer times than a second.
_SILENCE = 3
_MINUTE, _PIECE = 60, 5


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
    was used, `persons` those that persons asked for, by the same pieces; `echo` are the answers that are still to come of calls
    that began before it was cut; `busy` says that calls were under way or waited when it was last asked for, `used` for how long
    until then. `silence` is what was carried out in the minute before it began to refuse everything (calls, the seconds in which
    it was used, the moment).
    """

    rate: Learned = field(default_factory=lambda: Learned(25.0))
    at_once: Learned = field(default_factory=lambda: Learned(64.0))
    room: float = 5.0
    at: float = 0.0
    cut_at: float = -_REACTION
    echo: int = 0
    accepted_at: float = 0.0
    quiet_until: float = 0.0
    strikes: int = 0
    budget: Budget | None = None
    taken: tuple[tuple[int, int, float], ...] = ()
    persons: tuple[tuple[int, int], ...] = ()
    busy: bool = False
    used: float = 0.0
    silence: tuple[int, float, float] | None = None


def per_second(pace: Pace, rule: Rule) -> float:
    """The allowed rate now. What the firm says is believed until the first refusal, and never exceeded after it."""
    if rule.per_second is None:
        return pace.rate.value
    return min(pace.rate.value, rule.per_second) if pace.rate.ceiling else rule.per_second


def at_once(pace: Pace, rule: Rule) -> int:
    learned = max(int(pace.at_once.value), 1)
    return min(learned, rule.at_once) if rule.at_once else learned


def heard(pace: Pace, rule: Rule, told: Heard, in_flight: int, now: float) -> Pace:
    """The pace after some answers. `in_flight` is how many calls were under way when they were given."""
    again = told.refused >= told.accepted and now - max(pace.cut_at, pace.quiet_until) < _REACTION
    if told.budget is not None:
        pace = replace(pace, budget=Budget(*told.budget, now))
    if told.accepted:
        pace = _carried_out(pace, rule, told.accepted, now)
    late = pace.echo if now - pace.cut_at < _REACTION else 0
    pace = replace(pace, echo=max(late - told.accepted - told.refused, 0))
    if told.refused == 0:
        return pace
    if told.wait is not None:
        pace = replace(pace, quiet_until=max(pace.quiet_until, now + min(told.wait, _LONGEST_WISH)))
    if told.refused <= late or (pace.strikes and now < pace.quiet_until):
        return pace
    asked, pace = pace.strikes > 0, replace(pace, echo=max(in_flight - told.accepted - told.refused, 0))
    if pace.accepted_at < pace.cut_at:
        pace = _struck(pace, told, now)
    if asked:
        return replace(pace, cut_at=now)  # the one call that asked says that the silence lasts, and nothing of the rate
    if told.crowded:
        at = min(max(in_flight, 1), pace.at_once.value)
        return replace(pace, at_once=pace.at_once.cut(at), cut_at=now)
    return _cut(pace, rule, now, again=again)


def _carried_out(pace: Pace, rule: Rule, accepted: int, now: float) -> Pace:
    pace = replace(pace, taken=_counted(pace, accepted, 0.0, now))
    if pace.silence is not None and pace.strikes >= _SILENCE:
        calls, busy, since = pace.silence
        took = calls / max(busy + now - since, _LEAST_USED)
        pace = replace(pace, rate=pace.rate.cut(min(took, per_second(pace, rule))))
    return replace(pace, strikes=0, silence=None, accepted_at=now)


def _struck(pace: Pace, told: Heard, now: float) -> Pace:
    """Nothing was carried out since the last refusal: one call will ask, after a while, whether that is over."""
    pause = min(_PAUSE * 2**pace.strikes, _LONGEST_PAUSE)
    if pace.strikes == 0 and not told.down and not told.crowded:
        minute = _counted(pace, 0, 0.0, now)
        pace = replace(pace, silence=(sum(n for _, n, _ in minute), sum(busy for _, _, busy in minute), now))
    return replace(pace, strikes=pace.strikes + 1, quiet_until=max(pace.quiet_until, now + pause))


def _cut(pace: Pace, rule: Rule, now: float, *, again: bool) -> Pace:
    """A limit stated too high is cut from what is stated, whatever had been learned before."""
    at = per_second(pace, rule)
    if again:
        at = min(at, max(_FAR_ABOVE * at, _lately(pace, now)))
    return replace(pace, rate=pace.rate.cut(at), room=0.0, cut_at=now)


def _lately(pace: Pace, now: float) -> float:
    """Calls per second that were carried out in the last five to ten seconds, while there was something to call for."""
    pieces = [(n, busy) for piece, n, busy in pace.taken if piece >= int(now // _PIECE) - 1]
    return sum(n for n, _ in pieces) / max(sum(busy for _, busy in pieces), _LEAST_USED)


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


def asked_for(pace: Pace, calls: int, now: float) -> Pace:
    """Persons have asked for so many calls."""
    if not calls:
        return pace
    piece = int(now // _PIECE)
    pieces = {each: n for each, n in pace.persons if each > piece - _MINUTE // _PIECE}
    pieces[piece] = pieces.get(piece, 0) + calls
    return replace(pace, persons=tuple(pieces.items()))


def for_persons(pace: Pace, now: float) -> float:
    """Calls per second that persons asked for in the last minute, or since the system was first used in it."""
    piece = int(now // _PIECE)
    pieces = [each for each, *_ in (*pace.taken, *pace.persons) if piece - _MINUTE // _PIECE <= each < piece]
    calls = sum(n for each, n in pace.persons if each in pieces)
    return calls / (_PIECE * (piece - min(pieces))) if pieces else 0.0


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
    return max(per_second(pace, rule) * _BURST, _FEWEST)


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
        return max(int(_most(pace, rule) / 4), 1)
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
