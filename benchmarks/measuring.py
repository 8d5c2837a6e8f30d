"""Time by the wall and by the processor, whose it was, and what a figure is beside its floor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import psutil

Unit = Literal["s", "ms", "entries/s", "events/s", "deals/s", "rings/s", "% of a core"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `cpu` is what one item cost each party, in the milliseconds of one core.

    `floor` is in the same unit and was measured in the same run; `floor_is` says what it is.
    """

    what: str
    value: float
    unit: Unit
    floor: float | None = None
    floor_is: str = ""
    cpu: Mapping[str, float] = field(default_factory=dict[str, float])
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ratio(self) -> float | None:
        """How many times the floor it costs: 1 would be the floor itself."""
        if not self.floor or not self.value:
            return None
        return self.floor / self.value if self.unit.endswith("/s") else self.value / self.floor


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(values),
        "median": percentile(values, 0.5),
        "p95": percentile(values, 0.95),
        "worst": max(values),
    }


class Watch:
    """Wall time, and processor time by party, from the moment it is made or was last reset.

    A party is a process with all of its children, the dead ones too. The hub is one process; what else the benchmark
    started from it is not the hub.
    """

    def __init__(self, **parties: int) -> None:
        self._parties = {name: psutil.Process(pid) for name, pid in parties.items()}
        self.reset()

    def reset(self) -> None:
        self._began = time.perf_counter()
        self._spent = self._total()

    @property
    def wall(self) -> float:
        return time.perf_counter() - self._began

    def cpu(self) -> dict[str, float]:
        """Seconds of one core, by party."""
        return {name: spent - self._spent[name] for name, spent in self._total().items()}

    def each(self, items: int) -> dict[str, float]:
        """Milliseconds of one core for one item, by party."""
        return {name: 1000 * seconds / items for name, seconds in self.cpu().items()}

    def _total(self) -> dict[str, float]:
        return {name: _own(each) if name == "hub" else _with_children(each) for name, each in self._parties.items()}


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _with_children(process: psutil.Process) -> float:
    """User and system time of a process, its living children, and those it has waited for."""
    spent = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent
