"""What a channel is given to say: plain words with a link, the same for every channel, and the figures for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from tieout.domain.identity import digest

Event = Literal["opened", "changed", "ended", "digest", "test"]


@dataclass(frozen=True, slots=True)
class Item:
    """One cause in a digest."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say. `figures` are JSON-ready: what a program reads instead of the sentences."""

    event: Event
    title: str
    lines: tuple[str, ...]
    link: str
    items: tuple[Item, ...] = ()
    figures: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """JSON-ready, as the outbox keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Message:
        return cls(
            event=body["event"],
            title=body["title"],
            lines=tuple(body["lines"]),
            link=body["link"],
            items=tuple(Item(**each) for each in body["items"]),
            figures=body["figures"],
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: to whom, in which conversation, as its how-manieth word, and what the channel said before.

    `thread` names the conversation about one cause and never changes; with `sequence` it names the message, the same
    for every attempt to send it. `at` is when it was decided. `handle` is the channel's own name of the conversation's
    first message, empty before.
    """

    message: Message
    thread: str
    cause: str
    sequence: int
    at: datetime
    handle: str = ""
    to: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.thread}-{self.sequence}"


def thread_name(rule: str, cause: str, began: str) -> str:
    """A conversation's name, derived: two hubs on one database give it the same one."""
    return digest("notice", rule, cause, began)[:24]
