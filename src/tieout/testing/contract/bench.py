"""What a connector brings so that the contract can be proved on it: a way in, a sample of each write, a hand at the source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from tieout.connectors.contract import ConnectorSpec, Opening, Receipt, Sink, Source, Write
from tieout.domain.problems import Rejected
from tieout.store.database import Database
from tieout.testing.contract.network import FaultyNetwork


@dataclass(frozen=True, slots=True)
class Sample:
    """One write about a subject of its own, with whatever it needs made already, and how to see its effect.

    `seen` reads the target independently of the connector (the emulator's state, or the real system as another user) and
    returns what is there of the effect: nothing before the write, `whole` things after it, more when it was done twice.
    For an update that is the record, once it is as the write wants it.

    `refused` is a write that the target refuses because of what it says, and `refusal` is part of the target's words.
    `absent` is a write about something that is not there; None when that is true of `write` itself until it is sent.
    """

    write: Write
    seen: Callable[[], Awaitable[Sequence[Any]]]
    refused: Write
    refusal: str
    absent: Write | None = None
    whole: int = 1


@dataclass(frozen=True, slots=True)
class Feed:
    """A person at the source, for one kind of record.

    `make` returns the id of a new record, `change` makes it say something else, `remove` takes it away. `late` makes a
    record in a transaction that began so long ago and ends only now: its stamp lies that far back. What the source cannot
    do is None, and the connector's waivers say why. With `merges`, making one is merging it into another.
    """

    make: Callable[[], Awaitable[str]]
    change: Callable[[str], Awaitable[None]] | None = None
    remove: Callable[[str], Awaitable[None]] | None = None
    late: Callable[[timedelta], Awaitable[str]] | None = None
    lag: timedelta = timedelta(seconds=60)
    merges: bool = False


@dataclass(frozen=True)
class ConnectorBench:
    """A system of one kind, and how to reach it. A bench serves many checks: each makes its own subjects.

    `census` counts the records in the system by kind, without the connector: all kinds that its writes create, and those that
    they must not. `wrong` gives settings with which the system lets nobody in; other ones each time where it counts failed logins.
    `forward` lets time pass in the system; where nobody can
    move its clock, it does nothing. `steps` is how long the random walk over the source is. With `dear`, where each call takes its time,
    faults take turns instead of all striking everywhere. `shapes` is what the checks remember of the calls of a send. Close it
    in the end.
    """

    spec: ConnectorSpec
    settings: BaseModel
    network: FaultyNetwork
    wrong: Callable[[], Mapping[str, Any]]
    samples: Mapping[str, Callable[[], Awaitable[Sample]]] = field(default_factory=dict[str, Any])
    feeds: Mapping[str, Feed] = field(default_factory=dict[str, Feed])
    census: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    forward: Callable[[timedelta], None] = lambda step: None
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: int = 40
    dear: bool = False
    shapes: dict[str, Sequence[bool]] = field(default_factory=dict[str, Sequence[bool]], init=False, repr=False)

    @cached_property
    def connection(self) -> Any:
        """The connection that the checks share."""
        return self.open()

    def open(self, **settings: Any) -> Any:
        """A further connection through the network; `settings` replace the bench's own. Whoever asked for it closes it."""
        given = self.settings.model_copy(update=settings)
        return self.spec.open(Opening(self.name or self.spec.kind, given, self.fields, self.network))

    def stranger(self) -> Any:
        """A connection that the system does not let in."""
        return self.open(**self.wrong())

    async def sample(self, operation: str) -> Sample:
        """Raises Broken for an operation that has none."""
        if operation not in self.samples:
            raise Broken(f"the bench of {self.spec.kind} has no sample of {operation}")
        return await self.samples[operation]()

    def feed(self, kind: str) -> Feed:
        """Raises Broken for a kind that nobody writes."""
        if kind not in self.feeds:
            raise Broken(f"the bench of {self.spec.kind} has no feed of {kind}")
        return self.feeds[kind]

    async def counted(self) -> Mapping[str, int]:
        """How many records there are, by kind. Raises Broken where nobody counts."""
        if self.census is None:
            raise Broken(f"the bench of {self.spec.kind} has no census")
        return await self.census()

    async def close(self) -> None:
        if "connection" in self.__dict__:
            await self.connection.close()


@dataclass(frozen=True, slots=True)
class Trial:
    """One check at work: a bench, the operation or kind it is about, and a real database for the engine.

    `sabotage` is handed to the engine's `Effects`, so that a check can be shown to fail.
    """

    bench: ConnectorBench
    subject: str
    database: Database
    sabotage: frozenset[str] = frozenset()

    @property
    def sink(self) -> Sink:
        return self.bench.connection

    @property
    def source(self) -> Source:
        return self.bench.connection

    @property
    def network(self) -> FaultyNetwork:
        return self.bench.network

    async def sample(self) -> Sample:
        return await self.bench.sample(self.subject)


class Broken(AssertionError):
    """A promise of the contract that the connector does not keep."""


def promise(kept: bool, what: str) -> None:
    if not kept:
        raise Broken(what)


async def outcome(act: Awaitable[Any]) -> Any:
    """What an act returned or raised."""
    try:
        return await act
    except Exception as raised:  # which exception it is, is what the checks are about
        return raised


def told(result: Any) -> str:
    """An outcome as a person reads it in a failed check, with the system's own words."""
    if isinstance(result, Rejected):
        return f"Rejected: {result}; {'; '.join(each.quote for each in result.problems)}"
    return f"{type(result).__name__}: {result}" if isinstance(result, Exception) else repr(result)


def proof(receipt: Receipt | None) -> tuple[str, Mapping[str, str]] | None:
    """The part of a receipt that the crosswalk keeps; the answer may differ from one time to the next."""
    return None if receipt is None else (receipt.id, dict(receipt.parts))
