"""On whose errand the calls of the running task are made: their lane and legal entity, without every caller handing them down."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from tieout.domain.limits.settings import Lane
from tieout.domain.limits.turns import Party

_PARTY: ContextVar[Party] = ContextVar("party", default=("interactive", ""))


def party() -> Party:
    """Whoever says nothing is a person who waits: a command, a page of the console."""
    return _PARTY.get()


@contextmanager
def errand(lane: Lane, entity: str | None = None) -> Generator[None, None, None]:
    """The calls within the block belong to this lane, and to this legal entity where there is one."""
    token = _PARTY.set((lane, entity or ""))
    try:
        yield
    finally:
        _PARTY.reset(token)


def for_entity(entity: str) -> None:
    """The errand turns out to be this legal entity's."""
    _PARTY.set((party()[0], entity))
