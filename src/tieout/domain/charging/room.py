"""Room beneath the limits of a contract: how much of a piece still fits, and which limit decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tieout.domain.charging.pieces import Piece
from tieout.domain.documents.terms import Cap
from tieout.domain.money import Money
from tieout.domain.rating import Stretch

_HOUR = Decimal(60)


@dataclass(frozen=True, slots=True)
class Used:
    """What other engagements have used up of a cap that spans them: net of tax."""

    amount: Decimal = Decimal(0)
    hours: Decimal = Decimal(0)


@dataclass(slots=True)
class Room:
    """What is left beneath each cap while pieces are decided one after another."""

    caps: tuple[Cap, ...]
    amounts: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    minutes: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    @classmethod
    def under(cls, caps: Iterable[Cap], elsewhere: Mapping[str, Used], billed: Iterable[Piece]) -> Room:
        """With all that is billed so far taken off; a cap that is overdrawn has no room, and not less."""
        room = cls(tuple(caps))
        for cap in room.caps:
            used = elsewhere.get(cap.key, Used())
            if cap.amount is not None:
                room.amounts[cap.key] = cap.amount - used.amount
            if cap.hours is not None:
                room.minutes[cap.key] = (cap.hours - used.hours) * _HOUR
        for each in billed:
            room.take(each)
        return room

    def take(self, piece: Piece) -> None:
        """Uses room for what is billed, and gives it back for what is taken back."""
        if piece.fate != "bill":
            return
        for cap in self._over(piece.sold, piece.day):
            if cap.key in self.amounts:
                self.amounts[cap.key] -= piece.amount.amount
            if cap.key in self.minutes:
                self.minutes[cap.key] -= piece.minutes

    def of(self, keys: Collection[str]) -> Room:
        """The room beneath some of the caps only: the same room, so that what is taken there is taken here."""
        return Room(tuple(each for each in self.caps if each.key in keys), self.amounts, self.minutes)

    def fits(self, piece: Piece, amount: Money, minutes: int, stretch: Stretch | None) -> tuple[Money, int, Cap | None]:
        """How much of a piece, of which so much fits elsewhere, fits beneath every cap, and the cap that decides where not all of it does.

        Time is cut at a whole minute, so that what fits is worth no more than the room; anything else, and what is left of
        an entry whose minutes are all decided, at the very cent.
        """
        decides: Cap | None = None
        for cap in self._over(piece.sold, piece.day):
            left, left_minutes = self.amounts.get(cap.key), self.minutes.get(cap.key)
            fitting = minutes
            if left_minutes is not None:
                fitting = min(fitting, int(max(left_minutes, Decimal(0))))
            if left is not None and stretch is not None:
                fitting = stretch.within(max(left, Decimal(0)), fitting)
            if fitting < minutes:
                amount, minutes, decides = stretch.worth(fitting) if stretch else amount, fitting, cap
            elif left is not None and (stretch is None or not minutes) and amount.amount > max(left, Decimal(0)):
                amount, decides = Money(max(left, Decimal(0)), amount.currency), cap
        return amount, minutes, decides

    def _over(self, sold: str, day: date) -> list[Cap]:
        return [each for each in self.caps if each.spans(sold, day)]
