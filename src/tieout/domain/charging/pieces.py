"""What happened, what of it was decided before, and what is still to be decided: per event, in minutes and in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from tieout.domain.money import Money, total

EventKind = Literal["time", "expense", "fee", "usage"]
# What becomes of work: it is billed; it is paid by a fixed fee or by a prepaid block; above a cap it waits, costs nothing or
# is to be written off, which a person then does; nobody has signed for it; it is withheld until the work is accepted.
Fate = Literal[
    "bill", "included", "drawn", "over_cap", "non_billable", "write_off", "written_off", "at_risk", "retained"
]  # fmt: skip
# What stands once it is decided. Everything else is decided anew each time, by the contract of the day.
LASTING: frozenset[Fate] = frozenset(("bill", "drawn", "written_off"))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened and may be charged. `worth` is what the agreed price makes of it, in whole minor units.

    `sold` is the package of the contract that it belongs to, `task` what it was booked on. Time has minutes, a role and the
    agreed rate per hour.
    """

    ref: str
    kind: EventKind
    sold: str
    day: date
    worth: Money
    minutes: int = 0
    rate: Decimal | None = None
    role: str = ""
    task: str = ""

    @property
    def whole(self) -> Decimal | None:
        """What stands for a measurement as a whole, whose parts mean nothing once it is corrected."""
        return self.worth.amount if self.kind == "usage" else None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an event and its fate; negative where something decided before is taken back.

    `worth` is conserved: the pieces of an event sum to what it is worth. `amount` is what goes on an invoice, at `rate` per
    hour for time; it is not zero only for what is billed, and differs from the worth only at an overage rate. `agreed` is
    the rate that makes the worth. `why` names the cap or block that decided. `whole` is what a month of usage was worth in all
    when it was decided: once it is worth something else, it is taken back whole and decided anew.
    """

    ref: str
    kind: EventKind
    sold: str
    day: date
    fate: Fate
    worth: Money
    amount: Money
    minutes: int = 0
    rate: Decimal | None = None
    agreed: Decimal | None = None
    role: str = ""
    task: str = ""
    why: str = ""
    whole: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """What of an event is not decided yet, beside what is."""

    event: Event
    worth: Money
    minutes: int
    kept: tuple[Piece, ...] = ()


def outstanding(
    events: Iterable[Event], decided: Sequence[Piece], untouched: Collection[str] = ()
) -> tuple[list[Open], list[Piece]]:
    """What is to be decided, in the order of the events, and what is to be taken back first.

    What was decided stays as it is while its event is still worth as much at the same rate (T14, T20); of an event that
    shrank, what was decided last is taken back first, and one whose rate or task changed, or usage that was measured anew, is
    taken back whole and decided anew. `untouched` events wait for something else: of them nothing is decided and nothing taken back.
    """
    history: dict[str, list[Piece]] = defaultdict(list)
    for each in decided:
        if each.fate in LASTING and each.ref not in untouched:
            history[each.ref].append(each)
    left: list[Open] = []
    back: list[Piece] = []
    for event in events:
        kept, worth, minutes = list[Piece](), event.worth, event.minutes
        if event.ref in history:  # most of a month was never decided before
            stands = standing(history.pop(event.ref))
            stale = [
                each
                for each in stands
                if (each.agreed, each.sold, each.task, each.whole) != (event.rate, event.sold, event.task, event.whole)
            ]
            back += [reverse(each) for each in stale]
            kept = [each for each in stands if each not in stale]
            worth -= total((each.worth for each in kept), event.worth.currency)
            minutes -= sum(each.minutes for each in kept)
        if minutes < 0 or (not minutes and worth.amount < 0):
            back += _taken_back(kept, -worth, -minutes)
        elif worth or minutes:
            left.append(Open(event, worth, minutes, tuple(kept)))
    for gone in history.values():
        back += [reverse(each) for each in standing(gone)]
    return left, back


def standing(decided: Iterable[Piece]) -> list[Piece]:
    """What still stands of it, in the order in which it was decided first: reversals cancel what they took back."""
    alike: dict[tuple[object, ...], Piece] = {}
    for each in decided:
        key = (each.ref, each.sold, each.task, each.fate, each.rate, each.agreed, each.why, each.whole)
        known = alike.get(key)
        alike[key] = each if known is None else replace(
            known, worth=known.worth + each.worth, amount=known.amount + each.amount, minutes=known.minutes + each.minutes
        )  # fmt: skip
    return [each for each in alike.values() if each.worth or each.amount or each.minutes]


def reverse(piece: Piece) -> Piece:
    return replace(piece, worth=-piece.worth, amount=-piece.amount, minutes=-piece.minutes)


def _taken_back(kept: Sequence[Piece], worth: Money, minutes: int) -> list[Piece]:
    """So much worth and so many minutes of what was decided, the last first."""
    back: list[Piece] = []
    for each in reversed(kept):
        part = Money(max(Decimal(0), min(worth.amount, each.worth.amount)), worth.currency)
        some = max(0, min(minutes, each.minutes))
        if not part and not some:
            continue
        # Billed at an overage rate, the money goes back in the proportion of the worth.
        share = part.amount / each.worth.amount if each.worth else Decimal(1)
        amount = Money(each.amount.amount * share, worth.currency).rounded()
        back.append(reverse(replace(each, worth=part, amount=amount, minutes=some)))
        worth, minutes = worth - part, minutes - some
    return back


def in_order(event: Event) -> tuple[date, str]:
    """Of the work, not of its arrival: shuffled messages give the same books."""
    return event.day, event.ref
