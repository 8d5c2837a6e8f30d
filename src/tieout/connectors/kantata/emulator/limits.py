"""How many requests a minute the account allows: the vendor says that there are limits, and neither which nor for how long."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tieout.connectors.kantata.emulator.failures import too_many

_MINUTE = 60.0
# These have limits of their own beside the general one.
_OWN = {
    ("POST", "workspaces"),
    ("GET", "workspaces"),
    ("POST", "custom_field_values"),
    ("GET", "custom_field_values"),
}


class Limits:
    """Counts by real time, because a client that waits waits in real time. None means without limit."""

    def __init__(self, seconds: Callable[[], float], requests: int | None, own: int | None) -> None:
        self.requests = requests
        self.own = own
        self._seconds = seconds
        self._seen: dict[str, deque[float]] = {}

    def count(self, method: str, collection: str) -> None:
        """One more request. Raises Refusal (429), which says nothing about when to come again."""
        self._take("all", self.requests)
        if (method, collection) in _OWN:
            self._take(f"{method} {collection}", self.own)

    def _take(self, name: str, most: int | None) -> None:
        if most is None:
            return
        now = self._seconds()
        seen = self._seen.setdefault(name, deque())
        while seen and seen[0] <= now - _MINUTE:
            seen.popleft()
        if len(seen) >= most:
            raise too_many()
        seen.append(now)
