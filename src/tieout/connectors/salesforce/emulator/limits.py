"""How much of its daily allowance of API requests an org has used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.failures import refusal

_DAY = timedelta(hours=24)
_OTHER_LIMITS = {"DailyBulkV2QueryJobs": 10_000, "DailyBulkApiBatches": 15_000, "HourlyPublishedPlatformEvents": 50_000}


class Limits:
    """Counts requests over the last 24 hours of the org's clock. `daily` may be changed at any time."""

    def __init__(self, now: Callable[[], datetime], daily: int = 15_000) -> None:
        self.daily = daily
        self._now = now
        self._minutes: deque[tuple[datetime, int]] = deque()
        self._used = 0

    def resources(self) -> list[Resource]:
        return [Resource("/limits", {"GET": self.show})]

    @property
    def used(self) -> int:
        edge = self._now() - _DAY
        while self._minutes and self._minutes[0][0] <= edge:
            self._used -= self._minutes.popleft()[1]
        return self._used

    def count(self) -> None:
        """One more request. Raises Refusal (403 REQUEST_LIMIT_EXCEEDED) when none is left."""
        if self.used >= self.daily:
            raise refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        minute = self._now().replace(second=0)
        if self._minutes and self._minutes[-1][0] >= minute:
            self._minutes[-1] = (self._minutes[-1][0], self._minutes[-1][1] + 1)
        else:
            self._minutes.append((minute, 1))
        self._used += 1

    @property
    def header(self) -> str:
        return f"api-usage={self.used}/{self.daily}"

    def show(self, call: Call) -> Reply:
        others = {name: {"Max": most, "Remaining": most} for name, most in _OTHER_LIMITS.items()}
        left = max(0, self.daily - self.used)
        return Reply(200, {"DailyApiRequests": {"Max": self.daily, "Remaining": left}, **others})
