"""What a flow sees of the engine: steps, holds, approvals. No clock, no I/O, no `try`.

A run is short. When its subject must wait for a person or for a moment, the run ends and says so; the document waits as
a row, and a new generation of the run begins at the top when the wait is over. Everything a run does in a target system
is an effect with a key of its own, so beginning again repeats nothing (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NoReturn, ParamSpec, Protocol, TypeVar

from tieout.domain.identity import Ref
from tieout.domain.limits.settings import Lane
from tieout.domain.money import Money
from tieout.domain.problems import Problem

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]
# The firm's business day. Not the clock: a rehearsal lives through a month in seconds.
Calendar = Callable[[], date]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that a run works off, as intake stored it."""

    id: int
    ref: Ref
    version: str
    record: dict[str, Any] | None
    deleted: bool
    merged_into: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Arrived:
        """A stored message."""
        ref = Ref(row["connection"], row["kind"], row["record_id"])
        return cls(row["id"], ref, row["version"], row["payload"], row["deleted"], row["merged_into"])


class Run(Protocol):
    """One generation of one run."""

    id: str
    subject: str
    version: str
    messages: Sequence[Arrived]

    def today(self) -> date:
        """The firm's business day on which this generation began."""
        ...

    def now(self) -> datetime:
        """The moment this generation began: one time for all of its decisions."""
        ...

    async def step(self, title: str, act: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Does something and tells it in the run's story; the title is what people read in console and log."""
        ...

    async def about(
        self, *, title: str, entity: str | None = None, engagement: str | None = None, amount: Money | None = None
    ) -> None:
        """Says what the run is about, for holds, lists and ownership."""
        ...

    async def hold(self, problems: Sequence[Problem]) -> None:
        """Goes on when there are none; ends the run as held, with every problem at once, when there are any."""
        ...

    def warn(self, problems: Sequence[Problem]) -> None:
        """Opens holds that block something later (billing, not kickoff); the run goes on."""
        ...

    async def stand(self, flow: str, subject: str, problems: Sequence[Problem]) -> None:
        """Opens and closes the holds of something that outlives its runs: these problems are all that it has now.

        `flow` and `subject` are not the run's own, whose holds close when it ends.
        """
        ...

    async def approval(
        self, title: str, terms: Sequence[str], *, requested_by: str, of: Sequence[str] = (), gate: str = ""
    ) -> str:
        """Why these terms were refused; empty when there are none or exactly these were approved.

        `of` are the addresses of those who may answer; without, everybody with the right may. The firm's gate says to whom
        it goes when nobody does.
        Ends the run as waiting as long as nobody but the requester has given an answer.
        """
        ...

    async def decision(self, code: str) -> str | None:
        """What a person answered to a question about this subject."""
        ...

    async def settle(self, which: Sequence[Arrived], state: Literal["done", "held", "ignored"], reason: str) -> None:
        """Ends some of the run's messages by themselves, where a page brings many."""
        ...

    async def wake(self, flow: str, engagement: str) -> None:
        """Lets the held runs of another flow about an engagement begin again: what they waited for may be there."""
        ...

    async def start(
        self, flow: str, subject: str, version: str, *, lane: str, engagement: str | None = None, joins: bool = False
    ) -> None:
        """Queues a run of another flow; one with the same subject and version is there once.

        With `joins` one of the same subject that nobody has begun is enough: it will see all that is committed by now.
        """
        ...

    def ignore(self, reason: str) -> NoReturn:
        """Ends the run: there is nothing to do, and this is why."""
        ...


class Held(Exception):
    """The run ends; its subject waits for a person."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class NotPlanned(Held):
    """The run ends: it was let go by a plan, and would now do something that the plan did not show."""


class Waiting(Exception):
    """The run ends; its subject waits for an approval."""


class Ignored(Exception):
    """The run ends; there was nothing to do."""


class Later(Exception):
    """The run ends and begins again at a moment: an outcome is unknown, or another worker is on the same effect."""

    def __init__(self, at: datetime, reason: str) -> None:
        super().__init__(reason)
        self.at = at


Row = Mapping[str, Any]


def by_subject(message: Row) -> str:
    """Runs of one record are serial."""
    return str(Ref(message["connection"], message["kind"], message["record_id"]))


def by_kind(message: Row) -> str:
    """Pages of one kind of record are serial."""
    return f"{message['connection']}/{message['kind']}"


@dataclass(frozen=True, slots=True)
class Flow:
    """A business flow: what starts it and what it does.

    `starts_on` names the role and the kind of record whose change starts it; without it the flow is started by others.
    A flow works on one record per run, or on a page of them (`page` > 1) where volume is high. Runs of one `lane` are
    serial, different lanes go side by side; a page is of one lane, so all states of a record must be of the same. `errand`
    says how pressing its calls are (domain.limits); what was there before the hub came is back-fill, whatever the flow.
    Without `contents` a run gets its messages without their records: it lets the store read them, where they are.
    """

    name: str
    version: int
    title: str
    body: Callable[[Run, Any], Awaitable[None]]
    starts_on: tuple[str, str] | None = None
    page: int = 1
    lane: Callable[[Row], str] = by_subject
    errand: Lane = "master"
    contents: bool = True


def flow(
    *,
    version: int,
    title: str,
    starts_on: tuple[str, str] | None = None,
    page: int = 1,
    lane: Callable[[Row], str] | None = None,
    errand: Lane = "master",
    contents: bool = True,
) -> Callable[[Callable[[Run, Any], Awaitable[None]]], Flow]:
    """Makes a Flow of an async function; the function's name becomes the flow's. Without a `lane`, records, or pages, are serial."""
    serial = lane or (by_subject if page == 1 else by_kind)

    def make(body: Callable[[Run, Any], Awaitable[None]]) -> Flow:
        return Flow(body.__name__, version, title, body, starts_on, page, serial, errand, contents)

    return make
