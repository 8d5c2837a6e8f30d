"""How often all that waits is looked at: what takes long is not done again and again while it takes long."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Where there are fewer causes, a look costs next to nothing. Between two looks pass so many times what the last one took.
_FEW, _REST = 500, 4


@dataclass(slots=True)
class Look:
    """One look; `causes` is how many it found, `took` in seconds, `ended` by the machine's own count of seconds."""

    causes: int = 0
    took: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class Looks:
    """The last look at what waits of each source. One for all runs of a process."""

    _last: dict[str, Look] = field(default_factory=dict[str, Look])

    def rest(self, connection: str) -> float:
        """Seconds until the next look is due; 0 when it is."""
        last = self._last.get(connection)
        if last is None or last.causes < _FEW:
            return 0.0
        return max(0.0, last.ended + _REST * last.took - time.monotonic())

    def since(self, connection: str) -> float:
        """Seconds since all was looked at, or since somebody first asked."""
        last = self._last.setdefault(connection, Look(ended=time.monotonic()))
        return time.monotonic() - last.ended

    @contextmanager
    def timed(self, connection: str) -> Generator[Look]:
        look, began = Look(), time.monotonic()
        yield look
        look.ended = time.monotonic()
        look.took = look.ended - began
        self._last[connection] = look
