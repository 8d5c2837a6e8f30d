"""What the calls of a run were for, learned while it goes on and at its end: forecasts are made of it (store.forecast)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tieout.store import forecast
from tieout.store.database import Database

# A run of batches may be long: what it has cost so far is learned so often.
_EVERY = timedelta(seconds=30)


class Costs:
    """The costs of one run of a flow, which began with so many messages; `rows` counts those of its batches, by connection. Each
    call and each line is told once."""

    def __init__(self, flow: str, messages: int, rows: Mapping[str, int], began: datetime) -> None:
        self._flow = flow
        self._messages = messages
        self._rows = rows
        self._learned_at = began
        self._told: dict[str, tuple[int, int]] = {}

    def news(self, calls: Mapping[str, int], *, over: bool) -> dict[str, tuple[int, int]]:
        """What is new since it was last asked: calls made to each connection, and the lines that they were for: rows of batches,
        else what came with the run, once it is over; under the empty name, all lines."""
        lines = max(self._messages, 1) if over else 0
        total = {name: (made, self._rows.get(name, 0) if self._rows else lines) for name, made in calls.items()}
        total[""] = 0, sum(self._rows.values()) if self._rows else lines
        before, self._told = self._told, total
        return {name: _less(now, before.get(name, (0, 0))) for name, now in total.items()}

    async def learn(self, database: Database, calls: Mapping[str, int], now: datetime) -> None:
        """Writes down what batches have cost so far, now and then."""
        if self._rows and now - self._learned_at >= _EVERY:
            self._learned_at = now
            async with database.transaction() as tx:
                await forecast.learn(tx, [(self._flow, self.news(calls, over=False))], now)


def _less(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]
