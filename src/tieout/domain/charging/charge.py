"""The decision: what becomes of everything that happened under a contract, given what was decided before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tieout.domain.charging.blocks import Blocks
from tieout.domain.charging.pieces import Event, Fate, Open, Piece, in_order, outstanding, standing
from tieout.domain.charging.room import Room, Used
from tieout.domain.documents.terms import Cap, FixedTerms, RetainerTerms, Sold
from tieout.domain.money import Money, total
from tieout.domain.rating import Stretch, entry_amount

_OVER: Mapping[str, Fate] = {"hold": "over_cap", "non_billable": "non_billable", "write_off": "write_off"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a version of the contract says: its packages by id, its caps, which fixed fees have released their retainage.

    `shared` are caps that span other engagements, too, whatever the version; `elsewhere` is what is billed there beneath each.
    It is in force from a day on; `before` was until then.
    """

    currency: str
    sold: Mapping[str, Sold]
    caps: tuple[Cap, ...] = ()
    shared: tuple[Cap, ...] = ()
    released: frozenset[str] = frozenset()
    elsewhere: Mapping[str, Used] = field(default_factory=dict[str, Used])
    version: int = 0
    effective_from: date = date.min
    before: Agreement | None = None

    def on(self, day: date) -> Agreement:
        """The version in force on a day; the first one for what was done before it began."""
        return self if self.before is None or self.effective_from <= day else self.before.on(day)

    @property
    def limits(self) -> tuple[Cap, ...]:
        return (*self.caps, *self.shared)

    def versions(self) -> Iterator[Agreement]:
        """The newest first."""
        yield self
        if self.before is not None:
            yield from self.before.versions()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another engagement beneath some of the shared caps (`beneath`, by key): what is open there takes its turn, too."""

    agreement: Agreement
    events: Sequence[Event]
    decided: Sequence[Piece]
    untouched: Collection[str]
    beneath: frozenset[str]


def charge(
    agreement: Agreement,
    events: Iterable[Event],
    decided: Sequence[Piece],
    *,
    untouched: Collection[str] = (),
    beside: Sequence[Neighbour] = (),
    sabotage: frozenset[str] = frozenset(),
) -> list[Piece]:
    """New pieces, which with those decided before make up the worth of every event, to the minor unit.

    Corrections come first and give room back; then the work in its own order, whatever the order of its arrival. What is
    billed never exceeds a cap (`Cap`), what is drawn never exceeds a block, and asking again after the pieces were decided
    finds nothing. `untouched` are refs of events that wait for something else: what was decided of them stands and counts.
    Each event is judged by the version in force on its day (T34); the limits of later versions hold for it, too.
    Beneath a shared cap the work of all engagements goes in the order of the work, so that it does not matter which of them
    is asked first; room that another one is about to give back is not used before it has.
    Sources: domain.md T13 to T20 and T34 to T41.
    """
    caps, newest = "no_caps" not in sabotage, "newest_version" in sabotage
    decided = () if "no_memory" in sabotage else decided
    ordered = list(events) if "by_arrival" in sabotage else sorted(events, key=in_order)
    left, back = outstanding(ordered, decided, untouched)
    stands = standing([*decided, *back])
    room = Room.under(agreement.shared if caps else (), agreement.elsewhere, stands)
    mine = _Contract(_in_force(agreement, stands, caps=caps), room)
    queue = [(each, mine) for each in left]
    for each in () if "alone" in sabotage else beside:
        theirs, _ = outstanding(sorted(each.events, key=in_order), each.decided, each.untouched)
        contract = _Contract(_in_force(each.agreement, standing(each.decided), caps=caps), room.of(each.beneath))
        queue += [(one, contract) for one in theirs]
    if beside and "by_arrival" not in sabotage:
        queue.sort(key=lambda one: in_order(one[0].event))
    found = list(back)
    for each, contract in queue:
        pieces = contract.decide(each, newest=newest)
        found += pieces if contract is mine else ()
    return found


@dataclass(frozen=True, slots=True)
class _Contract:
    """One contract while it is decided: its versions, the newest first, and the room that it shares with others."""

    versions: Sequence[_InForce]
    shared: Room

    def decide(self, each: Open, *, newest: bool) -> list[Piece]:
        """The pieces of what is open of an event, which take their room."""
        day = each.event.day
        place = 0 if newest else next(n for n, one in enumerate(self.versions) if one.since <= day)
        judge, newer = self.versions[place], self.versions[: place + 1]
        found: list[Piece] = []
        for part in _decide(judge.agreement, each, judge.blocks):
            for piece in _beneath(part, [*(one.room for one in newer), self.shared]):
                for other in self.versions:
                    other.count(piece, drawn=other is judge)
                self.shared.take(piece)
                found.append(piece)
        return found


@dataclass(frozen=True, slots=True)
class _InForce:
    """A version with what is left beneath its caps and in its blocks. Its caps know nothing of work from `until` on."""

    agreement: Agreement
    until: date
    room: Room
    blocks: Mapping[str, Blocks]

    @property
    def since(self) -> date:
        return self.agreement.effective_from if self.agreement.before else date.min

    def count(self, piece: Piece, *, drawn: bool) -> None:
        if piece.day < self.until:
            self.room.take(piece)
        if not drawn and piece.sold in self.blocks:
            self.blocks[piece.sold].take(piece)


def _in_force(agreement: Agreement, stands: Sequence[Piece], *, caps: bool) -> list[_InForce]:
    """The newest first."""
    found: list[_InForce] = []
    until = date.max
    for each in agreement.versions():
        room = Room.under(each.caps if caps else (), each.elsewhere, [one for one in stands if one.day < until])
        blocks = {
            sold.id: Blocks.of(sold.terms, [one for one in stands if one.sold == sold.id])
            for sold in each.sold.values()
            if isinstance(sold.terms, RetainerTerms)
        }
        found.append(_InForce(each, until, room, blocks))
        until = each.effective_from
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece before any cap, with what makes its amount and its worth where it is time."""

    piece: Piece
    amounts: Stretch | None = None
    worths: Stretch | None = None


