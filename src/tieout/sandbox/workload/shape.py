"""How large a simulated firm is, and which share of its time is late, corrected, revoked, told twice or dirty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

FIRST_MONTH = date(2026, 1, 1)
DIRTY = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """`months` begin with January 2026. Shares are of all entries, between 0 and 1; at least five projects are worked on."""

    consultants: int
    months: int
    seed: int
    dirty: float = DIRTY
    late: float = 0.03
    corrected: float = 0.02
    revoked: float = 0.01
    told_twice: float = 0.02

    @property
    def projects(self) -> int:
        """One for four consultants, in fives: three of five are of the first legal entity."""
        return 5 * max(1, -(-self.consultants // 20))

    def month(self, number: int) -> date:
        """The first day of a month, counted from 0."""
        years, month = divmod(FIRST_MONTH.month - 1 + number, 12)
        return date(FIRST_MONTH.year + years, month + 1, 1)

    def work_days(self, number: int) -> list[date]:
        """Monday to Friday; nobody is ever on holiday."""
        first, end = self.month(number), self.month(number + 1)
        days = (first + timedelta(days=each) for each in range((end - first).days))
        return [each for each in days if each.weekday() < 5]
