"""On whose errand the calls of the running task are made: their lane and legal entity, without every caller handing them down.

And what waits for leave to make them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field

from tieout.domain.limits.settings import Lane
from tieout.domain.limits.turns import Party

# Waits until a connection may be called, by its limits (engine.limiter); what the block sends is not kept waiting.
Leave = Callable[[str], AbstractAsyncContextManager[None]]


def at_once(connection: str) -> AbstractAsyncContextManager[None]:
    """For systems whose limits nobody keeps."""
    return nullcontext()


@dataclass(slots=True)
class Errand:
    """Whose calls these are, and how many were made so far to each connection."""

    lane: Lane
    entity: str = ""
    calls: Counter[str] = field(default_factory=Counter[str])

    @property
    def party(self) -> Party:
        return self.lane, self.entity


_NOW: ContextVar[Errand | None] = ContextVar("errand", default=None)


def current() -> Errand:
    """Whoever says nothing is a person who waits: a command, a page of the console."""
    return _NOW.get() or Errand("interactive")


@contextmanager
def errand(lane: Lane, entity: str | None = None) -> Generator[Errand, None, None]:
    """The calls within the block belong to this lane, and to this legal entity where there is one."""
    mine = Errand(lane, entity or "")
    token = _NOW.set(mine)
    try:
        yield mine
    finally:
        _NOW.reset(token)


def for_entity(entity: str) -> None:
    """The errand turns out to be this legal entity's."""
    current().entity = entity