def _decide(agreement: Agreement, open_: Open, blocks: Mapping[str, Blocks]) -> Iterator[_Part]:
    """What the terms of its package make of it."""
    event, nothing = open_.event, Money.zero(agreement.currency)
    whole = Piece(
        event.ref, event.kind, event.sold, event.day, "bill", open_.worth, open_.worth, open_.minutes, event.rate,
        event.rate, event.role, event.task, whole=event.whole,
    )  # fmt: skip
    time = _stretch(open_)
    sold = agreement.sold.get(event.sold)
    if sold is None:
        yield _Part(replace(whole, fate="at_risk", amount=nothing))
        return
    match sold.terms:
        case FixedTerms() if event.kind == "time":
            yield _Part(replace(whole, fate="included", amount=nothing))
        case FixedTerms(retainage=withheld) if event.kind == "fee" and withheld and sold.id not in agreement.released:
            kept = min((event.worth * withheld).rounded(), open_.worth, key=lambda each: each.amount)
            yield _Part(replace(whole, fate="retained", worth=kept, amount=nothing))
            if open_.worth != kept:
                yield _Part(replace(whole, worth=open_.worth - kept, amount=open_.worth - kept))
        case FixedTerms(retainage=withheld) if event.kind == "fee" and withheld:
            yield from _released(whole, open_, withheld)
        case RetainerTerms() as terms if time is not None:
            yield from _drawn(whole, open_, time, terms, blocks[sold.id])
        case _:
            yield _Part(whole, time, time)


def _released(whole: Piece, open_: Open, withheld: Decimal) -> Iterator[_Part]:
    """What was withheld of an instalment that is billed already stands apart, under its own name (T39)."""
    event, before = open_.event, [each.why for each in open_.kept]
    late = (
        (event.worth * withheld).rounded() if "" in before and "retainage" not in before else event.worth - event.worth
    )
    kept = min(late, open_.worth, key=lambda each: each.amount)
    if kept:
        yield _Part(replace(whole, worth=kept, amount=kept, why="retainage"))
    if open_.worth != kept:
        yield _Part(replace(whole, worth=open_.worth - kept, amount=open_.worth - kept))


def _stretch(open_: Open) -> Stretch | None:
    """The minutes that are left of an entry, after those that are decided."""
    event = open_.event
    if event.kind != "time" or event.rate is None:
        return None
    begun = sum(each.minutes for each in open_.kept)
    return Stretch(Money(event.rate, event.worth.currency), begun, open_.minutes, open_.worth)


def _drawn(whole: Piece, open_: Open, time: Stretch, terms: RetainerTerms, blocks: Blocks) -> Iterator[_Part]:
    nothing = Money.zero(whole.worth.currency)
    before = {each.why: each.minutes for each in open_.kept if each.fate == "drawn"}
    draws = blocks.draw(whole.day, whole.role, time, before)
    for each in draws:
        yield _Part(
            replace(whole, fate="drawn", worth=each.worth, amount=nothing, minutes=each.minutes, why=each.block)
        )
    minutes = whole.minutes - sum(each.minutes for each in draws)
    worth = whole.worth - total((each.worth for each in draws), nothing.currency)
    if not minutes and not worth:
        return
    rest = Stretch(time.rate, time.begun + whole.minutes - minutes, minutes, worth)
    beyond = replace(whole, worth=worth, amount=worth, minutes=minutes, why="overage")
    if terms.overage != "bill":
        yield _Part(replace(beyond, fate=_OVER[terms.overage], amount=nothing))
    elif whole.role in terms.overage_rates:
        rate = Money(terms.overage_rates[whole.role], worth.currency)
        begun = sum(each.minutes for each in open_.kept if each.why == "overage")
        amount = entry_amount(begun + minutes, rate) - entry_amount(begun, rate)
        dearer = replace(beyond, rate=rate.amount, amount=amount)
        yield _Part(dearer, Stretch(rate, begun, minutes, amount), rest)
    else:
        yield _Part(beyond, rest, rest)


def _beneath(part: _Part, rooms: Sequence[Room]) -> Iterator[Piece]:
    """What of a piece fits beneath the caps of all these versions, and what the contract says of the rest (T37)."""
    piece = part.piece
    if piece.fate != "bill":
        yield piece
        return
    amount, minutes, cap = piece.amount, piece.minutes, None
    for room in rooms:
        amount, minutes, decides = room.fits(piece, amount, minutes, part.amounts)
        cap = decides or cap
    if cap is None:
        yield piece
        return
    worth = part.worths.worth(minutes) if part.worths and piece.minutes else amount
    if amount or minutes:
        yield replace(piece, worth=worth, amount=amount, minutes=minutes)
    yield replace(
        piece, fate=_OVER[cap.over], worth=piece.worth - worth, amount=Money.zero(amount.currency),
        minutes=piece.minutes - minutes, why=cap.key,
    )  # fmt: skip
