"""The story, day by day: who does what at which hour, each day once, from where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from tieout.connectors.tryton.errors import TrytonError
from tieout.sandbox.clock import StoryClock, replace_text
from tieout.sandbox.firm import Entity, KestrelFirm
from tieout.sandbox.story.deals import EVE
from tieout.sandbox.story.desks import Refused
from tieout.sandbox.story.journal import Journal

Duty = Callable[[date, str], Awaitable[None]]
TROUBLE = (Refused, httpx2.HTTPError, TrytonError)
_SATURDAY = 5
_MIDNIGHT = time(23, 59)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """What is done in every entity at an hour of its own time zone, from Monday to Friday."""

    at: time
    duty: Duty


class Story:
    """Plays days in order. Everything that people do is safe to do again, so a day that was cut off is simply replayed."""

    def __init__(
        self,
        firm: KestrelFirm,
        clock: StoryClock,
        journal: Journal,
        slots: Sequence[Slot],
        *,
        state: Path | None = None,
    ) -> None:
        self.firm = firm
        self.clock = clock
        self.journal = journal
        self._slots = slots
        self._state = state
        self._turn = asyncio.Lock()
        self._played = EVE - _ONE_DAY
        if state is not None and state.exists():
            self._played = date.fromisoformat(state.read_text(encoding="utf-8").strip())

    @property
    def played(self) -> date:
        """The last day that is over."""
        return self._played

    @property
    def finished(self) -> bool:
        return self._played >= self.firm.story.last_day

    def status(self, lines: int = 20) -> dict[str, Any]:
        span = self.firm.story
        return {
            "day": self.clock.today.isoformat(),
            "played": self._played.isoformat(),
            "first_day": span.first_day.isoformat(),
            "last_day": span.last_day.isoformat(),
            "untold_from": span.untold.since.isoformat(),
            "finished": self.finished,
            "playing": self._turn.locked(),
            "acts": len(self.journal),
            "log": [each.shown() for each in self.journal.acts[-lines:]] if lines else [],
        }

    async def raise_curtain(self) -> None:
        """What had happened before the story begins."""
        await self.advance(EVE)

    async def advance(self, until: date, *, pace: float = 0) -> None:
        """Play every day that is not over yet, `until` included; `pace` are seconds to wait after each."""
        async with self._turn:
            while self._played < until:
                await self._play(self._played + _ONE_DAY)
                if pace:
                    await asyncio.sleep(pace)

    async def _play(self, day: date) -> None:
        self.clock.jump(datetime.combine(day, time(), tzinfo=UTC))
        for moment, duty, entity in self._program(day):
            self.clock.jump(moment)
            try:
                await duty(day, entity.code)
            except TROUBLE as refused:
                self._complain(day, entity, duty, refused)
        # Late in the evening everything has arrived, even what a system tells minutes later.
        self.clock.jump(datetime.combine(day, _MIDNIGHT, tzinfo=UTC))
        self._played = day
        if self._state is not None:
            replace_text(self._state, day.isoformat())

    def _complain(self, day: date, entity: Entity, duty: Duty, refused: Exception) -> None:
        """A system that says no, or nothing, spoils nobody's day: people look again tomorrow."""
        key = f"trouble/{day}/{entity.code}/{getattr(duty, '__qualname__', duty)}"
        told = str(refused) or type(refused).__name__
        self.journal.write(key, f"Somebody in {entity.city}", "could not go on:", told, "the office")

    def _program(self, day: date) -> list[tuple[datetime, Duty, Entity]]:
        if day.weekday() >= _SATURDAY or not self.firm.story.tells(day):
            return []
        acts = [
            (datetime.combine(day, slot.at, tzinfo=ZoneInfo(entity.time_zone)), slot.duty, entity)
            for entity in self.firm.entities
            for slot in self._slots
        ]
        return sorted(acts, key=lambda each: each[0])
