"""Prepaid blocks: drawn in the order in which they were bought, within their days, until nothing is left (T38)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tieout.domain.charging.pieces import Piece
from tieout.domain.documents.terms import Block, RetainerTerms
from tieout.domain.money import Money
from tieout.domain.rating import Stretch

_HOUR = Decimal(60)


@dataclass(frozen=True, slots=True)
class Draw:
    """What one block takes of a piece of work."""

    block: str
    minutes: int
    worth: Money


@dataclass(slots=True)
class Blocks:
    """What is left of each block of a retainer: money, or minutes weighed by role."""

    terms: RetainerTerms
    left: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    @classmethod
    def of(cls, terms: RetainerTerms, drawn: Iterable[Piece]) -> Blocks:
        blocks = cls(terms, {each.key: _holds(each) for each in terms.blocks})
        for each in drawn:
            blocks.take(each)
        return blocks

    def take(self, piece: Piece) -> None:
        """Takes what was drawn off its block, and puts back what was taken back."""
        block = next((each for each in self.terms.blocks if each.key == piece.why), None)
        if piece.fate == "drawn" and block is not None:
            self.left[block.key] -= self._costs(block, piece.role, piece.minutes, piece.worth)

    def draw(self, day: date, role: str, stretch: Stretch, drawn: Mapping[str, int]) -> list[Draw]:
        """What the blocks take of so much work; the rest of it is beyond them.

        `drawn` are the minutes of the same entry that each block gave before: a block ends where it ended then.
        """
        draws: list[Draw] = []
        for block in sorted(self.terms.blocks, key=lambda each: (each.valid_from, each.key)):
            if not block.valid_from <= day <= (block.valid_until or date.max):
                continue
            here = replace(stretch, begun=drawn.get(block.key, 0))
            some = self._within(block, role, here)
            if some <= 0:
                continue
            worth = here.worth(some)
            self.left[block.key] -= self._costs(block, role, some, worth)
            draws.append(Draw(block.key, some, worth))
            stretch = here.after(some)
        return draws

    def _costs(self, block: Block, role: str, minutes: int, worth: Money) -> Decimal:
        if block.amount is not None:
            return worth.amount
        return minutes * self.terms.multipliers.get(role, Decimal(1))

    def _within(self, block: Block, role: str, stretch: Stretch) -> int:
        """The most of its minutes that are in the block."""
        left = max(self.left[block.key], Decimal(0))
        if block.amount is not None:
            return stretch.within(left, stretch.minutes)
        weight = self.terms.multipliers.get(role, Decimal(1))
        return min(stretch.minutes, int(left / weight)) if weight else stretch.minutes


def _holds(block: Block) -> Decimal:
    return block.amount if block.amount is not None else (block.hours or Decimal(0)) * _HOUR
