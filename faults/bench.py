"""What a fault bench is, what it is given, and what it hands back."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

# How far a bench is: so many of so many, and what was done last.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a bench may take (seconds), and which share of its full walk it is to do in that time."""

    seconds: float
    share: float = 1.0
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        return self.began + self.seconds - time.monotonic()

    @property
    def over(self) -> bool:
        return self.left <= 0

    def goal(self, full: int) -> int:
        """How many of the full walk's faults are to be injected: at least one."""
        return max(1, math.ceil(full * self.share))


@dataclass(slots=True)
class Outcome:
    """What a bench came to.

    `simulated` are faults injected into pure code, `real` those that hit real processes, sockets or disks. `lost` and
    `doubled` are counted in what the bench moved, with `evidence` for a person. `saboteurs` say by name whether bringing
    that bug back was noticed. `measures` have a value and its unit. `cut_short` says what the budget was too small for,
    `skipped` why the bench could not run at all.
    """

    simulated: int = 0
    real: int = 0
    lost: int = 0
    doubled: int = 0
    saboteurs: dict[str, bool] = field(default_factory=dict[str, bool])
    measures: dict[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    evidence: list[str] = field(default_factory=list[str])
    cut_short: str = ""
    skipped: str = ""

    @property
    def complaints(self) -> list[str]:
        """Why this is no success: one sentence each."""
        found = [f"{self.lost:,} lost"] if self.lost else []
        found += [f"{self.doubled:,} doubled"] if self.doubled else []
        found += [f"the saboteur “{name}” was not noticed" for name, caught in self.saboteurs.items() if not caught]
        found += [f"cut short: {self.cut_short}"] if self.cut_short else []
        if not self.skipped and not self.simulated + self.real:
            found.append("not one fault was injected")
        return found


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench. `title` is one sentence, `proves` which reliability benches (F1 to F20) it is, `about` a paragraph on what is done.

    `minutes` is how long its full walk takes on two cores; `alone` because it measures time, or fills the machine, so that
    no other bench may run beside it. `run` is given the budget, a seed (the same seed, the same
    faults, as far as a real machine allows) and a progress display.
    """

    name: str
    title: str
    proves: tuple[str, ...]
    about: str
    minutes: float
    run: Callable[[Budget, int, Progress], Outcome | Awaitable[Outcome]]
    alone: bool = False
