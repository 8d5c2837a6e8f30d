"""A limit that nobody knows, found as CUBIC finds the width of a line: by going a little too far now and then.

It doubles with every second of full use until the first refusal. A refusal cuts it to 97 %, from where it comes back to just
below the limit within half a minute, stays there, and then tries for more, faster and faster. A deeper cut wastes what the
system would have taken; a shorter way back is refused more often, and persons' calls with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_CUT = 0.97
# Seconds of full use from a cut until the limit is reached again.
_BACK = 30.0
# How much more is tried after as many seconds again, as a part of it, and the most that is ever tried.
_MORE, _MOST = 0.3, 4.0
# It is never found to be less than this.
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class Learned:
    """A limit that is found out: `ceiling` is where the last refusal was (0 before the first), `used` for how many seconds it was
    fully used since."""

    start: float
    ceiling: float = 0.0
    used: float = 0.0

    @property
    def value(self) -> float:
        if self.ceiling == 0.0:
            return self.start * 2 ** min(self.used, 6.0)
        way = self.used / _BACK - 1
        return self.ceiling * min(1 + (1 - _CUT if way < 0 else _MORE) * way**3, _MOST)

    def cut(self, at: float) -> Learned:
        """A refusal came at this use of it."""
        return Learned(self.start, max(at, _LEAST))

    def full(self, seconds: float) -> Learned:
        return replace(self, used=self.used + seconds)
