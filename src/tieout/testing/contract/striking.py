"""Breaks one call after the other of whatever a connection does, and tells what came of it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.testing.contract.bench import Trial, outcome, told
from tieout.testing.contract.network import CARRIED_OUT, Fault


@dataclass(frozen=True, slots=True)
class Strike:
    """What an act came to when its `at`-th call suffered the fault."""

    fault: Fault
    at: int
    result: Any

    def __str__(self) -> str:
        return f"{self.fault} at call {self.at}: {told(self.result)}"


async def at_every_call(
    trial: Trial, faults: Sequence[Fault], act: Callable[[], Awaitable[Any]]
) -> AsyncGenerator[Strike, None]:
    """Does the act again and again, until it has no further call that could break."""
    for at in itertools.count(1):
        for fault in turns(trial, faults, at):
            trial.network.strike(fault, at=at, only_changes=False)
            result = await outcome(act())
            if trial.network.calm():
                return
            yield Strike(fault, at, result)


def turns(trial: Trial, faults: Sequence[Fault], at: int, *, changes: bool = False) -> Sequence[Fault]:
    """The faults for a call: all of them; where calls are dear, all at the first one and then each in its turn.

    A call that changes something suffers all even there, but for those that need a new subject afterwards: they have a
    check of their own.
    """
    if not trial.bench.dear or (at == 1 and not changes):
        return faults
    return [each for each in faults if each not in CARRIED_OUT] if changes else (faults[at % len(faults)],)
